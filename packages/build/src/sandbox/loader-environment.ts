/**
 * Where a program of the host stands between us and the builder, variables that the dynamic loader or that program itself
 * obeys must not be in its environment: a library path into a store would load another C library into it.
 */
export function inheritedByLoader(env: ReadonlyMap<string, string>): {
  readonly direct: string[]
  readonly viaShell: (readonly [string, string])[]
} {
  const direct: string[] = []
  const viaShell: (readonly [string, string])[] = []
  for (const [name, value] of env) {
    if (OBEYED.test(name)) viaShell.push([name, value])
    else direct.push(`${name}=${value}`)
  }
  return { direct, viaShell }
}

/** A command that sets and unsets variables by `/bin/sh` of the sandbox before it runs `command`. */
export function throughShell(
  set: readonly (readonly [string, string])[],
  unset: readonly string[],
  command: readonly string[],
  shell = '/bin/sh',
): string[] {
  if (set.length === 0 && unset.length === 0) return [...command]
  const steps = set.map(([name]) => `export ${name}="$1"; shift`)
  if (unset.length > 0) steps.push(`unset ${unset.join(' ')}`)
  steps.push('exec "$@"')
  return [shell, '-c', steps.join('; '), 'sh', ...set.map(([, value]) => value), ...command]
}

/** All of these are names that a shell can export. */
const OBEYED = /^(?:LD_[A-Z_]+|GLIBC_TUNABLES|LOCPATH|GCONV_PATH|MALLOC_[A-Z_]+|PROOT_[A-Z_]+)$/
