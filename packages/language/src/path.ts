/** Paths of the language: absolute, canonical byte strings. */

/** The absolute path that a path literal means. A trailing slash stays, for interpolated paths. */
export function resolvePath(text: string, base: { readonly directory: string; readonly home: () => string }): string {
  let path: string
  if (text.startsWith('/')) path = canonicalPath(text)
  else if (text.startsWith('~/')) path = canonicalPath(base.home() + text.slice(1))
  else path = canonicalPath(`${base.directory}/${text}`)
  return text.length > 1 && text.endsWith('/') && path !== '/' ? `${path}/` : path
}

/** Without `.`, `..`, doubled and trailing slashes. The path must be absolute. */
export function canonicalPath(path: string): string {
  if (isCanonical(path)) return path
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..') parts.pop()
    else parts.push(part)
  }
  return `/${parts.join('/')}`
}

/** Everything before the last slash; `/` for a top-level entry. */
export function directoryOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash <= 0 ? '/' : path.slice(0, slash)
}

function isCanonical(path: string): boolean {
  if (path.charCodeAt(0) !== 47) return false
  if (path.length === 1) return true
  if (path.charCodeAt(path.length - 1) === 47) return false
  let p = 0
  while ((p = path.indexOf('/', p)) >= 0) {
    const c = path.charCodeAt(++p)
    if (c === 47) return false
    if (c === 46) {
      const d = path.charCodeAt(p + 1)
      if (d === 47 || p + 1 === path.length) return false
      if (d === 46 && (path.charCodeAt(p + 2) === 47 || p + 2 === path.length)) return false
    }
  }
  return true
}
