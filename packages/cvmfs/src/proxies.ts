/**
 * The syntax of `CVMFS_HTTP_PROXY`: groups with semicolons between, of which the first one that works is used; members of a group with
 * bars between share the load.
 *
 *     http://squid1.example.org:3128|http://squid2.example.org:3128;DIRECT
 */
import { UserError } from '@baryon/format'

/** Undefined is the direct way. In the order in which they are to be tried; `random` decides within groups. */
export function parseProxies(text: string, random: () => number = Math.random): (URL | undefined)[] {
  const groups = text
    .split(';')
    .map((group) => group.trim())
    .filter((group) => group !== '')
  if (groups.length === 0) return [undefined]
  return groups.flatMap((group) => shuffled(group.split('|').map(parseProxy), random))
}

function parseProxy(text: string): URL | undefined {
  const name = text.trim()
  if (name.toUpperCase() === 'DIRECT') return undefined
  const url = URL.parse(/^[a-z]+:\/\//i.test(name) ? name : `http://${name}`)
  if (url === null || url.protocol !== 'http:' || url.hostname === '') {
    throw new UserError('CVMFS_PROXY', `'${text}' is no proxy`, {
      hint: 'expected http://HOST:PORT or DIRECT; several with | (share the load) and ; (one after the other) between',
    })
  }
  return url
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, order: random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item)
}
