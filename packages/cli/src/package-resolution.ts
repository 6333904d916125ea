/** From `NAME[/VERSION]` to the derivation of a stack that is meant. */
import type { Dependencies, EvaluationResult, FoundDerivation } from '@baryon/evaluation'
import { UserError } from '@baryon/format'
import type { Context } from './command.ts'
import type { Settings } from './settings.ts'
import { evaluateStack } from './stack-evaluation.ts'
import { suggest } from './suggestion.ts'

export interface ResolvedPackage {
  readonly attribute: string
  readonly derivation: FoundDerivation
  readonly version: string
  readonly mainProgram: string | undefined
  /** Undefined: the answer must not be kept. */
  readonly dependencies: Dependencies | undefined
}

/**
 * The package by attribute, else by attribute or name in any case. A version must be the one that the stack has; names
 * that are nearly right are suggested.
 */
export async function resolvePackage(
  context: Context,
  settings: Settings,
  text: string,
  platform: string | undefined,
): Promise<ResolvedPackage> {
  const slash = text.indexOf('/')
  const name = slash < 0 ? text : text.slice(0, slash)
  const version = slash < 0 ? undefined : text.slice(slash + 1)
  if (name === '' || version === '') {
    throw new UserError('PACKAGE_NAME', `'${text}' is not NAME or NAME/VERSION`)
  }
  const direct = await tryAttribute(context, settings, name, platform)
  if (direct !== undefined && (version === undefined || sameVersion(direct.version, version))) return direct
  const attribute = await findByName(context, settings, name, version, direct?.version, platform)
  const found = await tryAttribute(context, settings, attribute, platform)
  if (found === undefined) throw unknownPackage(name, [])
  return found
}

/** Several, by one evaluation where that is possible; else one each, to say which is wrong. */
export async function resolvePackages(
  context: Context,
  settings: Settings,
  names: readonly string[],
  platform: string | undefined,
): Promise<ResolvedPackage[]> {
  const together = names.length === 0 ? [] : await tryTogether(context, settings, names, platform)
  if (together !== undefined) return together
  const packages: ResolvedPackage[] = []
  for (const name of names) packages.push(await resolvePackage(context, settings, name, platform))
  return packages
}

async function tryTogether(
  context: Context,
  settings: Settings,
  names: readonly string[],
  platform: string | undefined,
): Promise<ResolvedPackage[] | undefined> {
  const wanted = names.map((name) => name.split('/'))
  let result: EvaluationResult
  try {
    const attributePaths = wanted.map(([attribute]) => attribute!)
    const request = { output: 'derivations', attributePaths, write: true, meta: true, platform } as const
    result = await evaluateStack(context, settings, request)
  } catch (error) {
    if (error instanceof UserError) return undefined
    throw error
  }
  const { derivations } = result
  if (derivations.length !== names.length || derivations.some((one) => one.attributePath !== '')) return undefined
  const packages = derivations.map((one, index) => describe(wanted[index]![0]!, one, result))
  const isRight = packages.every(({ version }, index) => {
    const [, asked = version, ...more] = wanted[index]!
    return more.length === 0 && sameVersion(version, asked)
  })
  return isRight ? packages : undefined
}

async function tryAttribute(
  context: Context,
  settings: Settings,
  attribute: string,
  platform: string | undefined,
): Promise<ResolvedPackage | undefined> {
  let result: EvaluationResult
  try {
    result = await evaluateStack(context, settings, {
      output: 'derivations',
      attributePaths: [attribute],
      write: true,
      meta: true,
      platform,
    })
  } catch (error) {
    if (error instanceof UserError && isMissingAttribute(error, attribute)) return undefined
    throw error
  }
  const [derivation, ...others] = result.derivations
  if (derivation === undefined || others.length > 0) {
    throw new UserError(
      'NOT_A_PACKAGE',
      `'${attribute}' is not one package but ${others.length === 0 ? 'none' : 'several'}`,
      {
        hint: 'baryon stack list shows the packages',
      },
    )
  }
  return describe(attribute, derivation, result)
}

function describe(attribute: string, derivation: FoundDerivation, { dependencies }: EvaluationResult): ResolvedPackage {
  const meta = derivation.meta as { readonly mainProgram?: unknown } | undefined
  return {
    attribute,
    derivation,
    version: versionOf(derivation.name),
    mainProgram: typeof meta?.mainProgram === 'string' ? meta.mainProgram : undefined,
    dependencies,
  }
}

/** The evaluator's message is the only thing that tells a missing attribute from an error inside of it. */
function isMissingAttribute(error: UserError, attribute: string): boolean {
  return (
    error.message.includes('attribute') &&
    error.message.includes(`'${attribute.split('.').at(-1)}'`) &&
    /not found|missing/.test(error.message)
  )
}

async function findByName(
  context: Context,
  settings: Settings,
  name: string,
  version: string | undefined,
  otherVersion: string | undefined,
  platform: string | undefined,
): Promise<string> {
  const { stackPackages } = await import('./stack-packages.ts')
  const packages = await stackPackages(context, settings, platform)
  const wanted = name.toLowerCase()
  const named = packages.filter((one) => one.attribute.toLowerCase() === wanted || one.name.toLowerCase() === wanted)
  const match = version === undefined ? named[0] : named.find((one) => sameVersion(one.version, version))
  if (match !== undefined) return match.attribute
  const versions = [
    ...new Set([...(otherVersion === undefined ? [] : [otherVersion]), ...named.map((one) => one.version)]),
  ]
  if (versions.length > 0) {
    throw new UserError(
      'VERSION_UNKNOWN',
      `${name} has no version ${version} in this stack, but ${versions.join(', ')}`,
      {
        hint: `leave the version out, or say ${name}/${versions[0]}`,
      },
    )
  }
  throw unknownPackage(
    name,
    suggest(
      name,
      packages.flatMap((one) => [one.attribute, one.name]),
    ),
  )
}

function unknownPackage(name: string, near: readonly string[]): UserError {
  return new UserError('PACKAGE_UNKNOWN', `the stack has no package '${name}'`, {
    hint:
      near.length > 0
        ? `did you mean ${near.join(' or ')}? baryon stack list shows all`
        : 'baryon stack list shows what it has',
  })
}

/** `v64r0` and `64r0`, `1.0` and `v1.0` are the same to people. */
function sameVersion(a: string, b: string): boolean {
  return a === b || a.replace(/^v/i, '') === b.replace(/^v/i, '')
}

/** What follows the first dash that no letter follows, as in Nix. */
export function versionOf(name: string): string {
  return /-(?![A-Za-z])(.*)$/s.exec(name)?.[1] ?? ''
}
