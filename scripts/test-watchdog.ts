/**
 * Ends a test file that takes far too long, with all that it has started, and says what hung: the timeout of Node's runner is a timer
 * within the file's own process, which no timer reaches while it waits for a command. It is a reporter, since the runner's process loads those.
 */
import { readdirSync, readFileSync } from 'node:fs'
import type { TestEvent } from 'node:test/reporters'

/** Seconds; the slowest file takes four minutes on a quiet machine. */
const PATIENCE = Number(process.env.BARYON_TEST_PATIENCE ?? 1500)

interface Process {
  readonly pid: number
  readonly parent: number
  readonly state: string
  /** What it waits for in the kernel. */
  readonly waits: string
  readonly command: string
}

/** Writes the processes of each file that it has ended, and nothing else. */
export default async function* endLateFiles(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const since = new Map<number, number>()
  const killed: string[] = []
  const timer = setInterval(() => killed.push(...endLate(since, performance.now() / 1000)), 5000)
  for await (const _ of source) yield killed.splice(0).join('')
  clearInterval(timer)
}

function endLate(since: Map<number, number>, now: number): readonly string[] {
  const all = processes()
  const files = all.filter(({ parent }) => parent === process.pid)
  for (const pid of since.keys()) if (!files.some((file) => file.pid === pid)) since.delete(pid)
  return files.flatMap((file) => {
    if (!since.has(file.pid)) since.set(file.pid, now)
    if (now - since.get(file.pid)! < PATIENCE) return []
    const tree = [file]
    for (const above of tree) tree.push(...all.filter(({ parent }) => parent === above.pid))
    for (const { pid } of tree.toReversed()) kill(pid)
    const lines = tree.map(
      ({ pid, parent, state, waits, command }) => `  ${pid} ${parent} ${state} ${waits} ${command}\n`,
    )
    return [`killed after ${PATIENCE} s (pid, parent, state, wait, command):\n`, ...lines]
  })
}

function processes(): readonly Process[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return []
    try {
      const text = (file: string) => readFileSync(`/proc/${name}/${file}`, 'utf8')
      // "PID (NAME) STATE PARENT …": proc(5). The name may hold anything.
      const stat = text('stat')
      const [state = '', parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      // Node gives a file every option it knows of.
      const words = text('cmdline').split('\0')
      const command = words.filter((word, index) => index === 0 || !word.startsWith('--')).join(' ')
      return [{ pid: Number(name), parent: Number(parent), state, waits: text('wchan'), command }]
    } catch {
      return []
    }
  })
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended.
  }
}
