import { type Dirent, lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs'
import { join } from 'node:path'
import { isSystemError, UserError } from '@baryon/format'
import type { Context, Outcome } from '../command.ts'
import { formatTable } from '../format-quantity.ts'
import { findOperands, openStoreFor } from '../store-operands.ts'

interface Entry {
  readonly name: string
  readonly type: 'regular' | 'directory' | 'symlink' | 'unknown'
  readonly size?: number
  readonly executable?: boolean
  readonly target?: string
}

export async function run(context: Context): Promise<Outcome> {
  const given = context.arguments
  const store = await openStoreFor(context, given.operands)
  const [operand] = await findOperands(context, store, given.operands)
  if (operand === undefined) {
    const paths = store.allValidPaths().map((path) => store.format(path))
    return { data: { paths }, text: paths.join('\n') }
  }
  store.pathInfo(operand.path)
  const top = `${store.physicalPath(operand.path)}${operand.inside}`
  const entries = list(top, given.flag('recursive'))
  const text = given.flag('long')
    ? formatTable(
        entries.map((entry) => [
          letters(entry),
          String(entry.size ?? ''),
          entry.target === undefined ? entry.name : `${entry.name} -> ${entry.target}`,
        ]),
        [1],
      )
    : entries.map((entry) => entry.name).join('\n')
  return { data: { path: `${store.format(operand.path)}${operand.inside}`, entries }, text }
}

function list(top: string, recursive: boolean): Entry[] {
  try {
    const stat = lstatSync(top)
    if (!stat.isDirectory()) return [describe('.', top, stat)]
    const read = (directory: string, prefix: string): Entry[] =>
      readdirSync(directory, { withFileTypes: true })
        .sort((a: Dirent, b: Dirent) => (a.name < b.name ? -1 : 1))
        .flatMap((entry) => {
          const path = join(directory, entry.name)
          const name = `${prefix}${entry.name}`
          const own = describe(name, path, lstatSync(path))
          return recursive && entry.isDirectory() ? [own, ...read(path, `${name}/`)] : [own]
        })
    return read(top, '')
  } catch (error) {
    if (!isSystemError(error, 'ENOENT', 'ENOTDIR')) throw error
    throw new UserError('NO_SUCH_FILE', `there is no '${top}'`, { cause: error })
  }
}

function describe(name: string, path: string, stat: Stats): Entry {
  if (stat.isSymbolicLink()) return { name, type: 'symlink', target: readlinkSync(path) }
  if (stat.isDirectory()) return { name, type: 'directory' }
  if (!stat.isFile()) return { name, type: 'unknown' }
  return { name, type: 'regular', size: stat.size, executable: (stat.mode & 0o111) !== 0 }
}

function letters(entry: Entry): string {
  if (entry.type === 'regular') return entry.executable ? '-r-xr-xr-x' : '-r--r--r--'
  return { directory: 'dr-xr-xr-x', symlink: 'lrwxrwxrwx', unknown: '?---------' }[entry.type]
}
