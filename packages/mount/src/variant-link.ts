/** Fills `$(VARIABLE)` and `$(VARIABLE:-default)` into the target of a symbolic link, as the real client does. */
export function expandTarget(target: string, environment: NodeJS.ProcessEnv): string {
  if (!target.includes('$(')) return target
  return target.replace(/\$\(([^()]*?)(?::-([^()]*))?\)/g, (_, name: string, otherwise: string | undefined) => {
    const value = environment[name]
    return value === undefined ? (otherwise ?? '') : Buffer.from(value, 'utf8').toString('latin1')
  })
}
