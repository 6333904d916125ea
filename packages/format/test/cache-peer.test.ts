import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import {
  createNarWriter,
  fixedOutputPath,
  formatCacheInfo,
  formatNarinfo,
  formatPublicKey,
  formatSecretKey,
  formatStorePath,
  generateKeyPair,
  hashBytes,
  parseCacheInfo,
  parseHash,
  parseNarinfo,
  parsePublicKey,
  parseSecretKey,
  parseStorePath,
  pathFingerprint,
  sign,
  verify,
} from '@baryon/format'
import { NIX_COMMAND, nixIsMissing, openNixPeer } from './nix-peer.ts'

const skip = nixIsMissing
const peer = skip === false ? openNixPeer() : undefined
after(() => peer?.remove())

test('keys of nix key are ours, and ours are its', { skip }, () => {
  const secret = nix(['key', 'generate-secret', '--key-name', 'peer-1'])
  const key = parseSecretKey(secret)
  assert.equal(formatSecretKey(key), secret)
  assert.equal(formatPublicKey(key.publicKey), nix(['key', 'convert-secret-to-public'], secret))
  const own = generateKeyPair('own-1')
  assert.equal(formatPublicKey(own.publicKey), nix(['key', 'convert-secret-to-public'], formatSecretKey(own)))
})

test('nix store sign makes the signature that we make', { skip }, () => {
  const path = buildSelfReferring()
  const key = generateKeyPair('own-1')
  const keyFile = join(peer!.directory, 'own.key')
  writeFileSync(keyFile, formatSecretKey(key))
  nix(['store', 'sign', '--key-file', keyFile, path])
  const info = JSON.parse(nix(['path-info', '--json', '--sigs', path]))[0] as PathInfoJson
  const store = peer!.storeDirectory
  const fingerprint = pathFingerprint(store, {
    path: parseStorePath(store, path),
    narHash: parseHash(info.narHash),
    narSize: info.narSize,
    references: info.references.map((text) => parseStorePath(store, text)),
  })
  assert.ok(info.references.length > 1 && info.references.includes(path))
  assert.deepEqual(info.signatures, [sign(key, fingerprint)])
})

test('narinfo files of nix copy read, write and verify', { skip }, () => {
  const secret = nix(['key', 'generate-secret', '--key-name', 'cache-1'])
  writeFileSync(join(peer!.directory, 'cache.key'), secret)
  const key = parsePublicKey(nix(['key', 'convert-secret-to-public'], secret))
  const cache = join(peer!.directory, 'their-cache')
  const fixed = join(peer!.directory, 'fixed')
  writeFileSync(fixed, 'fixed')
  const paths = [
    buildSelfReferring(),
    run('nix-store', ['--add-fixed', 'sha1', fixed]),
    run('nix-store', ['--add', fixed]),
  ]
  nix(['copy', '--to', `file://${cache}?secret-key=${peer!.directory}/cache.key`, ...paths])
  const store = peer!.storeDirectory
  const files = readdirSync(cache).filter((name) => name.endsWith('.narinfo'))
  assert.ok(files.length >= 4)
  for (const file of files) {
    const text = readFileSync(join(cache, file), 'latin1')
    const info = parseNarinfo(store, text)
    assert.equal(formatNarinfo(store, info), text)
    const fingerprint = pathFingerprint(store, info)
    assert.ok(info.signatures.some((signature) => verify([key], fingerprint, signature)))
  }
  assert.equal(parseCacheInfo(readFileSync(join(cache, 'nix-cache-info'), 'latin1')).storeDirectory, store)
})

test('nix copy takes a signed path from a cache that we wrote, and no unsigned one', { skip }, () => {
  const store = peer!.storeDirectory
  const cache = join(peer!.directory, 'our-cache')
  mkdirSync(join(cache, 'nar'), { recursive: true })
  writeFileSync(
    join(cache, 'nix-cache-info'),
    formatCacheInfo({ storeDirectory: store, wantMassQuery: true, priority: 10 }),
  )
  const key = generateKeyPair('ours-1')
  const write = (name: string, signed: boolean): string => {
    const nar = narOfFile(`contents of ${name}`)
    const narHash = hashBytes('sha256', nar)
    // An input-addressed path needs a signature; any digest will do.
    const path = fixedOutputPath(store, name, { method: 'flat', hash: narHash })
    const info = {
      path,
      url: `nar/${name}.nar`,
      compression: 'none',
      fileHash: narHash,
      fileSize: nar.length,
      narHash,
      narSize: nar.length,
      references: [],
    }
    const signatures = signed ? [sign(key, pathFingerprint(store, info))] : []
    writeFileSync(join(cache, info.url), nar)
    writeFileSync(join(cache, `${path.digest}.narinfo`), formatNarinfo(store, { ...info, signatures }))
    return formatStorePath(store, path)
  }
  const [signed, unsigned] = [write('signed', true), write('unsigned', false)]
  const copy = (path: string) => [
    ...NIX_COMMAND,
    '--option',
    'trusted-public-keys',
    formatPublicKey(key.publicKey),
    'copy',
    '--from',
    `file://${cache}`,
    path,
  ]
  peer!.run('nix', copy(signed))
  assert.equal(readFileSync(signed, 'latin1'), 'contents of signed')
  assert.ok(!peer!.succeeds('nix', copy(unsigned)))
})

interface PathInfoJson {
  readonly narHash: string
  readonly narSize: number
  readonly references: readonly string[]
  readonly signatures: readonly string[]
}

let built: string | undefined

/** An input-addressed path that refers to itself and to a text. */
function buildSelfReferring(): string {
  const text = 'builtins.toFile "text" "some text"'
  const expression = `derivation { name = "self"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "echo $out \${${text}} > $out" ]; }`
  built ??= run('nix-build', ['--no-out-link', '-E', expression])
  return built
}

function narOfFile(content: string): Buffer {
  const chunks: Buffer[] = []
  const writer = createNarWriter((chunk) => chunks.push(Buffer.from(chunk)))
  writer.startFile(content.length, false)
  writer.content(Buffer.from(content))
  writer.endFile()
  writer.end()
  return Buffer.concat(chunks)
}

function nix(args: readonly string[], input = ''): string {
  return peer!
    .run('nix', [...NIX_COMMAND, ...args], { input: Buffer.from(input) })
    .toString()
    .trim()
}

function run(program: string, args: readonly string[]): string {
  return peer!.run(program, args).toString().trim()
}
