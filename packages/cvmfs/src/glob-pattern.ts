import { quoteBytes, UserError } from '@baryon/format'

/**
 * What glob(3) takes for a name, as a regular expression; `isHiddenFound` says whether a leading dot is matched like anything else. Throws
 * `CVMFS_DIRTAB` for classes of characters (`[[:alpha:]]`).
 */
export function globPattern(glob: string, isHiddenFound: boolean): RegExp {
  let pattern = ''
  for (let at = 0; at < glob.length; ) {
    const bracket = /^\[[!^]?(?:\\[\s\S]|[^\\])(?:\\[\s\S]|[^\]\\])*\]/.exec(glob.slice(at))?.[0]
    if (bracket !== undefined) {
      pattern += bracketPattern(bracket)
      at += bracket.length
      continue
    }
    const char = glob[at]!
    if (char === '*') pattern += '[^]*'
    else if (char === '?') pattern += '[^]'
    else if (char === '\\' && at + 1 < glob.length) pattern += literal(glob[++at]!)
    else pattern += literal(char)
    at++
  }
  return new RegExp(`^${isHiddenFound || !/^[*?[]/.test(glob) ? '' : '(?!\\.)'}${pattern}$`)
}

function bracketPattern(bracket: string): string {
  if (/\[[:.=]/.test(bracket.slice(1))) {
    throw new UserError(
      'CVMFS_DIRTAB',
      `${quoteBytes(bracket)} in .cvmfsdirtab: classes of characters are not supported`,
      {
        hint: 'give the characters themselves: [a-z]',
      },
    )
  }
  const isNegated = /^\[[!^]/.test(bracket)
  const characters = bracket.slice(isNegated ? 2 : 1, -1).replace(/\\([\s\S])/g, '$1')
  let inside = ''
  for (let at = 0; at < characters.length; at++) {
    const isRange = characters[at + 1] === '-' && at + 2 < characters.length
    if (isRange && characters[at]! > characters[at + 2]!) at += 2
    else if (isRange) inside += `${literal(characters[at]!)}-${literal(characters[(at += 2)]!)}`
    else inside += literal(characters[at]!)
  }
  return `[${isNegated ? '^' : ''}${inside}]`
}

function literal(char: string): string {
  return `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`
}
