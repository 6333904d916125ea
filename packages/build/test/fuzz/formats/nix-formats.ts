/** The formats of Nix, all but the first as texts. */
import assert from 'node:assert/strict'
import {
  createNarParser,
  formatCacheInfo,
  formatDerivation,
  formatNarinfo,
  formatPublicKey,
  formatSecretKey,
  generateKeyPair,
  parseCacheInfo,
  parseContentAddress,
  parseDerivation,
  parseHash,
  parseNarinfo,
  parsePublicKey,
  parseSecretKey,
  parseStorePath,
  sign,
  verify,
} from '@baryon/format'
import { dumpNar, openStore, restoreNar } from '@baryon/store'
import { arbitraryDerivation, arbitraryTree, writeTree } from '@baryon/testing'
import * as fc from 'fast-check'
import type { Format } from '../format.ts'

const STORE = '/nix/store'
const DIGEST = 'n5wkd9frr45pa74if5gpz9j7mifg27fh'
const NAR_HASH = `sha256:${'1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s'}`
const key = generateKeyPair('cache.example.org-1')

const NAR_WORDS = [
  '',
  '(',
  ')',
  'type',
  'regular',
  'directory',
  'symlink',
  'contents',
  'executable',
  'entry',
  'name',
  'node',
  'target',
  '..',
  '.',
  '/',
  'a/b',
  'a\0b',
].map(narString)

export const nixFormats: readonly Format[] = [
  { name: 'nar', samples: nars, words: NAR_WORDS, read: (bytes) => parseInPieces(bytes) },
  {
    name: 'nar-restore',
    samples: nars,
    words: NAR_WORDS,
    writes: true,
    read: (bytes, directory) => restoreNar(`${directory}/tree`, [bytes.subarray(0, 100), bytes.subarray(100)]),
  },
  { name: 'export', samples: exports, words: NAR_WORDS, writes: true, read: importExport },
  text('narinfo', narinfos(), (text) => {
    const info = parseNarinfo(STORE, text)
    for (const signature of info.signatures) verify([key.publicKey], 'data', signature)
  }),
  text(
    'derivation',
    sampled(arbitraryDerivation(STORE)).map((derivation) => formatDerivation(derivation)),
    parseDerivation,
  ),
  text('cache-info', [formatCacheInfo({ storeDirectory: STORE, wantMassQuery: true, priority: 30 })], parseCacheInfo),
  text('public-key', [formatPublicKey(key.publicKey)], parsePublicKey),
  text('secret-key', [formatSecretKey(key)], parseSecretKey),
  text('signature', [sign(key, 'data')], (text) => verify([key.publicKey], 'data', text)),
  text(
    'hash',
    [NAR_HASH, 'sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=='],
    (text) => parseHash(text),
  ),
  text('content-address', [`fixed:r:${NAR_HASH}`, `text:${NAR_HASH}`], parseContentAddress),
  text('store-path', [`${STORE}/${DIGEST}-hello-2.10`], (text) => parseStorePath(STORE, text)),
]

function text(name: string, texts: readonly string[], parse: (text: string) => unknown): Format {
  return {
    name,
    samples: () => texts.map((sample) => Buffer.from(sample, 'latin1')),
    words: ['\0', '\n', ':', '"', '\\', '/', '[', ']', '(', ',', ' '],
    read: (bytes) => {
      parse(bytes.toString('latin1'))
    },
  }
}

function nars(directory: string): Uint8Array[] {
  return sampled(arbitraryTree).map((tree, index) => {
    const path = `${directory}/${index}`
    writeTree(path, tree)
    const chunks: Uint8Array[] = []
    dumpNar(path, (chunk) => chunks.push(Buffer.from(chunk)))
    return Buffer.concat(chunks)
  })
}

function exports(directory: string): Uint8Array[] {
  const store = openStore({ storeDirectory: STORE, root: `${directory}/root` })
  const text = store.addText('text', 'text')
  const user = store.addText('user', store.format(text), [text])
  const chunks: Uint8Array[] = []
  store.exportPaths([text, user], (chunk) => chunks.push(Buffer.from(chunk)))
  store.close()
  return [Buffer.concat(chunks)]
}

function importExport(bytes: Buffer, directory: string): void {
  const store = openStore({ storeDirectory: STORE, root: `${directory}/root` })
  try {
    store.importPaths([bytes.subarray(0, 200), bytes.subarray(200)])
  } finally {
    assert.deepEqual(store.verify({ checkContents: true }).problems, [])
    store.close()
  }
}

function narinfos(): string[] {
  const path = { digest: DIGEST, name: 'hello-2.10' }
  const narHash = parseHash(NAR_HASH)
  const small = { path, url: 'nar/x.nar', compression: 'none', narHash, narSize: 1, references: [], signatures: [] }
  const large = {
    ...small,
    compression: 'xz',
    fileHash: narHash,
    fileSize: 4029176,
    references: [path, { digest: DIGEST, name: 'other' }],
    deriver: { digest: DIGEST, name: 'hello-2.10.drv' },
    signatures: [sign(key, 'data'), sign(key, 'more')],
    contentAddress: parseContentAddress(`fixed:r:${NAR_HASH}`),
  }
  return [small, large].map((info) => formatNarinfo(STORE, info))
}

function sampled<T>(arbitrary: fc.Arbitrary<T>): T[] {
  return fc.sample(arbitrary, { numRuns: 12, seed: 1 })
}

function narString(text: string): string {
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(text.length))
  return length.toString('latin1') + text + '\0'.repeat(-text.length & 7)
}

/** Cut into pieces of changing lengths, so that every state is met in the middle of a chunk. */
function parseInPieces(bytes: Buffer): void {
  const ignore = () => undefined
  const parser = createNarParser({
    startDirectory: ignore,
    entry: ignore,
    endDirectory: ignore,
    startFile: ignore,
    content: ignore,
    endFile: ignore,
    symlink: ignore,
  })
  for (let start = 0, size = 1; start < bytes.length; start += size, size = (size * 7) % 61)
    parser.write(bytes.subarray(start, start + size))
  parser.end()
}
