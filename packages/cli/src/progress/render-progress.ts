/** One picture of a running build, as lines that fit the terminal. */
import { withoutEscapes } from '../escape-sequences.ts'
import { formatBytes, formatSeconds } from '../format-quantity.ts'
import type { Paint } from '../terminal.ts'
import type { BuildProgress, RunningTask } from './build-progress.ts'

export interface Picture {
  readonly now: number
  readonly width: number
  readonly rows: number
  readonly paint: Paint
}

export function renderProgress(progress: BuildProgress, picture: Picture): string[] {
  const room = Math.max(1, Math.min(12, picture.rows - 4))
  const tasks = [...progress.running.values()].sort((a, b) => a.since - b.since)
  const lines = tasks.slice(0, room).map((task) => taskLine(task, picture))
  if (tasks.length > room)
    lines.push(picture.paint.dim(cut(`  … and ${tasks.length - room} more`, Math.max(0, picture.width - 1))))
  lines.push(summaryLine(progress, picture))
  return lines
}

/** `  hepmc3-3.1.2  1m02s/1m30s  buildPhase: [ 45%] Building CXX object …` */
function taskLine(task: RunningTask, { now, width, paint }: Picture): string {
  const seconds = (now - task.since) / 1000
  const time =
    task.expectedSeconds === undefined
      ? formatSeconds(seconds)
      : `${formatSeconds(seconds)}/${formatSeconds(task.expectedSeconds)}`
  const head = `  ${task.name}  `
  const tail = `  ${detail(task)}`
  const space = Math.max(0, width - 1)
  if (head.length + time.length >= space) return cut(head + time, space)
  return `  ${paint.bold(task.name)}  ${paint.cyan(time)}${paint.dim(cut(tail, space - head.length - time.length))}`
}

function detail(task: RunningTask): string {
  if (task.waiting) return 'another process has it in hand'
  if (task.activity !== 'build') {
    if (task.total === undefined) return task.bytes === 0 ? 'connecting' : formatBytes(task.bytes)
    return `${formatBytes(task.bytes)} of ${formatBytes(task.total)}`
  }
  const line = clean(task.lastLine ?? '')
  return task.phase === undefined ? line : line === '' ? task.phase : `${task.phase}: ${line}`
}

/** `  3 of 12 built, 2 running, 7 waiting · 14 of 20 fetched (35 MB of 142 MB) · 1m02s, about 3 min left` */
function summaryLine(progress: BuildProgress, { now, width, paint }: Picture): string {
  const { planned, done } = progress
  const parts: string[] = []
  if (planned.build > 0) {
    const running = count(progress, 'build')
    const waiting = planned.build - done.build - running - progress.failed
    parts.push(`${done.build} of ${planned.build} built, ${running} running, ${Math.max(0, waiting)} waiting`)
  }
  const bytes = progress.bytes
  const size =
    bytes === 0
      ? ''
      : progress.downloadBytes > 0
        ? ` (${formatBytes(bytes)} of ${formatBytes(progress.downloadBytes)})`
        : ` (${formatBytes(bytes)})`
  if (planned.fetch > 0) parts.push(`${done.fetch} of ${planned.fetch} fetched${size}`)
  if (planned.substitute > 0) parts.push(`${done.substitute} of ${planned.substitute} copied`)
  if (progress.failed > 0) parts.push(`${progress.failed} failed`)
  const remaining = progress.remaining(now)
  const left =
    remaining === undefined ? '' : remaining > 0 ? `, about ${formatSeconds(remaining)} left` : ', any moment'
  parts.push(`${formatSeconds(progress.elapsed(now))}${left}`)
  return paint.dim(cut(`  ${parts.join(' · ')}`, Math.max(0, width - 1)))
}

function count(progress: BuildProgress, activity: RunningTask['activity']): number {
  let number = 0
  for (const task of progress.running.values()) if (task.activity === activity) number++
  return number
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`
}

/** Without colours, cursor movements and other control characters that a builder may print. */
function clean(text: string): string {
  const last = text.replace(/^.*\r(?=.)/, '')
  return withoutEscapes(last, false)
    .replace(/[\x00-\x1f\x7f]/g, ' ')
    .trim()
}
