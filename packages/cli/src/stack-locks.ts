/**
 * The lock files of a stack: what of a Debian archive it is made with, each file pinned by its hash. A stack says where they
 * are in its attribute `locks`, a list of
 *
 *     { file = toString ./debs.lock; kind = "binary"; architecture = "amd64"; names = [ "gcc-12" … ]; }
 *     { file = toString ./sources.lock; kind = "source"; }
 *
 * `names` are all packages that the stack wants of it; without it the file itself says. A lock file is JSON: a pin a line, by
 * the name of the package.
 */
import { readFileSync } from 'node:fs'
import { type DebianPin, findDebianPins } from '@baryon/fetch'
import { isSystemError, UserError } from '@baryon/format'
import { writeFileAtomically } from '@baryon/store'
import type { Context } from './command.ts'
import { formatBytes } from './format-quantity.ts'
import { createProgressLine } from './progress/progress-line.ts'
import { evaluateStack, parseAnswer, stackSettings } from './stack-evaluation.ts'

export interface StackLock {
  /** Absolute. */
  readonly file: string
  readonly kind: 'binary' | 'source'
  readonly architecture: string
  readonly names: readonly string[] | undefined
  readonly pins: ReadonlyMap<string, DebianPin>
}

export async function readStackLocks(context: Context): Promise<readonly StackLock[]> {
  const settings = await stackSettings(context)
  const result = await evaluateStack(context, settings, {
    output: 'json',
    strict: true,
    apply: 'stack: stack.locks or [ ]',
  })
  const declared = parseAnswer<(Omit<StackLock, 'pins' | 'architecture'> & { architecture?: string })[]>(result)
  if (declared.length === 0) {
    throw new UserError('STACK_UNLOCKED', 'the stack has no lock files', {
      hint: 'a stack names them in its attribute `locks`, as stacks/hep does',
    })
  }
  return declared.map((lock) => ({
    ...lock,
    architecture: lock.architecture ?? 'amd64',
    pins: readPins(lock.file),
  }))
}

/** Writes the pins in the order of their names. */
export function writePins(file: string, pins: ReadonlyMap<string, DebianPin>): void {
  const lines = [...pins]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, pin]) => `${JSON.stringify(name)}: ${formatPin(pin)}`)
  writeFileAtomically(file, `{\n${lines.join(',\n')}\n}\n`)
}

/** The newest pins of these names, and those of them that no configured archive has. */
export async function newestPins(
  context: Context,
  { kind, architecture }: StackLock,
  names: readonly string[],
): Promise<{ readonly pins: ReadonlyMap<string, DebianPin>; readonly unknown: readonly string[] }> {
  if (names.length === 0) return { pins: new Map(), unknown: [] }
  const line = createProgressLine(context.terminal)
  try {
    const pins = await findDebianPins({
      names: new Set(names),
      kind,
      architecture,
      signal: context.signal,
      onProgress: ({ name, bytes, totalBytes }) =>
        line.show(() => `fetching ${name}, ${formatBytes(bytes)}${totalBytes ? ` of ${formatBytes(totalBytes)}` : ''}`),
    })
    return { pins, unknown: names.filter((name) => !pins.has(name)) }
  } finally {
    line.close()
  }
}

function readPins(file: string): Map<string, DebianPin> {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return new Map()
    throw error
  }
  const invalid = (why: string, cause?: unknown) =>
    new UserError('STACK_LOCK_INVALID', `'${file}' is no lock file: ${why}`, {
      hint: 'take it back from version control, or remove it and run baryon stack lock',
      cause,
    })
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch (error) {
    throw invalid((error as Error).message, error)
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) throw invalid('an object is expected')
  for (const [name, pin] of Object.entries(content))
    if (!isPin(pin)) throw invalid(`what it says of '${name}' is no pin`)
  return new Map(Object.entries(content as Record<string, DebianPin>))
}

function isPin(value: unknown): value is DebianPin {
  const pin = value as Partial<DebianPin> | null
  return (
    typeof pin?.version === 'string' &&
    typeof pin.architecture === 'string' &&
    typeof pin.size === 'number' &&
    typeof pin.path === 'string' &&
    /^[0-9a-f]{64}$/.test(String(pin.sha256))
  )
}

function formatPin({ version, architecture, size, sha256, path }: DebianPin): string {
  const fields = Object.entries({ version, architecture, size, sha256, path })
  return `{${fields.map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`).join(', ')}}`
}
