import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { isSystemError, parsePublicKey, parseSecretKey, UserError } from '@baryon/format'
import { createBinaryCache, type ListenAddress, parseToken, serveHttp } from '@baryon/server'
import { resolveLocation } from '@baryon/store'
import { aborted } from '../aborted.ts'
import { formatAccess } from '../access-log.ts'
import type { Context, Outcome } from '../command.ts'
import { parseBytes } from '../format-quantity.ts'
import { createLineBuffer } from '../line-buffer.ts'
import { parseListenAddress } from '../listen-address.ts'
import { UsageError } from '../parse-arguments.ts'

export async function run(context: Context): Promise<Outcome> {
  const { terminal, arguments: given } = context
  const address = parseAddress(given.value('listen'), given.value('socket'))
  const tokenFile = given.value('upload-token-file')
  const grace = parseNumber('grace', given.value('grace') ?? '10', 3600)
  const options = {
    keys: given.values('key').map((file) => parseSecretKey(readSecret(file))),
    coding: parseCoding(given.value('compression') ?? 'none'),
    priority: parseNumber('priority', given.value('priority') ?? '30', 1e6),
    token: tokenFile === undefined ? undefined : parseToken(readSecret(tokenFile), tokenFile),
    trustedKeys: given.values('trusted-key').map(parsePublicKey),
    readers: Math.max(1, parseNumber('workers', given.value('workers') ?? String(defaultWorkers()), 64)),
    ...uploadLimit(given.value('max-upload')),
  }
  const { storeDirectory, root } = await context.settings({ needsStack: true })
  const lines = createLineBuffer((text) => terminal.err(text))
  const cache = createBinaryCache({
    ...options,
    location: resolveLocation({ storeDirectory, root }),
    onNotice: (message) => lines.write(context.json ? JSON.stringify({ notice: message }) : `note: ${message}`),
  })
  try {
    const quiet = given.flag('quiet')
    const server = await serveHttp(cache, address, {
      ...(quiet ? {} : { onRequest: (record) => lines.write(formatAccess(record, context.json)) }),
    })
    terminal.out(context.json ? `${JSON.stringify({ url: server.url })}\n` : `${server.url}\n`)
    await aborted(context.signal)
    await server.stop(grace * 1000)
  } finally {
    await cache.close()
    lines.close()
  }
  return {}
}

function parseAddress(listen: string | undefined, socket: string | undefined): ListenAddress {
  if (socket !== undefined) {
    if (listen !== undefined) throw new UsageError('give either --listen or --socket')
    return { kind: 'socket', path: socket }
  }
  return parseListenAddress(listen ?? '127.0.0.1:5000')
}

function parseCoding(word: string): 'none' | 'zstd' | 'gzip' {
  if (word === 'none' || word === 'zstd' || word === 'gzip') return word
  throw new UsageError(`--compression ${word}: must be none, zstd or gzip`)
}

function parseNumber(option: string, word: string, most: number): number {
  if (/^\d{1,9}$/.test(word) && Number(word) <= most) return Number(word)
  throw new UsageError(`--${option} ${word}: must be a number up to ${most}`)
}

function uploadLimit(word: string | undefined): { readonly uploadLimit?: number } {
  if (word === undefined) return {}
  const bytes = parseBytes(word)
  if (bytes === undefined) throw new UsageError(`--max-upload ${word}: not a number of bytes`)
  return { uploadLimit: bytes }
}

function readSecret(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (!isSystemError(error, 'ENOENT', 'EACCES', 'EISDIR')) throw error
    throw new UserError('FILE_UNREADABLE', `cannot read '${file}': ${error.code}`, { cause: error })
  }
}

function defaultWorkers(): number {
  return Math.min(4, availableParallelism())
}
