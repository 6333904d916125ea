/** Processes that a test has started, whoever became their parent: known by the home that they have. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/** Until the process has ended; `patience` is in seconds. */
export async function gone(pid: number, patience = 10): Promise<void> {
  for (let left = patience * 20; existsSync(`/proc/${pid}`); left--) {
    assert.ok(left > 0, `process ${pid} is still there`)
    await delay(50)
  }
}

/** Until no process has this home. */
export async function allGone(home: string, patience?: number): Promise<void> {
  for (const pid of processesOf(home)) await gone(pid, patience)
}

export function processesOf(home: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && environmentOf(name).includes(`HOME=${home}`))
    .map(Number)
}

function environmentOf(pid: string): readonly string[] {
  try {
    for (let attempt = 1; ; attempt++) {
      const text = readFileSync(`/proc/${pid}/environ`, 'latin1')
      if (text !== '' || attempt === 20) return text.split('\0')
      // A program that is just being started has none yet; threads of the kernel and the dead have no program.
      readlinkSync(`/proc/${pid}/exe`)
      Atomics.wait(NEVER, 0, 0, 1)
    }
  } catch {
    // It has ended, or is somebody else's.
    return []
  }
}

const NEVER = new Int32Array(new SharedArrayBuffer(4))
