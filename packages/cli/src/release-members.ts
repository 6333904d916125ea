/** The packages of a release for one platform: found in the stack, built, and as `composeRelease` wants them. */
import type { PlannedPackage } from '@baryon/environment'
import type { FoundDerivation } from '@baryon/evaluation'
import { parsePackageName, UserError } from '@baryon/format'
import type { Store } from '@baryon/store'
import type { Context } from './command.ts'
import { resolvePackages } from './package-resolution.ts'
import type { ReleaseDescription } from './release-description.ts'
import { outputNames, type WantedOutputs } from './run-environment.ts'
import type { Settings } from './settings.ts'

/** The outputs are those that the environment gets. */
export interface Member extends WantedOutputs {
  readonly attribute: string
}

/** Throws as `resolvePackage` does for what the stack does not have. */
export async function findMembers(
  context: Context,
  settings: Settings,
  attributes: readonly string[],
  platform: string,
): Promise<Member[]> {
  const packages = await resolvePackages(context, settings, attributes, platform)
  return attributes.map((attribute, index) => {
    const { derivation } = packages[index]!
    return { attribute, derivation, outputs: outputNames({ derivation }, 'develop') }
  })
}

/** After the build. */
export function plannedPackage(store: Store, member: Member, { priorities }: ReleaseDescription): PlannedPackage {
  const { attribute, derivation, outputs } = member
  const { name, version } = parsePackageName(derivation.name)
  const priority = priorities[attribute] ?? (derivation.meta as { readonly priority?: unknown } | undefined)?.priority
  return {
    attribute,
    name,
    version,
    derivation: derivation.drvPath,
    paths: outputs.map((output) => outputPath(store, derivation, output)),
    ...(typeof priority === 'number' ? { priority } : {}),
  }
}

/** The path of a content-addressed output is known only now. */
function outputPath(store: Store, derivation: FoundDerivation, output: string): string {
  const known = derivation.outputs[output]
  if (known !== undefined) return known
  const built = store.queryDerivationOutputs(store.parse(derivation.drvPath)).get(output)
  if (built !== undefined) return store.format(built)
  throw new UserError('OUTPUT_UNKNOWN', `the path of output '${output}' of ${derivation.name} is not known`)
}
