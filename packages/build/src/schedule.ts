import type { Activity } from './build-event.ts'
import type { BuildPlan, PlannedTask } from './plan.ts'

export interface ScheduleOptions {
  /** How many of each may run at once. */
  readonly limits: Readonly<Record<Activity, number>>
  readonly keepGoing: boolean
  readonly signal: AbortSignal
  /** Does one task; a rejection is its failure. */
  readonly run: (task: PlannedTask) => Promise<void>
  /** A task that cannot be tried because of `cause`. */
  readonly onSkip: (task: PlannedTask, cause: PlannedTask) => void
}

export interface ScheduleResult {
  readonly failures: readonly { readonly task: PlannedTask; readonly error: unknown }[]
  /** Not tried, because something that they need failed or because everything stopped. */
  readonly skipped: readonly PlannedTask[]
}

/**
 * Runs the tasks of a plan, each after those that it depends on, the longest remaining path first. Activities have limits
 * of their own, so that downloads do not occupy build slots. After a failure nothing new starts unless `keepGoing`.
 */
export function runSchedule(plan: BuildPlan, options: ScheduleOptions): Promise<ScheduleResult> {
  const waiting = new Map<string, number>()
  const dependents = new Map<string, string[]>()
  const ready: Record<Activity, PlannedTask[]> = { build: [], fetch: [], substitute: [] }
  for (const task of plan.tasks.values()) {
    waiting.set(task.key, task.dependencies.size)
    for (const dependency of task.dependencies) {
      const list = dependents.get(dependency)
      if (list === undefined) dependents.set(dependency, [task.key])
      else list.push(task.key)
    }
    if (task.dependencies.size === 0) ready[task.activity].push(task)
  }
  const running: Record<Activity, number> = { build: 0, fetch: 0, substitute: 0 }
  const failures: { task: PlannedTask; error: unknown }[] = []
  const skipped = new Map<string, PlannedTask>()
  const started = new Set<string>()

  return new Promise((resolve) => {
    const stopped = () => options.signal.aborted || (failures.length > 0 && !options.keepGoing)
    const finishIfIdle = () => {
      if (running.build + running.fetch + running.substitute > 0) return
      for (const task of plan.tasks.values()) if (!started.has(task.key)) skipped.set(task.key, task)
      resolve({ failures, skipped: [...skipped.values()] })
    }
    const skipDependents = (failed: PlannedTask) => {
      const open = [failed.key]
      for (let key = open.pop(); key !== undefined; key = open.pop()) {
        for (const dependent of dependents.get(key) ?? []) {
          if (skipped.has(dependent)) continue
          const task = plan.tasks.get(dependent)!
          skipped.set(dependent, task)
          options.onSkip(task, failed)
          open.push(dependent)
        }
      }
    }
    const startReady = () => {
      for (const activity of ['substitute', 'fetch', 'build'] as const) {
        while (!stopped() && running[activity] < options.limits[activity]) {
          const task = takeFirst(ready[activity])
          if (task === undefined) break
          start(task)
        }
      }
      finishIfIdle()
    }
    const start = (task: PlannedTask) => {
      started.add(task.key)
      running[task.activity]++
      options.run(task).then(
        () => {
          running[task.activity]--
          for (const key of dependents.get(task.key) ?? []) {
            const left = waiting.get(key)! - 1
            waiting.set(key, left)
            const dependent = plan.tasks.get(key)!
            if (left === 0) ready[dependent.activity].push(dependent)
          }
          startReady()
        },
        (error: unknown) => {
          running[task.activity]--
          failures.push({ task, error })
          skipDependents(task)
          startReady()
        },
      )
    }
    startReady()
  })
}

/** The ready lists are short: a search is cheaper than keeping them in order. */
function takeFirst(tasks: PlannedTask[]): PlannedTask | undefined {
  let best = 0
  for (let index = 1; index < tasks.length; index++) if (tasks[index]!.priority > tasks[best]!.priority) best = index
  return tasks.splice(best, 1)[0]
}
