import { realpathSync } from 'node:fs'
import { servedKindOf } from '@baryon/cvmfs'
import { UserError } from '@baryon/format'
import { createFileService, type ListenAddress, type ServedFile, serveHttp } from '@baryon/server'
import { aborted } from '../aborted.ts'
import { formatAccess } from '../access-log.ts'
import type { Context, Outcome } from '../command.ts'
import { createLineBuffer } from '../line-buffer.ts'
import { parseListenAddress } from '../listen-address.ts'
import { UsageError } from '../parse-arguments.ts'
import { existingRepository, repositoryName } from '../repository-access.ts'

export async function run(context: Context): Promise<Outcome> {
  const { terminal, signal, arguments: given } = context
  const address = addressOf(given.value('listen'), given.value('port'))
  const maxAge = wholeNumber('max-age', given.value('max-age') ?? '61')
  const directories = await repositories(given.operands)
  const lines = createLineBuffer((text) => terminal.err(text))
  const quiet = given.flag('quiet')
  const server = await serveHttp(createFileService({ find: (path) => find(directories, path), maxAge }), address, {
    ...(quiet ? {} : { onRequest: (record) => lines.write(formatAccess(record, context.json)) }),
  })
  const names = [...directories.keys()]
  const served = { url: server.url, repositories: names.map((name) => ({ name, url: `${server.url}/cvmfs/${name}` })) }
  terminal.out(context.json ? `${JSON.stringify(served)}\n` : `${server.url}\n`)
  await aborted(signal)
  await server.stop(GRACE)
  lines.close()
  return {}
}

/** Directories by the names of the repositories in them. */
async function repositories(operands: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const directories = new Map<string, string>()
  for (const operand of operands) {
    const directory = realpathSync(existingRepository(operand))
    const name = await repositoryName(operand)
    if (directories.has(name)) {
      throw new UserError('CVMFS_NAME_TWICE', `'${operand}' and '${directories.get(name)}' are both ${name}`, {
        hint: 'serve one of them, or the other one at another address',
      })
    }
    directories.set(name, directory)
  }
  return directories
}

function find(directories: ReadonlyMap<string, string>, path: string): ServedFile | undefined {
  const [, repository, name = ''] = /^\/(?:cvmfs\/([^/]+)\/)?(.*)$/.exec(path) ?? []
  const [only] = directories.size === 1 ? directories.values() : []
  const directory = repository === undefined ? only : directories.get(repository)
  const kind = servedKindOf(name)
  if (directory === undefined || kind === undefined) return undefined
  const isImmutable = kind === 'object'
  return { directory, name, isImmutable, type: isImmutable ? 'application/octet-stream' : 'application/x-cvmfs' }
}

function addressOf(listen: string | undefined, port: string | undefined): ListenAddress {
  if (listen !== undefined && port !== undefined) throw new UsageError('give either --listen or --port')
  if (port === undefined) return parseListenAddress(listen ?? '127.0.0.1:8000')
  const number = wholeNumber('port', port)
  if (number > 65535) throw new UsageError(`--port ${port}: ports end at 65535`)
  return { kind: 'tcp', host: '127.0.0.1', port: number }
}

function wholeNumber(option: string, word: string): number {
  if (/^\d{1,9}$/.test(word)) return Number(word)
  throw new UsageError(`--${option} ${word}: expected a whole number`)
}

/** Milliseconds. */
const GRACE = 10_000
