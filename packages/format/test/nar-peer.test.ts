import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createNarParser, createNarWriter } from '@baryon/format'
import fc from 'fast-check'
import { nixIsMissing, openNixPeer } from './nix-peer.ts'
import { arbitraryTree, readTree, type Tree, treeBuilder, visitTree, writeTree } from './tree.ts'

const skip = nixIsMissing
const peer = skip === false ? openNixPeer() : undefined
after(() => peer?.remove())

const SPECIAL: readonly Tree[] = [
  { kind: 'file', content: '', executable: false },
  { kind: 'file', content: 'x'.repeat(300_001), executable: true },
  { kind: 'symlink', target: 'x'.repeat(4095) },
  { kind: 'directory', entries: [] },
  { kind: 'directory', entries: [['n'.repeat(255), { kind: 'symlink', target: '.' }]] },
]

test('we write what nix-store --dump writes, and read it back', { skip }, () => {
  for (const [index, tree] of trees().entries()) {
    const path = join(peer!.directory, `dump${index}`)
    writeTree(tree, Buffer.from(path))
    const theirs = peer!.run('nix-store', ['--dump', path])
    assert.ok(narOf(tree).equals(theirs), JSON.stringify(tree))
    const builder = treeBuilder()
    const parser = createNarParser(builder.visitor)
    parser.write(theirs)
    parser.end()
    assert.deepEqual(plain(builder.tree()), plain(tree))
  }
})

test('nix-store --restore unpacks what we write', { skip }, () => {
  for (const [index, tree] of trees().entries()) {
    const path = join(peer!.directory, `restore${index}`)
    peer!.run('nix-store', ['--restore', path], { input: narOf(tree) })
    assert.deepEqual(plain(readTree(Buffer.from(path))), plain(tree))
  }
})

function trees(): readonly Tree[] {
  return [...SPECIAL, ...fc.sample(arbitraryTree(), { numRuns: 60, seed: 7 })]
}

function narOf(tree: Tree): Buffer {
  const chunks: Buffer[] = []
  const writer = createNarWriter((chunk) => chunks.push(Buffer.from(chunk)))
  visitTree(tree, writer)
  writer.end()
  return Buffer.concat(chunks)
}

function plain(tree: Tree): unknown {
  return JSON.parse(JSON.stringify(tree))
}
