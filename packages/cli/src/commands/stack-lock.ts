import { relative } from 'node:path'
import { UserError } from '@baryon/format'
import type { Context, Outcome } from '../command.ts'
import { newestPins, readStackLocks, type StackLock, writePins } from '../stack-locks.ts'

interface LockChange {
  readonly file: string
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

/** Brings the lock files to what the stack wants: pins what is missing, drops what is not used. What is pinned stays as it is. */
export async function run(context: Context): Promise<Outcome> {
  const given = context.arguments
  const locks = await readStackLocks(context)
  const open = locks.find(({ names }) => names === undefined)
  if (given.operands.length > 0 && open === undefined) {
    throw new UserError('STACK_LOCK_CLOSED', 'the stack itself says what each of its lock files holds', {
      hint: 'add the name there, then run baryon stack lock',
    })
  }
  const changes = locks.map((lock) => changeOf(lock, lock === open ? given.operands : []))
  const isStale = changes.some(({ added, removed }) => added.length + removed.length > 0)
  if (given.flag('check')) {
    if (isStale) {
      throw new UserError('STACK_LOCK_STALE', `the lock files are not what the stack wants:\n${textOf(changes)}`, {
        hint: 'run baryon stack lock',
      })
    }
  } else {
    for (const [index, lock] of locks.entries()) await apply(context, lock, changes[index]!)
  }
  return { data: { locks: changes }, text: isStale ? textOf(changes) : 'the lock files are what the stack wants' }
}

function changeOf({ file, names, pins }: StackLock, asked: readonly string[]): LockChange {
  const wanted = new Set([...(names ?? pins.keys()), ...asked])
  return {
    file,
    added: [...wanted].filter((name) => !pins.has(name)).sort(),
    removed: [...pins.keys()].filter((name) => !wanted.has(name)).sort(),
  }
}

async function apply(context: Context, lock: StackLock, { added, removed }: LockChange): Promise<void> {
  if (added.length + removed.length === 0) return
  const { pins, unknown } = await newestPins(context, lock, added)
  if (unknown.length > 0) {
    throw new UserError('PACKAGE_NOT_FOUND', `no ${lock.kind} package of the archive is called ${unknown.join(', ')}`, {
      hint: `the suites that apt is configured with were searched; names are those of Debian's ${lock.kind} packages`,
    })
  }
  const kept = [...lock.pins].filter(([name]) => !removed.includes(name))
  writePins(lock.file, new Map([...kept, ...pins]))
}

function textOf(changes: readonly LockChange[]): string {
  return changes
    .flatMap(({ file, added, removed }) => [
      ...added.map((name) => `+ ${name}  ${relative(process.cwd(), file)}`),
      ...removed.map((name) => `- ${name}  ${relative(process.cwd(), file)}`),
    ])
    .join('\n')
}
