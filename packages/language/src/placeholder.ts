import { encodeNix32, hashBytes, outputPathName } from '@baryon/format'

/** What stands for a derivation's own output before its path is known (`builtins.placeholder`). */
export function outputPlaceholder(output: string): string {
  return placeholder(`nix-output:${output}`)
}

/** What stands for an output of another derivation whose path is known only after its build. */
export function downstreamPlaceholder(storeDirectory: string, derivationPath: string, output: string): string {
  const digest = derivationPath.slice(storeDirectory.length + 1, storeDirectory.length + 33)
  const name = derivationPath.slice(storeDirectory.length + 34, -'.drv'.length)
  return placeholder(`nix-upstream-output:${digest}:${outputPathName(name, output)}`)
}

function placeholder(text: string): string {
  return `/${encodeNix32(hashBytes('sha256', text).bytes)}`
}
