/** Operations of `nix-store` on what is registered. */
import { readFileSync } from 'node:fs'
import { formatHash, parseHash, type StorePath, UserError } from '@baryon/format'
import type { NewPathInfo, Store } from '@baryon/store'
import { followToStorePath } from './follow-path.ts'
import type { OperationRequest } from './nix-store.ts'

export function checkValidity({ store, given, terminal }: OperationRequest): number {
  for (const operand of given.operands) {
    const path = followToStorePath(store, operand)
    if (store.isValid(path)) continue
    if (!given.has('--print-invalid')) throw new UserError('PATH_INVALID', `path '${store.format(path)}' is not valid`)
    terminal.out(`${store.format(path)}\n`)
  }
  return 0
}

/** For each path: itself, hash, size, deriver, number of references, references, each on a line. */
export function dumpDatabase({ store, given, terminal }: OperationRequest): number {
  const { operands } = given
  const paths = operands.length > 0 ? operands.map((text) => followToStorePath(store, text)) : store.allValidPaths()
  for (const path of paths) {
    const { narHash, narSize, deriver, references } = store.pathInfo(path)
    const lines = [
      store.format(path),
      formatHash(narHash, 'base16', false),
      String(narSize),
      deriver === undefined ? '' : store.format(deriver),
      String(references.length),
      ...references.map((reference) => store.format(reference)),
    ]
    terminal.out(lines.map((line) => `${line}\n`).join(''))
  }
  return 0
}

/** Reads what `--dump-db` writes; the paths must be in place. */
export function loadDatabase({ store, given }: OperationRequest): number {
  if (given.operands.length > 0) throw new UserError('USAGE', 'no arguments expected')
  store.registerValidPaths([...parseInfos(store, readFileSync(0, 'latin1').split('\n'))])
  return 0
}

function* parseInfos(store: Store, lines: readonly string[]): Generator<NewPathInfo> {
  let at = 0
  const next = (): string => {
    const line = lines[at++]
    if (line === undefined) throw invalid(at)
    return line
  }
  while (at < lines.length && lines[at] !== '') {
    const path = store.parse(next())
    const narHash = parseHash(next(), 'sha256')
    const narSize = number(next(), at)
    const deriver = next()
    const references: StorePath[] = []
    for (let count = number(next(), at); count > 0; count--) references.push(store.parse(next()))
    yield { path, narHash, narSize, references, deriver: deriver === '' ? undefined : store.parse(deriver) }
  }
}

function number(text: string, line: number): number {
  if (!/^\d{1,15}$/.test(text)) throw invalid(line)
  return Number(text)
}

function invalid(line: number): UserError {
  return new UserError('REGISTRATION_INVALID', `line ${line} is not as nix-store --dump-db writes it`)
}
