/**
 * Starts commands through one shell that waits for them on a pipe. Starting a process from Node copies the page tables of
 * a large process and blocks the main thread until the other one has loaded: 3 times the CPU time of a shell's fork.
 *
 * We write commands, the shell answers `s ID PID` and `e ID STATUS`. It leads a process group of its own; when we die, however
 * that happens, it reads the end of its input and kills the group.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { HOST_PATH } from './host-program.ts'
import { killTree } from './kill-tree.ts'
import { signalProcess } from './processes.ts'

export interface StartedCommand {
  /** Its status as a shell says it: 128 + N when signal N ended it. Never rejects. */
  readonly exited: Promise<number>
  /** Kills the command and all that it has started. */
  kill(): void
}

/** Starts a command line of the shell (a byte string); standard input is empty, both outputs go to the file `output`. */
export function startCommand(commandLine: string, output: string): StartedCommand {
  starter ??= startShell()
  return starter.start(commandLine, output)
}

interface Starter {
  start(commandLine: string, output: string): StartedCommand
}

interface Pending {
  pid: number | undefined
  killed: boolean
  readonly resolve: (status: number) => void
}

let starter: Starter | undefined

function startShell(): Starter {
  const shell = spawn('/bin/sh', ['-s'], {
    detached: true,
    cwd: '/',
    env: { PATH: HOST_PATH },
    stdio: ['pipe', 'ignore', 'ignore', 'pipe'],
  })
  const [commands, , , answers] = shell.stdio as unknown as [Writable, null, null, Readable]
  const pending = new Map<number, Pending>()
  let count = 0
  const give = (text: string) => void commands.write(text, 'latin1')
  const end = (id: number, status: number) => {
    pending.get(id)?.resolve(status)
    pending.delete(id)
  }
  const kill = (id: number, one: Pending) => {
    one.killed = true
    if (one.pid === undefined) return
    killTree(one.pid)
    // Killed, the subshell cannot answer.
    give(`wait ${one.pid}; echo "e ${id} $?" >&3\n`)
  }
  onLines(answers, (line) => {
    const [kind, idText, number] = line.split(' ')
    const id = Number(idText)
    const one = pending.get(id)
    // The two answers come in any order. `wait` makes the shell forget a process that has ended; until then its number
    // cannot be that of another one.
    if (kind === 'e') {
      if (one?.pid !== undefined && !one.killed) give(`wait ${one.pid}\n`)
      end(id, Number(number))
    } else if (one === undefined) {
      give(`wait ${number}\n`)
    } else {
      one.pid = Number(number)
      if (one.killed) kill(id, one)
    }
  })
  const onEnd = () => {
    if (starter === own) starter = undefined
    if (shell.pid !== undefined) signalProcess(-shell.pid, 'SIGKILL')
    for (const id of [...pending.keys()]) end(id, 128 + SIGKILL)
  }
  shell.once('error', onEnd).once('exit', onEnd)
  commands.on('error', () => {})
  for (const handle of [shell, ...shell.stdio]) unref(handle)
  give("trap 'kill -KILL 0' EXIT\n")
  const own: Starter = {
    start(commandLine, output) {
      const id = ++count
      let one: Pending | undefined
      const exited = new Promise<number>((resolve) => {
        one = { pid: undefined, killed: false, resolve }
        pending.set(id, one)
      })
      // An output that cannot be opened makes a status, too.
      give(`{ { ${commandLine}; } >${output} 2>&1 3>&-; echo "e ${id} $?" >&3; } & echo "s ${id} $!" >&3\n`)
      return { exited, kill: () => kill(id, one!) }
    },
  }
  return own
}

/** What waits for builders keeps our process alive, not the shell that waits for us. */
function unref(handle: ChildProcess | Readable | Writable | null | undefined): void {
  if (handle !== null && handle !== undefined && 'unref' in handle) (handle.unref as () => void)()
}

function onLines(stream: Readable, give: (line: string) => void): void {
  let rest = ''
  stream.setEncoding('latin1')
  stream.on('error', () => {})
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop()!
    for (const line of lines) give(line)
  })
}

const SIGKILL = 9
