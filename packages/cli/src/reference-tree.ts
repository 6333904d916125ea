import { type StorePath, storePathBaseName } from '@baryon/format'
import type { Store } from '@baryon/store'

/**
 * Lines of a tree of store paths, as `nix-store -q --tree` draws it: what is `done` already is marked and not followed again.
 * Drawn without recursion: chains of references may be of any length.
 */
export function drawReferenceTree(
  store: Store,
  top: StorePath,
  children: (path: StorePath) => readonly StorePath[],
  done: Set<string> = new Set(),
): string[] {
  const lines: string[] = []
  const stack = [{ path: top, first: '', rest: '' }]
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    const { path, first, rest } = node
    const name = storePathBaseName(path)
    if (done.has(name)) {
      lines.push(`${first}${store.format(path)} [...]`)
      continue
    }
    done.add(name)
    lines.push(`${first}${store.format(path)}`)
    const reversed = [...children(path)].reverse()
    reversed.forEach((child, index) => {
      const isLast = index === 0
      stack.push({ path: child, first: rest + (isLast ? '└───' : '├───'), rest: rest + (isLast ? '    ' : '│   ') })
    })
  }
  return lines
}
