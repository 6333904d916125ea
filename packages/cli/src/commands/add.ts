import type { Context, Outcome } from '../command.ts'
import { resolvePackage } from '../package-resolution.ts'
import { changePackages } from '../project/change-packages.ts'
import { NO_PLATFORM, platformToLock } from '../project/make-lock.ts'

export function run(context: Context): Promise<Outcome> {
  return changePackages(context, async (settings, project) => {
    const tag = await platformToLock(context, settings, project)
    const platform = tag === NO_PLATFORM ? undefined : tag
    const added: string[] = []
    const removed: string[] = []
    for (const word of context.arguments.operands) {
      // People write `HepMC3`; the file has what the stack calls it.
      const { attribute } = await resolvePackage(context, settings, word, platform)
      const slash = word.indexOf('/')
      const wanted = slash < 0 ? attribute : attribute + word.slice(slash)
      const former = project.packages.find((one) => one.split('/')[0] === attribute)
      if (former === wanted || (former !== undefined && slash < 0) || added.includes(wanted)) continue
      if (former !== undefined) removed.push(former)
      added.push(wanted)
    }
    return { added, removed }
  })
}
