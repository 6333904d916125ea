/** Stores of other users of this machine, from which a build may copy: options, else variables. */
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { type Neighbour, openNeighbour } from '@baryon/build'
import { type PublicKey, UserError } from '@baryon/format'
import type { Context } from './command.ts'

/** One that is not there is told, and left out: its owner may have removed it. They stay open until the process ends. */
export function openNeighbours(
  context: Context,
  storeDirectory: string,
  keys: readonly PublicKey[],
  notice: (message: string) => void,
): readonly Neighbour[] {
  const roots = wordsOf(context, 'neighbour', process.env.BARYON_NEIGHBOURS?.split(':'))
  const owners = wordsOf(context, 'trusted-owner', process.env.BARYON_TRUSTED_OWNERS?.split(/[\s,]+/)).map(userId)
  return roots.flatMap((root) => {
    try {
      return [openNeighbour({ storeDirectory, root: resolve(root), keys, owners })]
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      notice(error.message)
      return []
    }
  })
}

function wordsOf(context: Context, option: string, otherwise: readonly string[] = []): readonly string[] {
  const declared = context.command.options.some((candidate) => candidate.name === option)
  const given = declared ? context.arguments.values(option) : []
  return given.length > 0 ? given : otherwise.filter((word) => word !== '')
}

function userId(word: string): number {
  if (/^\d+$/.test(word)) return Number(word)
  const result = spawnSync('id', ['-u', '--', word], { encoding: 'utf8' })
  if (result.status === 0) return Number(result.stdout)
  throw new UserError('USER_UNKNOWN', `there is no user '${word}' here`, {
    hint: 'give the name or the number of a user',
  })
}
