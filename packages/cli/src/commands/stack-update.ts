import { compareDebianVersions } from '@baryon/fetch'
import { UserError } from '@baryon/format'
import type { Context, Outcome } from '../command.ts'
import { formatTable } from '../format-quantity.ts'
import { newestPins, readStackLocks, writePins } from '../stack-locks.ts'
import { suggest } from '../suggestion.ts'

interface Update {
  readonly name: string
  readonly file: string
  readonly from: string
  readonly to: string
}

/** Pins the newest version that the archive has, of all packages or of some. Nothing is ever taken back to an older one. */
export async function run(context: Context): Promise<Outcome> {
  const given = context.arguments
  const locks = await readStackLocks(context)
  refuseUnknown(
    given.operands,
    locks.flatMap(({ pins }) => [...pins.keys()]),
  )
  const updates: Update[] = []
  const kept: string[] = []
  for (const lock of locks) {
    const names = [...lock.pins.keys()].filter((name) => given.operands.length === 0 || given.operands.includes(name))
    const { pins, unknown } = await newestPins(context, lock, names)
    const newer = [...pins].filter(
      ([name, { version }]) => compareDebianVersions(lock.pins.get(name)!.version, version) < 0,
    )
    kept.push(...unknown)
    updates.push(
      ...newer.map(([name, { version }]) => ({
        name,
        file: lock.file,
        from: lock.pins.get(name)!.version,
        to: version,
      })),
    )
    if (newer.length > 0 && !given.flag('dry-run')) writePins(lock.file, new Map([...lock.pins, ...newer]))
  }
  if (kept.length > 0)
    context.terminal.err(`kept as they are, because no configured suite has them: ${kept.sort().join(' ')}\n`)
  return {
    data: { updates, kept },
    text:
      updates.length === 0
        ? 'every pin is the newest that the archive has'
        : formatTable(updates.map(({ name, from, to }) => [name, from, '->', to])),
  }
}

function refuseUnknown(names: readonly string[], pinned: readonly string[]): void {
  for (const name of names) {
    if (pinned.includes(name)) continue
    const near = suggest(name, pinned)
    throw new UserError('PACKAGE_NOT_FOUND', `'${name}' is in no lock file of the stack`, {
      hint: near.length > 0 ? `did you mean ${near.join(', ')}?` : `to add it: baryon stack lock ${name}`,
    })
  }
}
