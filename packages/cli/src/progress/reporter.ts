/** Shows a running build: a redrawn block on a terminal, plain lines anywhere else. */
import type { BuildEvent, BuildReporter } from '@baryon/build'
import { formatSeconds } from '../format-quantity.ts'
import type { Terminal } from '../terminal.ts'
import { type BuildProgress, createBuildProgress } from './build-progress.ts'
import { renderProgress } from './render-progress.ts'

export interface Reporter {
  readonly report: BuildReporter
  readonly progress: BuildProgress
  /** Removes the block; to be called before anything else is printed. */
  close(): void
}

/** At most ten pictures a second: more would cost the builds time that nobody can see. */
const redrawMilliseconds = 100

export function createReporter(terminal: Terminal, options: { readonly verbose?: boolean } = {}): Reporter {
  const progress = createBuildProgress(Date.now())
  const screen = terminal.isLive && !options.verbose ? createScreen(terminal, progress) : undefined
  const say = (line: string): void => (screen === undefined ? terminal.err(`${line}\n`) : screen.print(line))
  const names = new Map<string, string>()
  return {
    progress,
    report(event) {
      if (event.kind === 'started') names.set(event.task, event.name)
      progress.update(event, Date.now())
      const line = lineOf(event, names, progress, terminal, screen !== undefined)
      if (line !== undefined) say(line)
      if (options.verbose && event.kind === 'log') {
        const name = names.get(event.task) ?? event.task
        for (const text of event.lines) say(`${terminal.errPaint.dim(`${name}>`)} ${terminal.foreign(text)}`)
      }
      screen?.touch()
    },
    close: () => screen?.close(),
  }
}

function lineOf(
  event: BuildEvent,
  names: ReadonlyMap<string, string>,
  progress: BuildProgress,
  terminal: Terminal,
  live: boolean,
): string | undefined {
  const paint = terminal.errPaint
  switch (event.kind) {
    case 'started':
      // The block shows what runs; elsewhere a line must.
      return live ? undefined : `${counter(progress)}${verbs[event.activity][0]} ${event.name}`
    case 'finished': {
      if (event.outcome === 'present') return undefined
      const verb = event.outcome === 'made' ? verbs[event.activity][1] : event.outcome
      return `${paint.green(`${counter(progress)}${verb}`)} ${names.get(event.task) ?? event.task} ${paint.dim(`(${formatSeconds(event.seconds)})`)}`
    }
    case 'failed':
      // What was never begun failed for the sake of another.
      if (!names.has(event.task)) return `${paint.red('left out:')} ${event.error.message}`
      return `${paint.red('failed')} ${names.get(event.task) ?? event.task} ${paint.dim(`(${formatSeconds(event.seconds)})`)}`
    case 'notice':
      return `${paint.yellow('note:')} ${event.message}`
    case 'waiting':
      return live ? undefined : `another process has ${names.get(event.task) ?? event.task} in hand: waiting`
    default:
      return undefined
  }
}

const verbs = {
  build: ['building', 'built'],
  fetch: ['fetching', 'fetched'],
  substitute: ['copying', 'copied'],
} as const

function counter(progress: BuildProgress): string {
  const { planned, done } = progress
  const all = planned.build + planned.fetch + planned.substitute
  if (all === 0) return ''
  const finished = done.build + done.fetch + done.substitute
  return `[${String(finished).padStart(String(all).length)}/${all}] `
}

interface Screen {
  print(line: string): void
  touch(): void
  close(): void
}

/**
 * The block is erased by moving up over as many rows as it takes at the width of now: after the window was made
 * narrower, old lines cover more rows than were written. Lines are cut to the width, so that none wraps.
 */
function createScreen(terminal: Terminal, progress: BuildProgress): Screen {
  let shown: readonly string[] = []
  let timer: NodeJS.Timeout | undefined
  let last = 0
  const interval = setInterval(draw, 1000)
  interval.unref()
  const resize = (): void => draw()
  process.stderr.on('resize', resize)
  return {
    print(line) {
      terminal.err(`${erase()}${line}\n`)
      shown = []
      draw()
    },
    touch() {
      if (timer !== undefined) return
      timer = setTimeout(draw, Math.max(0, redrawMilliseconds - (Date.now() - last)))
    },
    close() {
      clearInterval(interval)
      clearTimeout(timer)
      process.stderr.off('resize', resize)
      terminal.err(erase())
      shown = []
    },
  }

  function draw(): void {
    clearTimeout(timer)
    timer = undefined
    last = Date.now()
    const lines = renderProgress(progress, {
      now: last,
      width: terminal.width(),
      rows: process.stderr.rows ?? 24,
      paint: terminal.errPaint,
    })
    const text = erase() + lines.map((line) => `${line}\n`).join('')
    shown = lines
    terminal.err(text)
  }

  function erase(): string {
    const width = Math.max(1, terminal.width())
    let rows = 0
    for (const line of shown) rows += Math.max(1, Math.ceil(visibleLength(line) / width))
    return rows === 0 ? '' : `\x1b[${rows}A\r\x1b[J`
  }
}

function visibleLength(line: string): number {
  return line.replace(/\x1b\[[0-9;]*m/g, '').length
}
