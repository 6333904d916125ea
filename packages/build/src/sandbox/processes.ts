/** Processes of the host, as /proc shows them. Any of them may end at any time: then there is nothing to read, or to signal. */
import { readdirSync, readFileSync } from 'node:fs'

/** Of all processes that there are now. */
export function processIds(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

/** `/proc/PID/NAME` as a byte string; undefined as well for a process that is not ours to look at. */
export function readOfProcess(pid: number, name: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1')
  } catch {
    return undefined
  }
}

/** To a process, or to the group -PID. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // ESRCH: it is gone. EPERM: only zombies are left.
  }
}
