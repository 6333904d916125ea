import { readdirSync, readFileSync } from 'node:fs'

/**
 * Kills a process with all that it has started. Those that ask the kernel to die with their parent cannot be left to it: they
 * do so some time after their start, and whose parent has died before that lives on.
 */
export function killTree(pid: number): void {
  // Who is stopped starts nothing more; a child of the last moment is seen in the next round.
  const tree = new Set([pid])
  for (let known = 0; known < tree.size; ) {
    known = tree.size
    for (const one of tree) signal(one, 'SIGSTOP')
    const children = childrenByParent()
    for (const one of tree) for (const child of children.get(one) ?? []) tree.add(child)
  }
  for (const one of tree) signal(one, 'SIGKILL')
}

/** Of all processes that there are now. */
function childrenByParent(): ReadonlyMap<number, readonly number[]> {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const parent = parentOf(name)
    if (parent === undefined) continue
    const siblings = children.get(parent)
    if (siblings === undefined) children.set(parent, [Number(name)])
    else siblings.push(Number(name))
  }
  return children
}

/** `PID (NAME) STATE PARENT …`, where the name may have anything in it. */
function parentOf(pid: string): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ', 2)[1])
  } catch {
    // It has ended.
    return undefined
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // ESRCH: it is gone.
  }
}
