/** What a collection keeps: `--option keep-outputs true`, `--keep-outputs`, `--no-keep-outputs`, or a line of nix.conf. */
import { existsSync, readFileSync } from 'node:fs'
import type { Root, Store } from '@baryon/store'
import type { FrontArguments } from './front-arguments.ts'

export interface KeepOptions {
  readonly keepOutputs: boolean
  readonly keepDerivations: boolean
}

export function keepOptions(given: FrontArguments, environment: NodeJS.ProcessEnv = process.env): KeepOptions {
  const text = [configurationFile(environment), environment.NIX_CONFIG ?? ''].join('\n')
  const setting = (name: string, byDefault: boolean): boolean => {
    // Each has an older name.
    const names = [name, `gc-${name}`]
    const last = given.given.findLast(
      ([option, key]) =>
        (option === '--option' && names.includes(key!)) || option === `--${name}` || option === `--no-${name}`,
    )
    if (last !== undefined) return last[0] === '--option' ? last[2] === 'true' : last[0] === `--${name}`
    const lines = [...text.matchAll(/^\s*([\w-]+)\s*=\s*(\w+)/gm)].filter(([, key]) => names.includes(key!))
    return lines.length === 0 ? byDefault : lines.at(-1)![2] === 'true'
  }
  return { keepOutputs: setting('keep-outputs', false), keepDerivations: setting('keep-derivations', true) }
}

/** A root as Nix prints it. */
export function describeRoot(store: Store, root: Root): string {
  const source =
    root.kind === 'temporary' ? `{temp:${root.source.slice(root.source.lastIndexOf('/') + 1)}}` : root.source
  return `${source} -> ${store.format(root.path)}`
}

function configurationFile(environment: NodeJS.ProcessEnv): string {
  const file = `${environment.NIX_CONF_DIR ?? '/etc/nix'}/nix.conf`
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}
