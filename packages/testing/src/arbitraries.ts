/** Arbitrary values of our domain for property tests. */
import { type Derivation, formatStorePath, type StorePath } from '@baryon/format'
import * as fc from 'fast-check'
import type { Tree } from './tree.ts'

const plain = { noNullPrototype: true }

/** Any file name: all bytes but `/` and NUL, odd ones often. */
export const arbitraryFileName: fc.Arbitrary<string> = fc
  .oneof(
    fc.string({ unit: fc.constantFrom(...'abcxyz.-_ 0'), minLength: 1, maxLength: 12 }),
    fc
      .array(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength: 10 })
      .map((bytes) => String.fromCharCode(...bytes)),
  )
  .filter((name) => !name.includes('/') && name !== '.' && name !== '..')

/** Any bytes as a byte string. */
export const arbitraryBytes: fc.Arbitrary<string> = fc
  .uint8Array({ maxLength: 300 })
  .map((bytes) => Buffer.from(bytes).toString('latin1'))

/** Trees of files (some executable), links and directories, of depth 4 at most, without metadata that a NAR does not hold. */
export const arbitraryTree: fc.Arbitrary<Tree> = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', maxDepth: 4 },
    fc.record({ file: arbitraryBytes, mode: fc.constantFrom(0o644, 0o755) }, plain),
    fc.record({ symlink: arbitraryFileName }, plain),
    fc
      .dictionary(arbitraryFileName, tie('tree'), { maxKeys: 5, noNullPrototype: true })
      .map((entries) => ({ entries })),
  ),
})).tree

const digits = '0123456789abcdfghijklmnpqrsvwxyz'

export const arbitraryStorePathName: fc.Arbitrary<string> = fc.string({
  unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyzABCXYZ0123456789+-._?='),
  minLength: 1,
  maxLength: 40,
})

export const arbitraryStorePath: fc.Arbitrary<StorePath> = fc.record(
  {
    digest: fc.string({ unit: fc.constantFrom(...digits), minLength: 32, maxLength: 32 }),
    name: arbitraryStorePathName,
  },
  plain,
)

/** Derivations with any texts in them. Their output paths are not those that follow from the contents. */
export function arbitraryDerivation(storeDirectory: string): fc.Arbitrary<Derivation> {
  const path = arbitraryStorePath.map((value) => formatStorePath(storeDirectory, value))
  const derivationPath = arbitraryStorePath.map(({ digest, name }) =>
    formatStorePath(storeDirectory, { digest, name: `${name}.drv` }),
  )
  const outputName = fc.constantFrom('out', 'dev', 'lib', 'debug')
  const map = <K, V>(key: fc.Arbitrary<K>, value: fc.Arbitrary<V>, minLength = 0) =>
    fc
      .uniqueArray(fc.tuple(key, value), { minLength, maxLength: 4, selector: ([name]) => name })
      .map((entries) => new Map(entries))
  return fc.record(
    {
      outputs: map(outputName, fc.record({ path, hashAlgo: fc.constant(''), hash: fc.constant('') }, plain), 1),
      inputDerivations: map(
        derivationPath,
        fc.uniqueArray(outputName, { minLength: 1 }).map((names) => names.sort()),
      ),
      inputSources: fc.uniqueArray(path, { maxLength: 4 }).map((paths) => paths.sort()),
      system: fc.constantFrom('x86_64-linux', 'aarch64-linux', 'builtin'),
      builder: arbitraryBytes,
      args: fc.array(arbitraryBytes, { maxLength: 4 }),
      env: map(arbitraryBytes, arbitraryBytes),
    },
    plain,
  )
}
