import type { EvalIo, SearchPathEntry } from '@baryon/language'
import { bytesOf } from './dependencies.ts'
import type { EvaluationRequest, EvaluationSettings } from './request.ts'

/** The entries of `-I`, then of `NIX_PATH`; without that variable, the channels of the user and of the machine. */
export function searchPathEntries(
  request: EvaluationRequest,
  io: EvalIo,
  settings: EvaluationSettings,
): SearchPathEntry[] {
  const base = bytesOf(request.workingDirectory ?? process.cwd())
  const entries = (request.searchPath ?? []).map((text) => parseEntry(bytesOf(text), base))
  if (settings.pureEval) return entries
  const variable = io.getEnvironment('NIX_PATH')
  if (variable !== '' || request.environment?.NIX_PATH !== undefined) {
    return [...entries, ...splitSearchPath(variable).map((text) => parseEntry(text, base))]
  }
  if (settings.restrictEval) return entries
  const home = io.getEnvironment('HOME')
  const state = io.getEnvironment('NIX_STATE_DIR') || '/nix/var/nix'
  const channels = `${state}/profiles/per-user/root/channels`
  const defaults: SearchPathEntry[] = [
    { prefix: '', path: `${home}/.nix-defexpr/channels` },
    { prefix: 'nixpkgs', path: `${channels}/nixpkgs` },
    { prefix: '', path: channels },
  ]
  return [...entries, ...defaults.filter((entry) => io.fileType(entry.path) !== undefined)]
}

/** `NIX_PATH` at its colons, but for those of URLs. */
export function splitSearchPath(text: string): string[] {
  const entries: string[] = []
  let start = 0
  for (let i = 0; i <= text.length; i++) {
    if (i < text.length && text[i] !== ':') continue
    if (i < text.length && (text.startsWith('://', i) || /(?:^|=)channel$/.test(text.slice(start, i)))) continue
    if (i > start) entries.push(text.slice(start, i))
    start = i + 1
  }
  return entries
}

/** `prefix=path` or `path`; relative paths start at `base`. */
function parseEntry(text: string, base: string): SearchPathEntry {
  const equals = text.indexOf('=')
  const prefix = equals < 0 ? '' : text.slice(0, equals)
  const path = equals < 0 ? text : text.slice(equals + 1)
  const absolute = path.startsWith('/') || path.includes('://') || path.startsWith('channel:')
  return { prefix, path: absolute ? path : `${base}/${path}` }
}
