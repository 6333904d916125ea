/** Which store a front works on: in place like Nix when only Nix's own variables say so, else like `baryon`. */
import { realpathSync } from 'node:fs'
import { resolve } from 'node:path'
import type { EvaluationStore } from '@baryon/evaluation'
import { UserError } from '@baryon/format'
import type { StoreOptions } from '@baryon/store'
import { resolveSettings } from '../settings.ts'
import type { FrontArguments } from './front-arguments.ts'

export interface FrontStore {
  readonly options: StoreOptions
  /** `NIX_REMOTE=dummy://`: there is none. */
  readonly isDummy: boolean
}

export async function frontStore(
  given: FrontArguments,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<FrontStore> {
  const url = given.last('--store') ?? environment.NIX_REMOTE ?? ''
  const named = environment.BARYON_STORE_DIR || environment.NIX_STORE_DIR || undefined
  const chroot = rootOf(url)
  const inPlace =
    !environment.BARYON_ROOT && chroot === undefined && (environment.NIX_STORE_DIR || environment.NIX_STATE_DIR)
  if (inPlace) {
    // `/tmp` and the like may be links; the paths in hashes are real ones, as in Nix.
    const storeDirectory = real(named ?? '/nix/store')
    return {
      options: {
        storeDirectory,
        physicalDirectory: storeDirectory,
        ...(environment.NIX_STATE_DIR ? { stateDirectory: environment.NIX_STATE_DIR } : {}),
        ...(environment.NIX_LOG_DIR ? { logDirectory: environment.NIX_LOG_DIR } : {}),
      },
      isDummy: url.startsWith('dummy://'),
    }
  }
  const settings = await resolveSettings({
    root: chroot,
    storeDirectory: named,
    environment,
    currentDirectory: process.cwd(),
  })
  return {
    options: {
      storeDirectory: settings.storeDirectory,
      root: settings.root,
      ...(environment.NIX_STATE_DIR ? { stateDirectory: environment.NIX_STATE_DIR } : {}),
      ...(environment.NIX_LOG_DIR ? { logDirectory: environment.NIX_LOG_DIR } : {}),
    },
    isDummy: url.startsWith('dummy://'),
  }
}

export function evaluationStore(store: FrontStore, write: boolean): EvaluationStore {
  if (store.isDummy) return { kind: 'none', storeDirectory: store.options.storeDirectory }
  return { kind: write ? 'write' : 'read', options: store.options }
}

/** The root that a store URL names: a path, or `local?root=PATH`. */
function rootOf(url: string): string | undefined {
  if (url === '' || url === 'auto' || url === 'local' || url === 'daemon' || url.startsWith('dummy://'))
    return undefined
  if (url.startsWith('/') || url.startsWith('./')) return resolve(url)
  const root = /^local(?::\/\/)?\?(?:.*&)?root=([^&]*)/.exec(url)?.[1]
  if (root !== undefined) return resolve(decodeURIComponent(root))
  const path = /^(?:local|file):\/\/(\/[^?]*)/.exec(url)?.[1]
  if (path !== undefined && url.startsWith('local:')) return path
  throw new UserError('STORE_URL', `don't know how to open Nix store '${url}'`)
}

function real(directory: string): string {
  try {
    return realpathSync(directory)
  } catch {
    // Not there yet: it will be made under this very name.
    return resolve(directory)
  }
}
