/** Store paths as people name them: full paths, paths inside them, links to them, base names, attributes of a stack. */
import { existsSync, lstatSync, readlinkSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { isSystemError, parseBaseName, type StorePath, UserError } from '@baryon/format'
import { openStore, type Store } from '@baryon/store'
import type { Context } from './command.ts'
import { openToLook } from './open-to-look.ts'
import { type Settings, storeDirectoryOf } from './settings.ts'
import { evaluateStack, selectedPlatform, stackSettings } from './stack-evaluation.ts'

/** A path of the store, and what follows it when the operand names a file inside. */
export interface StoreOperand {
  readonly path: StorePath
  /** Starts with a slash, or is empty. */
  readonly inside: string
}

const baseName = /^[0-9a-df-np-sv-z]{32}-[^/]+$/

/** Opens the store that the operands lie in. Looking does not create one. */
export async function openStoreFor(context: Context, operands: readonly string[], write = false): Promise<Store> {
  // A bare base name says nothing of the store that it lies in.
  const storePath = operands
    .filter((operand) => !baseName.test(operand))
    .map((operand) => linkTarget(operand))
    .find((target) => storeDirectoryOf(target))
  // Without any path to go by, the store of the default stack is meant.
  const settings =
    storePath !== undefined || !declares(context, 'file')
      ? await context.settings({ storePath, needsStack: storePath === undefined })
      : await stackSettings(context)
  return openAt(settings, write)
}

/** Finds each operand, evaluating the stack for those that are attributes (of which `kind` says what is meant). */
export async function findOperands(
  context: Context,
  store: Store,
  operands: readonly string[],
  kind: 'output' | 'derivation' = 'output',
  platforms: readonly (string | undefined)[] = [],
): Promise<StoreOperand[]> {
  const found: StoreOperand[] = []
  for (const [index, operand] of operands.entries()) {
    const direct = directOperand(store, operand)
    if (direct !== undefined) found.push(direct)
    else found.push(...(await attributeOperands(context, store, operand, kind, platforms[index])))
  }
  return found
}

/** Whether an operand is an attribute to be evaluated, and no path. */
export function isAttribute(store: Store, operand: string): boolean {
  return directOperand(store, operand) === undefined
}

function directOperand(store: Store, operand: string): StoreOperand | undefined {
  const target = linkTarget(operand)
  for (const directory of [store.storeDirectory, store.physicalDirectory]) {
    if (!target.startsWith(`${directory}/`)) continue
    const rest = target.slice(directory.length + 1)
    const slash = rest.indexOf('/')
    const name = slash < 0 ? rest : rest.slice(0, slash)
    return { path: parseBaseName(name), inside: slash < 0 ? '' : rest.slice(slash) }
  }
  if (baseName.test(operand)) return { path: parseBaseName(operand), inside: '' }
  if (operand.includes('/') && !operand.startsWith('.#')) {
    throw new UserError('NOT_A_STORE_PATH', `'${operand}' is not in the store '${store.storeDirectory}'`, {
      hint: 'give a store path, a link to one, or an attribute of the stack',
    })
  }
  return undefined
}

async function attributeOperands(
  context: Context,
  store: Store,
  operand: string,
  kind: 'output' | 'derivation',
  platform: string | undefined,
): Promise<StoreOperand[]> {
  if (!declares(context, 'file')) {
    throw new UserError('NOT_A_STORE_PATH', `'${operand}' is not a path of the store '${store.storeDirectory}'`, {
      hint: 'give a store path or a link to one',
    })
  }
  const settings = await stackSettings(context)
  const [single] = declares(context, 'platform') ? context.arguments.values('platform') : []
  const result = await evaluateStack(context, settings, {
    output: 'derivations',
    attributePaths: [operand],
    write: true,
    platform: platform ?? selectedPlatform(single),
  })
  return result.derivations.map((derivation) => {
    const output = derivation.outputs[derivation.outputName]
    if (kind === 'derivation') return { path: store.parse(derivation.drvPath), inside: '' }
    if (output === undefined)
      throw new UserError('OUTPUT_UNKNOWN', `the path of '${operand}' is not known before it is built`)
    const path = store.parse(output)
    if (!store.isValid(path)) {
      throw new UserError('NOT_BUILT', `'${operand}' is not built: ${output} is not in the store`, {
        hint: `run: baryon build ${operand}`,
      })
    }
    return { path, inside: '' }
  })
}

/** Where a link of the current directory leads, one step at a time until it is in some store. */
function linkTarget(operand: string): string {
  let path = resolve(operand)
  for (let step = 0; step < 40; step++) {
    if (storeDirectoryOf(path) !== undefined && !existsSync(path)) return path
    try {
      if (!lstatSync(path).isSymbolicLink()) return path
    } catch (error) {
      if (!isSystemError(error, 'ENOENT', 'ENOTDIR')) throw error
      // The link may be further up: ./result/lib.
      const parent = dirname(path)
      if (parent === path || !operand.includes('/')) return path
      const target = linkTarget(parent)
      return target === parent ? path : join(target, path.slice(parent.length))
    }
    path = resolve(dirname(path), readlinkSync(path))
  }
  return path
}

function openAt(settings: Settings, write: boolean): Store {
  const options = { storeDirectory: settings.storeDirectory, root: settings.root }
  if (!write && !existsSync(join(settings.root, settings.storeDirectory))) {
    throw new UserError(
      'STORE_MISSING',
      `there is no store for '${settings.storeDirectory}' below '${settings.root}'`,
      {
        hint: 'build something first, or choose another store with --store-dir or --root',
      },
    )
  }
  return write ? openStore(options) : openToLook(options)
}

function declares(context: Context, option: string): boolean {
  return context.command.options.some((candidate) => candidate.name === option)
}
