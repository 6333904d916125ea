import { newWhitelist, parseWhitelist } from '@baryon/cvmfs'
import type { Context, Outcome } from '../command.ts'
import { ownRepository } from '../repository-access.ts'
import { count } from './repository-create.ts'

export function run(context: Context): Outcome {
  const { storage, name, keys } = ownRepository(context, context.arguments.operands[0]!)
  const bytes = newWhitelist(name, keys, Date.now(), count(context, 'valid') ?? 30)
  const { expires } = parseWhitelist(bytes)
  storage.replace('.cvmfswhitelist', bytes)
  const until = new Date(expires).toISOString()
  return {
    data: { name, expires: until },
    text: `${name}: whitelist valid until ${until.slice(0, 16).replace('T', ' ')} UTC`,
  }
}
