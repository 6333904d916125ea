/**
 * The state of a running build as the reporters see it: what runs, what is done, how long it may still take.
 * Fed with the events of `realise`; draws nothing by itself.
 */
import type { Activity, BuildEvent } from '@baryon/build'

export interface RunningTask {
  readonly task: string
  readonly name: string
  readonly activity: Activity
  readonly since: number
  readonly expectedSeconds: number | undefined
  phase: string | undefined
  lastLine: string | undefined
  waiting: boolean
  bytes: number
  total: number | undefined
}

export interface BuildProgress {
  readonly running: ReadonlyMap<string, RunningTask>
  readonly planned: Readonly<Record<Activity, number>>
  readonly done: Readonly<Record<Activity, number>>
  readonly failed: number
  /** Downloaded in all, finished tasks included. */
  readonly bytes: number
  readonly downloadBytes: number
  update(event: BuildEvent, now: number): void
  /** Seconds since the plan was made. */
  elapsed(now: number): number
  /** Seconds that are left, or undefined as long as nobody can know. */
  remaining(now: number): number | undefined
}

export function createBuildProgress(start: number): BuildProgress {
  const running = new Map<string, RunningTask>()
  const planned: Record<Activity, number> = { build: 0, fetch: 0, substitute: 0 }
  const done: Record<Activity, number> = { build: 0, fetch: 0, substitute: 0 }
  let failed = 0
  let finishedBytes = 0
  let downloadBytes = 0
  let expected = 0
  return {
    running,
    planned,
    done,
    get failed() {
      return failed
    },
    get bytes() {
      let sum = finishedBytes
      for (const task of running.values()) sum += task.bytes
      return sum
    },
    get downloadBytes() {
      return downloadBytes
    },
    update(event, now) {
      switch (event.kind) {
        case 'planned':
          planned.build = event.builds
          planned.fetch = event.fetches
          planned.substitute = event.substitutes
          downloadBytes = event.downloadBytes
          expected = event.expectedSeconds
          return
        case 'started':
          running.set(event.task, {
            task: event.task,
            name: event.name,
            activity: event.activity,
            since: now,
            expectedSeconds: event.expectedSeconds,
            phase: undefined,
            lastLine: undefined,
            waiting: false,
            bytes: 0,
            total: undefined,
          })
          return
        case 'waiting':
          return change(event.task, (task) => {
            task.waiting = true
          })
        case 'phase':
          return change(event.task, (task) => {
            task.phase = event.phase
          })
        case 'log':
          return change(event.task, (task) => {
            const line = event.lines.findLast((text) => text.trim() !== '')
            if (line !== undefined) task.lastLine = line
          })
        case 'progress':
          return change(event.task, (task) => {
            task.bytes = event.bytes
            task.total = event.total
          })
        case 'finished':
        case 'failed':
          finishedBytes += running.get(event.task)?.bytes ?? 0
          running.delete(event.task)
          if (event.kind === 'failed') failed++
          else done[event.activity]++
          return
        case 'notice':
          return
      }
    },
    elapsed: (now) => (now - start) / 1000,
    remaining(now) {
      if (expected <= 0) return undefined
      // For tasks that never ran before the plan only guesses: as long as all that run are such, nothing is promised.
      if (running.size > 0 && [...running.values()].every((task) => task.expectedSeconds === undefined))
        return undefined
      return Math.max(0, expected - (now - start) / 1000)
    },
  }

  function change(name: string, edit: (task: RunningTask) => void): void {
    const task = running.get(name)
    if (task !== undefined) edit(task)
  }
}
