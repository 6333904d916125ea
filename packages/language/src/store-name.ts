const MAX_LENGTH = 211

/** Why no store path may have a name, in the words of today's Nix; undefined when one may. */
export function storeNameProblem(name: string): string | undefined {
  if (name === '') return 'name must not be empty'
  if (name.length > MAX_LENGTH) return `name '${name}' must be no longer than ${MAX_LENGTH} characters`
  const dots = /^(\.\.?)(-|$)/.exec(name)
  if (dots !== null) {
    return dots[2] === ''
      ? `name '${name}' is not valid`
      : `name '${name}' is not valid: first dash-separated component must not be '${dots[1]}'`
  }
  const illegal = /[^0-9a-zA-Z+\-._?=]/.exec(name)
  return illegal === null ? undefined : `name '${name}' contains illegal character '${illegal[0]}'`
}
