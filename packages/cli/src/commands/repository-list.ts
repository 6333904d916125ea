import type { Entry, Revision } from '@baryon/cvmfs'
import { UserError } from '@baryon/format'
import type { Context, Outcome } from '../command.ts'
import { formatTable } from '../format-quantity.ts'
import { openNamed } from '../repository-access.ts'

export async function run(context: Context): Promise<Outcome> {
  const given = context.arguments
  const repository = await openNamed(context, given.operands[0]!)
  const revision = await repository.revision(given.value('revision'), context.signal)
  try {
    const path = pathBytes(given.operands[1] ?? '/')
    const entries = await entriesAt(revision, path, given.flag('recursive'), context.signal)
    const names = entries.map((entry) =>
      shownPath(entry.path === path ? entry.name : entry.path.slice(path.length + 1)),
    )
    const text = given.flag('long')
      ? formatTable(
          entries.map((entry, index) => [
            `${letters(entry)}`,
            String(entry.size),
            new Date(entry.mtime * 1000).toISOString().slice(0, 16).replace('T', ' '),
            entry.kind === 'symlink' ? `${names[index]} -> ${shownPath(entry.target)}` : names[index]!,
          ]),
          [1],
        )
      : names.join('\n')
    return { data: { name: repository.name, path: shownPath(path) || '/', entries: entries.map(record) }, text }
  } finally {
    await revision.close()
  }
}

/** A path of the command line as the bytes that the repository has. */
export function pathBytes(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  return parts.map((part) => `/${Buffer.from(part, 'utf8').toString('latin1')}`).join('')
}

export function noEntry(path: string): UserError {
  return new UserError('NO_SUCH_FILE', `there is no '${shownPath(path) || '/'}' in this revision`)
}

async function entriesAt(
  revision: Revision,
  path: string,
  isRecursive: boolean,
  signal: AbortSignal,
): Promise<readonly Entry[]> {
  const top = await revision.entry(path, signal)
  if (top === undefined) throw noEntry(path)
  if (top.kind !== 'directory') return [top]
  if (!isRecursive) return revision.list(path, signal)
  const entries: Entry[] = []
  for await (const entry of revision.walk(path, signal)) if (entry.path !== path) entries.push(entry)
  return entries
}

function record(entry: Entry): object {
  return {
    path: shownPath(entry.path),
    type: entry.kind,
    mode: entry.mode & 0o7777,
    size: entry.size,
    mtime: entry.mtime,
    ...(entry.kind === 'symlink' ? { target: shownPath(entry.target) } : {}),
  }
}

function letters({ kind, mode }: Entry): string {
  const type = { directory: 'd', symlink: 'l', file: '-', special: 's' }[kind]
  const bits = [...'rwxrwxrwx'].map((letter, index) => ((mode >> (8 - index)) & 1 ? letter : '-'))
  return type + bits.join('')
}

/** The bytes of a path as text. */
export function shownPath(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8')
}
