import { compareRevisions, type Difference, type Entry, formatContentHash, type Revision } from '@baryon/cvmfs'
import type { Context, Outcome } from '../command.ts'
import { formatBytes, formatCount } from '../format-quantity.ts'
import { openNamed } from '../repository-access.ts'
import { shownPath } from './repository-list.ts'

/** Prints while it compares: there may be millions of paths. */
export async function run(context: Context): Promise<Outcome> {
  const { terminal, signal, json, arguments: given } = context
  const [name = '', first = '', second] = given.operands
  const repository = await openNamed(context, name)
  const isShown = !given.flag('summary')
  const before = await repository.revision(first, signal)
  try {
    const after = await repository.revision(second, signal)
    try {
      const write = buffered((text) => terminal.out(text))
      if (json) {
        const [one, other] = await Promise.all([before, after].map(revisionRecord))
        const head = JSON.stringify({ name: repository.name, before: one, after: other })
        write(isShown ? `${head.slice(0, -1)},"differences":[` : `${head.slice(0, -1)},`)
      }
      const totals = newTotals()
      let separator = '\n'
      for await (const difference of compareRevisions(before, after, signal)) {
        count(totals, difference)
        if (!isShown) continue
        write(json ? `${separator}${JSON.stringify(record(difference))}` : `${line(difference)}\n`)
        separator = ',\n'
      }
      write(json ? `${isShown ? '\n],' : ''}"summary":${JSON.stringify(totals)}}\n` : `${summary(totals)}\n`)
      write(undefined)
    } finally {
      await after.close()
    }
  } finally {
    await before.close()
  }
  return {}
}

interface Totals {
  added: number
  removed: number
  changed: number
  type: number
  addedBytes: number
  removedBytes: number
  changedBytes: number
}

function newTotals(): Totals {
  return { added: 0, removed: 0, changed: 0, type: 0, addedBytes: 0, removedBytes: 0, changedBytes: 0 }
}

function count(totals: Totals, difference: Difference): void {
  totals[difference.kind]++
  const { kind } = difference
  if (kind !== 'removed' && kind !== 'changed') totals.addedBytes += bytesOf(difference.after)
  if (kind !== 'added' && kind !== 'changed') totals.removedBytes += bytesOf(difference.before)
  if (kind === 'changed' && difference.aspects.includes('contents')) totals.changedBytes += bytesOf(difference.after)
}

function summary({ added, removed, changed, type, addedBytes, removedBytes, changedBytes }: Totals): string {
  return (
    `${formatCount(added, 'path')} added (${formatBytes(addedBytes)}), ${removed} removed (${formatBytes(removedBytes)}), ` +
    `${changed} changed (${formatBytes(changedBytes)}), ${type} of another type`
  )
}

function line(difference: Difference): string {
  switch (difference.kind) {
    case 'added':
      return `+ ${shownPath(difference.path)}${sizeOf(difference.after)}`
    case 'removed':
      return `- ${shownPath(difference.path)}${sizeOf(difference.before)}`
    case 'type':
      return `! ${shownPath(difference.path)}  ${difference.before.kind} -> ${difference.after.kind}${sizeOf(difference.after)}`
    case 'changed': {
      const { path, before, after, aspects } = difference
      const sizes = aspects.includes('contents') ? `  ${formatBytes(before.size)} -> ${formatBytes(after.size)}` : ''
      return `~ ${shownPath(path)}${sizes}  ${aspects.join(', ')}`
    }
  }
}

function record(difference: Difference): object {
  const { kind, path } = difference
  return {
    kind,
    path: shownPath(path),
    ...('before' in difference ? { before: entryRecord(difference.before) } : {}),
    ...('after' in difference ? { after: entryRecord(difference.after) } : {}),
    ...(difference.kind === 'changed' ? { aspects: difference.aspects } : {}),
  }
}

function entryRecord(entry: Entry): object {
  const { kind, mode, uid, gid, size, mtime } = entry
  return {
    type: kind,
    mode: mode & 0o7777,
    uid,
    gid,
    size,
    mtime,
    ...(kind === 'symlink' ? { target: shownPath(entry.target) } : {}),
  }
}

async function revisionRecord(revision: Revision): Promise<object> {
  const catalog = await revision.rootCatalog()
  return { revision: catalog.number('revision') ?? null, rootCatalog: formatContentHash(revision.rootHash) }
}

function bytesOf(entry: Entry): number {
  return entry.kind === 'file' ? entry.size : 0
}

function sizeOf(entry: Entry): string {
  return entry.kind === 'file' ? `  ${formatBytes(entry.size)}` : ''
}

/** Collects text up to 64 KiB; undefined writes what is left. */
function buffered(out: (text: string) => void): (text: string | undefined) => void {
  let held = ''
  return (text) => {
    held += text ?? ''
    if (text !== undefined && held.length < 65536) return
    out(held)
    held = ''
  }
}
