/** Binary caches as Nix's settings name them: `--option substituters URLS`, `extra-substituters`, `trusted-public-keys`, … */
import type { ChosenCaches } from '../chosen-caches.ts'
import type { FrontArguments } from './front-arguments.ts'

/** Without options the variables of Baryon count; Nix's own default cache is never asked. */
export function frontCaches(
  given: FrontArguments,
  environment: NodeJS.ProcessEnv = process.env,
): ChosenCaches | undefined {
  const settings = new Map<string, string>()
  for (const [option, name, value] of given.given) {
    if (option !== '--option') continue
    // An extra- setting adds to what there is; the same setting without it starts anew.
    const key = names[name!.replace(/^extra-/, '')] ?? name!.replace(/^extra-/, '')
    settings.set(
      key,
      name!.startsWith('extra-') ? `${settings.get(key) ?? defaultOf(key, environment)} ${value}` : value!,
    )
  }
  const words = (key: string): string[] =>
    (settings.get(key) ?? defaultOf(key, environment)).split(/\s+/).filter((word) => word !== '')
  const urls = words('substituters')
  if (urls.length === 0 || settings.get('substitute') === 'false') return undefined
  return {
    urls: given.has('--offline') ? urls.filter((url) => !/^(https?|s3):/i.test(url)) : urls,
    publicKeys: words('trusted-public-keys'),
    trustAll: settings.get('require-sigs') === 'false',
  }
}

/** Older names of the same settings. */
const names: Readonly<Record<string, string>> = {
  'binary-caches': 'substituters',
  'binary-cache-public-keys': 'trusted-public-keys',
  'build-use-substitutes': 'substitute',
}

function defaultOf(key: string, environment: NodeJS.ProcessEnv): string {
  if (key === 'substituters') return environment.BARYON_SUBSTITUTERS ?? ''
  return key === 'trusted-public-keys' ? (environment.BARYON_TRUSTED_PUBLIC_KEYS ?? '') : ''
}
