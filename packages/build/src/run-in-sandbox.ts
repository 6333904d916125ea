import { existsSync, lstatSync, readlinkSync, symlinkSync } from 'node:fs'
import {
  fixedOutput,
  formatStorePath,
  hashesEqual,
  parseStorePath,
  type StorePath,
  storePathBaseName,
  UserError,
} from '@baryon/format'
import type { Store } from '@baryon/store'
import type { BuildContext, BuildJob } from './build-derivation.ts'
import { BuildError } from './build-error.ts'
import { createLogWriter } from './build-log.ts'
import { builderEnvironment } from './builder-environment.ts'
import type { DerivationOptions } from './derivation-options.ts'
import { outcomeError, shownDerivation } from './explain-failure.ts'
import { runBuilder, sandboxSetupError } from './run-builder.ts'
import { hostShell } from './sandbox/host-shell.ts'
import type { SandboxInput, WorkDirectory } from './sandbox/sandbox.ts'
import { writeSandboxEtc } from './work-directory.ts'

/** What a builder is given beside its derivation. */
export interface BuilderInputs {
  readonly options: DerivationOptions
  /** Everything that it may see. */
  readonly closure: readonly StorePath[]
}

/**
 * Runs the builder of a derivation to its end, in the sandbox of the context. True when it made its outputs in the store
 * itself, false when they are in the work directory. Throws `BuildError` when it failed or a limit was reached.
 */
export async function runInSandbox(
  context: BuildContext,
  job: BuildJob,
  work: WorkDirectory,
  { options, closure }: BuilderInputs,
): Promise<boolean> {
  const { store, settings, report, breakdown, signal } = context
  const { derivation, task } = job
  const begin = performance.now()
  const sandbox = context.sandbox()
  const inPlace = sandbox.tier === 'none'
  if (inPlace) requireInPlace(store, job)
  const fixed = fixedOutput(derivation) !== undefined
  const { args, env } = builderEnvironment({
    store,
    derivation,
    options,
    hostDirectory: work.build,
    buildDirectory: sandbox.buildDirectory(work),
    cores: settings.cores,
    fixedOutput: fixed,
    inputClosure: closure,
  })
  writeSandboxEtc(work, fixed)
  const usr = sandboxUsr(context, job, { options, closure })
  const inputs = inPlace ? [] : sandboxInputs(store, work, closure)
  const log = createLogWriter(store, job.path)
  const startTime = Date.now()
  const startMoment = performance.now()
  const running = await sandbox.start({
    work,
    storeDirectory: store.storeDirectory,
    builder: derivation.builder,
    args,
    env,
    inputs,
    usr,
    hostFiles: usr === undefined && !inPlace ? hostShell() : [],
    network: fixed,
  })
  const started = performance.now()
  breakdown.prepare += (started - begin) / 1000
  const outcome = await runBuilder(running, {
    log,
    onLines: (lines) => report({ kind: 'log', task, lines }),
    onPhase: (phase) => report({ kind: 'phase', task, phase }),
    timeout: settings.timeout,
    maxSilent: settings.maxSilent,
    signal,
  })
  breakdown.builders += (performance.now() - started) / 1000
  signal.throwIfAborted()
  if (outcome.setupFailed) throw sandboxSetupError(sandbox.tier, outcome.logTail)
  if (sandbox.inputsWritable) {
    // A clock that was set back meanwhile gave earlier times to what was written after it.
    const setBack = performance.now() - startMoment - (Date.now() - startTime)
    await verifyInputs(context, job, closure, startTime - Math.max(0, Math.ceil(setBack)))
  }
  const error = outcomeError(context, job, work, outcome)
  if (error !== undefined) throw error
  return inPlace
}

function sandboxInputs(store: Store, work: WorkDirectory, closure: readonly StorePath[]): SandboxInput[] {
  return closure.map((path) => {
    const source = store.physicalPath(path)
    const name = storePathBaseName(path)
    const stat = lstatSync(source)
    if (stat.isSymbolicLink()) symlinkSync(readlinkSync(source, 'buffer'), `${work.store}/${name}`)
    return { source, name, kind: stat.isDirectory() ? 'directory' : stat.isSymbolicLink() ? 'symlink' : 'regular' }
  })
}

function sandboxUsr({ store }: BuildContext, job: BuildJob, { options, closure }: BuilderInputs): string | undefined {
  const text = options.text('sandboxRoot')
  if (text === undefined || text === '') return undefined
  const path = parseStorePath(store.storeDirectory, text)
  const isInput = closure.some((input) => input.digest === path.digest)
  const usr = `${store.physicalPath(path)}/usr`
  if (isInput && existsSync(usr)) return usr
  throw new BuildError(
    'SANDBOX_ROOT_INVALID',
    `sandboxRoot '${text}' of '${shownDerivation(store, job)}' ${isInput ? 'has no usr' : 'is not one of its inputs'}`,
    {
      derivation: job.path,
      hint: 'give the output of a builtin:unpack-tree derivation, with its string context',
    },
  )
}

function requireInPlace(store: Store, job: BuildJob): void {
  if (job.mode !== 'build') {
    throw new UserError('SANDBOX_NEEDED', 'without a sandbox the build would go over what is in its place', {
      hint: 'choose another sandbox',
    })
  }
  if (store.physicalDirectory === store.storeDirectory) return
  throw new UserError(
    'SANDBOX_NEEDED',
    `without a sandbox nothing can be built for '${store.storeDirectory}' while the store lies in '${store.physicalDirectory}'`,
    { hint: 'choose another sandbox, or a store that lies at its logical place' },
  )
}

/** Where nothing but file modes kept the builder from writing to its inputs. */
async function verifyInputs(
  { store, pool, signal }: BuildContext,
  job: BuildJob,
  closure: readonly StorePath[],
  since: number,
): Promise<void> {
  const places = new Map(closure.map((path) => [store.physicalPath(path), path]))
  for (const place of await pool.run('changed', { paths: [...places.keys()], since }, signal)) {
    const path = places.get(place)!
    const info = store.queryPathInfo(path)!
    const now = existsSync(place) ? await pool.run('hash', { path: place }, signal) : undefined
    if (now !== undefined && hashesEqual(now.hash, info.narHash)) continue
    throw new BuildError(
      'INPUT_MODIFIED',
      `the builder of '${shownDerivation(store, job)}' wrote to its input '${formatStorePath(store.storeDirectory, path)}'`,
      {
        derivation: job.path,
        hint: 'repair the store with: baryon store verify --check-contents --repair',
      },
    )
  }
}
