import { UserError } from '@baryon/format'
import type { Context, Outcome } from '../command.ts'
import { changePackages } from '../project/change-packages.ts'
import { suggest } from '../suggestion.ts'

export function run(context: Context): Promise<Outcome> {
  return changePackages(context, (_settings, { packages, source }) => {
    const removed = context.arguments.operands.map((word) => {
      const found = packages.find((one) => one === word) ?? packages.find((one) => one.split('/')[0] === word)
      if (found !== undefined) return found
      const near = suggest(word, packages)
      const hint = near.length > 0 ? `did you mean ${near.join(' or ')}?` : `it has ${packages.join(', ') || 'none'}`
      throw new UserError('PACKAGE_UNKNOWN', `${source.file} has no package '${word}'`, { hint })
    })
    return { added: [], removed }
  })
}
