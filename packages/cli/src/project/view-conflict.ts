/** Files that two packages of a project have, said by the names of the packages and with what decides. */
import type { LockedPackage, ViewTree } from '@baryon/environment'
import { UserError } from '@baryon/format'

/** From the error of a view, whose lines are paths of the two trees. */
export function conflictOf(
  error: UserError,
  packages: readonly LockedPackage[],
  trees: readonly ViewTree[],
): UserError {
  const names = new Map(
    packages.flatMap(({ attribute, version, outputs }) =>
      Object.values(outputs).map((path) => [path, { attribute, label: `${attribute} ${version}`.trim() }] as const),
    ),
  )
  const inConflict = trees.filter(({ logical }) => error.message.includes(`${logical}/`))
  const known = inConflict.flatMap(({ logical }) => names.get(logical) ?? [])
  const rules = inConflict.map(
    ({ logical, priority }) => `  ${names.get(logical)?.label ?? logical}: priority ${priority}`,
  )
  const message = `${error.message}\nthe smaller priority would win, but they are equal:\n${rules.join('\n')}`
  const [first] = known
  const hint =
    first === undefined
      ? 'both are brought in by other packages: add one of them to the packages, and its files win'
      : `choose in baryon.toml, here ${first.attribute}: [priorities] ${quoteKey(first.attribute)} = 4; or: baryon remove ${(known[1] ?? first).attribute}`
  return new UserError('VIEW_CONFLICT', message, { hint, cause: error })
}

function quoteKey(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key)
}
