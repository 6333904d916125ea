/**
 * Answers of former evaluations on disk: one JSON file per request, with everything that the evaluation asked of the
 * world. A file is written aside and renamed; one that cannot be read or does not fit is as if it were not there.
 * Loads nothing of the language.
 */
import { hash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Dependencies, dependenciesHold } from './dependencies.ts'
import { fingerprintOf } from './fingerprint.ts'
import { keepFile } from './keep-file.ts'
import { removeOld } from './remove-old.ts'
import {
  DEFAULT_SETTINGS,
  type EvaluationRequest,
  type EvaluationResult,
  type FoundDerivation,
  storeDirectoryOf,
} from './request.ts'
import { shortHash } from './short-hash.ts'

/** What a request depends on before anything is looked at. */
export function answerKey(request: EvaluationRequest, workingDirectory: string): string {
  const { source, store } = request
  return JSON.stringify([
    FORM,
    codeFingerprint(),
    source,
    workingDirectory,
    request.attributePaths ?? [],
    Object.entries(request.arguments ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)),
    request.searchPath ?? [],
    request.output,
    request.strict ?? false,
    request.locations ?? true,
    request.meta ?? false,
    store.kind,
    storeDirectoryOf(store),
    store.kind === 'none' ? null : [store.options.root, store.options.physicalDirectory, store.options.stateDirectory],
    { ...DEFAULT_SETTINGS, ...request.settings },
  ])
}

/** The answer, if everything it depends on is as it was. */
export function findAnswer(
  directory: string,
  key: string,
  environment: Readonly<NodeJS.ProcessEnv>,
): EvaluationResult | undefined {
  const answer = readAnswer(fileOf(directory, key))
  if (answer === undefined || answer.key !== key || !dependenciesHold(answer.dependencies, environment))
    return undefined
  return { texts: answer.texts, derivations: answer.derivations, fromCache: true, dependencies: answer.dependencies }
}

/** Keeps an answer. Failures (no space, no permission) are no errors: the next evaluation just runs again. */
export function keepAnswer(directory: string, key: string, result: EvaluationResult, dependencies: Dependencies): void {
  const answer: Answer = { key, dependencies, texts: result.texts, derivations: result.derivations }
  // Now and then is enough.
  if (keepFile(fileOf(directory, key), [JSON.stringify(answer)]) && Math.random() < 0.02) removeOld(directory)
}

const FORM = 1

interface Answer {
  readonly key: string
  readonly dependencies: Dependencies
  readonly texts: readonly string[]
  readonly derivations: readonly FoundDerivation[]
}

function fileOf(directory: string, key: string): string {
  return `${directory}/${shortHash(key)}.json`
}

function readAnswer(file: string): Answer | undefined {
  try {
    const answer: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return isAnswer(answer) ? answer : undefined
  } catch {
    return undefined
  }
}

function isAnswer(value: unknown): value is Answer {
  if (!isRecord(value) || typeof value.key !== 'string' || !isRecord(value.dependencies)) return false
  const { files, types, links, directories, environment, present } = value.dependencies
  return (
    [files, types, links, directories, environment, present].every(isRecord) &&
    Array.isArray(value.texts) &&
    Array.isArray(value.derivations)
  )
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The name of the pack that this is a part of; scripts/pack.ts writes it here. */
declare const PACK: string | undefined

/**
 * Another evaluator may answer differently. It is known by the states of its files, which the name of a pack is made
 * from; there is no version number that a change could forget to raise.
 */
function codeFingerprint(): string {
  if (typeof PACK === 'string') return PACK
  const own = fileURLToPath(new URL('./', import.meta.url))
  const parts: string[] = []
  for (const folder of CODE_FOLDERS) {
    const directory = `${own}${folder}`
    try {
      for (const name of readdirSync(directory)) {
        const stat = statSync(`${directory}${name}`)
        if (stat.isFile()) parts.push(name, fingerprintOf(stat))
      }
    } catch {
      parts.push(folder)
    }
  }
  return hash('sha256', parts.join('\n'), 'base64url')
}

const CODE_FOLDERS = [
  '',
  'memory/',
  '../../language/src/',
  '../../language/src/builtins/',
  '../../format/src/',
  '../../store/src/',
]
