import { processIds, readOfProcess, signalProcess } from './processes.ts'

/**
 * Kills a process with all that it has started. Those that ask the kernel to die with their parent cannot be left to it: they
 * do so some time after their start, and whose parent has died before that lives on.
 */
export function killTree(pid: number): void {
  // Who is stopped starts nothing more; a child of the last moment is seen in the next round.
  const tree = new Set([pid])
  for (let known = 0; known < tree.size; ) {
    known = tree.size
    for (const one of tree) signalProcess(one, 'SIGSTOP')
    const children = childrenByParent()
    for (const one of tree) for (const child of children.get(one) ?? []) tree.add(child)
  }
  for (const one of tree) signalProcess(one, 'SIGKILL')
}

function childrenByParent(): ReadonlyMap<number | undefined, readonly number[]> {
  return Map.groupBy(processIds(), parentOf)
}

/** `PID (NAME) STATE PARENT …`, where the name may have anything in it. */
function parentOf(pid: number): number | undefined {
  const stat = readOfProcess(pid, 'stat')
  return stat === undefined ? undefined : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ', 2)[1])
}
