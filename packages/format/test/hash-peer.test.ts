import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { formatHash, type HashAlgorithm, hashBytes, parseHash, UserError } from '@baryon/format'
import { NIX_COMMAND, nixIsMissing, openNixPeer } from './nix-peer.ts'

const skip = nixIsMissing
const peer = skip === false ? openNixPeer() : undefined
after(() => peer?.remove())

const ALGORITHMS: readonly HashAlgorithm[] = ['md5', 'sha1', 'sha256', 'sha512']

test('nix-hash hashes files and writes every encoding as we do', { skip }, () => {
  for (const [index, content] of ['', 'abc', '\x00\xff\r\n'.repeat(3000)].entries()) {
    const file = join(peer!.directory, `file${index}`)
    writeFileSync(file, content, 'latin1')
    for (const algorithm of ALGORITHMS) {
      const hash = hashBytes(algorithm, content)
      const ask = (...flags: string[]) => text('nix-hash', ['--type', algorithm, '--flat', ...flags, file])
      assert.equal(formatHash(hash, 'base16', false), ask())
      assert.equal(formatHash(hash, 'nix32', false), ask('--base32'))
      const nix = (form: string) =>
        text('nix', [...NIX_COMMAND, 'hash', 'file', '--type', algorithm, `--${form}`, file])
      assert.equal(formatHash(hash, 'base64', false), nix('base64'))
      assert.equal(formatHash(hash, 'sri'), nix('sri'))
    }
  }
})

test('nix-hash converts between encodings as we do', { skip }, () => {
  for (const algorithm of ALGORITHMS) {
    const hash = hashBytes(algorithm, `to be converted with ${algorithm}`)
    const convert = (to: string, digits: string) => text('nix-hash', ['--type', algorithm, to, digits])
    const base16 = formatHash(hash, 'base16', false)
    const nix32 = formatHash(hash, 'nix32', false)
    assert.equal(convert('--to-base32', base16), nix32)
    assert.equal(convert('--to-base16', nix32), base16)
    assert.deepEqual(parseHash(convert('--to-base32', base16), algorithm), hash)
  }
})

const EMPTY = '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU'
const HASH_TEXTS = [
  `sha256-${EMPTY}=`,
  `sha256-${EMPTY}`,
  `sha256-${EMPTY.slice(0, -1)}V=`,
  `sha256-${EMPTY}=?option`,
  `sha256-${EMPTY.slice(0, 9)}\n${EMPTY.slice(9)}`,
  `sha256-${EMPTY.slice(0, 9)} ${EMPTY.slice(9)}=`,
  `sha256-${EMPTY.slice(0, -4)}`,
  `sha256-${EMPTY}AAAA=`,
  `sha256:${EMPTY}=`,
  `sha256:${EMPTY.slice(0, -1)}V=`,
  `sha256:${EMPTY}`,
  `sha1:${EMPTY}=`,
  'sha256:0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73',
  'sha256:zmdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73',
  'sha256:2mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73',
  'sha256:1mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73',
  'sha256:0MDQA9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73',
  'sha256:0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9ce3',
  'sha256:E3B0C44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  'sha256:g3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85',
  'sha256-e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  'SHA256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  'sha1:2jmj7l5rSw0yVb/vlWAYkK/YBwk=',
  'md5:1B2M2Y8AsgTpgAmY7PhCfg==',
  'md5:3y8bwfr609h3lh9ch0izcqq7fl',
  'md5:7y8bwfr609h3lh9ch0izcqq7fl',
  'md5:8y8bwfr609h3lh9ch0izcqq7fl',
  `sha256-:${EMPTY}=`,
  'sha256-=47DE',
  'sha256:',
  'sha256',
  '',
  ':',
  '-',
]

for (const hashText of HASH_TEXTS) {
  test(`Nix and we agree on the hash ${JSON.stringify(hashText)}`, { skip }, () => {
    let ours: string | undefined
    try {
      ours = formatHash(parseHash(hashText), 'base16', false)
    } catch (error) {
      assert.ok(error instanceof UserError, String(error))
    }
    const args = [...NIX_COMMAND, 'hash', 'to-base16', hashText]
    assert.equal(ours, peer!.succeeds('nix', args) ? text('nix', args) : undefined)
  })
}

function text(program: string, args: readonly string[]): string {
  return peer!.run(program, args).toString('latin1').trim()
}
