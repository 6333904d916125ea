import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import type { NarVisitor } from '@baryon/format'
import fc from 'fast-check'

/** A file tree in memory; names, targets and contents are byte strings. */
export type Tree =
  | { readonly kind: 'directory'; readonly entries: readonly (readonly [name: string, tree: Tree])[] }
  | { readonly kind: 'file'; readonly content: string; readonly executable: boolean }
  | { readonly kind: 'symlink'; readonly target: string }

/** Random trees that Linux can hold. Names are any bytes, sorted. */
export function arbitraryTree(maxContent = 200): fc.Arbitrary<Tree> {
  const bytes = (options: fc.StringConstraints) =>
    fc.string({ unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)), ...options })
  const name = bytes({ minLength: 1, maxLength: 12 }).filter((text) => !/^\.\.?$|\//.test(text))
  return fc.letrec<{ tree: Tree; directory: Tree; leaf: Tree }>((tie) => ({
    leaf: fc.oneof(
      fc.record({
        kind: fc.constant('file' as const),
        content: fc.string({
          unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
          maxLength: maxContent,
        }),
        executable: fc.boolean(),
      }),
      fc.record({ kind: fc.constant('symlink' as const), target: bytes({ minLength: 1, maxLength: 40 }) }),
    ),
    directory: fc.record({
      kind: fc.constant('directory' as const),
      entries: fc
        .uniqueArray(fc.tuple(name, tie('tree')), { maxLength: 5, selector: ([text]) => text })
        .map((entries) => entries.sort(([a], [b]) => (a < b ? -1 : 1))),
    }),
    tree: fc.oneof({ maxDepth: 4, withCrossShrink: true }, tie('leaf'), tie('directory')),
  })).tree
}

export function visitTree(tree: Tree, visitor: NarVisitor, chunkSize = 1 << 20): void {
  switch (tree.kind) {
    case 'directory':
      visitor.startDirectory()
      for (const [name, child] of tree.entries) {
        visitor.entry(name)
        visitTree(child, visitor, chunkSize)
      }
      visitor.endDirectory()
      return
    case 'file': {
      const content = Buffer.from(tree.content, 'latin1')
      visitor.startFile(content.length, tree.executable)
      for (let start = 0; start < content.length; start += chunkSize)
        visitor.content(content.subarray(start, start + chunkSize))
      visitor.endFile()
      return
    }
    case 'symlink':
      visitor.symlink(tree.target)
      return
  }
}

/** A visitor that builds the tree, and where to find it at the end. */
export function treeBuilder(): { readonly visitor: NarVisitor; readonly tree: () => Tree } {
  let root: Tree | undefined
  const open: { name: string; readonly entries: [string, Tree][] }[] = []
  let content: string[] = []
  let executable = false
  const add = (tree: Tree) => {
    const parent = open.at(-1)
    if (parent === undefined) root = tree
    else parent.entries.push([parent.name, tree])
  }
  return {
    tree: () => root!,
    visitor: {
      startDirectory: () => {
        open.push({ name: '', entries: [] })
      },
      entry: (name) => {
        open.at(-1)!.name = name
      },
      endDirectory: () => add({ kind: 'directory', entries: open.pop()!.entries }),
      startFile: (_, flag) => {
        content = []
        executable = flag
      },
      content: (chunk) => {
        content.push(Buffer.from(chunk).toString('latin1'))
      },
      endFile: () => add({ kind: 'file', content: content.join(''), executable }),
      symlink: (target) => add({ kind: 'symlink', target }),
    },
  }
}

export function writeTree(tree: Tree, path: Buffer): void {
  switch (tree.kind) {
    case 'directory':
      mkdirSync(path)
      for (const [name, child] of tree.entries)
        writeTree(child, Buffer.concat([path, Buffer.from(`/${name}`, 'latin1')]))
      return
    case 'file':
      writeFileSync(path, tree.content, 'latin1')
      chmodSync(path, tree.executable ? 0o755 : 0o644)
      return
    case 'symlink':
      symlinkSync(Buffer.from(tree.target, 'latin1'), path)
      return
  }
}

export function readTree(path: Buffer): Tree {
  const stat = lstatSync(path)
  if (stat.isSymbolicLink())
    return { kind: 'symlink', target: readlinkSync(path, { encoding: 'buffer' }).toString('latin1') }
  if (!stat.isDirectory()) {
    return { kind: 'file', content: readFileSync(path, 'latin1'), executable: (stat.mode & 0o100) !== 0 }
  }
  const names = readdirSync(path, { encoding: 'buffer' }).map((name) => name.toString('latin1'))
  const child = (name: string) => readTree(Buffer.concat([path, Buffer.from(`/${name}`, 'latin1')]))
  return { kind: 'directory', entries: names.sort().map((name) => [name, child(name)] as const) }
}
