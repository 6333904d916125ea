/** Candidates that depend on a stack or a store: attributes, platforms, store paths, releases. */

import { formatReleaseName, listReleases } from '@baryon/environment'
import type { Command, Context, DynamicCompletion } from './command.ts'
import { parseArguments } from './parse-arguments.ts'
import { resolveSettings } from './settings.ts'
import { createTerminal } from './terminal.ts'

export async function listCandidates(
  kind: DynamicCompletion,
  command: Command,
  words: readonly string[],
): Promise<readonly (readonly [word: string, description?: string])[]> {
  const context = contextOf(command, words)
  if (kind === 'store-path') return storePaths(context)
  if (kind === 'release') return releases(context)
  if (kind === 'global-tool') return globalTools(context)
  const { stackPackages, stackPlatforms } = await import('./stack-packages.ts')
  const { stackSettings } = await import('./stack-evaluation.ts')
  const settings = await stackSettings(context)
  if (kind === 'new-release') {
    const { describedReleases } = await import('./release-description.ts')
    return describedReleases(settings).map((name) => [formatReleaseName(name)])
  }
  if (kind === 'platform') return (await stackPlatforms(context, settings)).map((tag) => [tag])
  const { findProject } = await import('./project/project-file.ts')
  if (kind === 'project-package') return (findProject(settings)?.packages ?? []).map((name) => [name])
  const tasks = kind === 'runnable' ? Object.entries(findProject(settings)?.tasks ?? {}) : []
  const known = kind === 'runnable' ? await releases(context).catch(() => []) : []
  const packages = await stackPackages(context, settings, undefined)
  return [
    ...tasks.map(([name, { description }]) => [name, description || 'a task of the project'] as const),
    ...known,
    ...packages.map(({ attribute, description }) => [attribute, description] as const),
  ]
}

async function storePaths(context: Context): Promise<readonly (readonly [string])[]> {
  const { openStore } = await import('@baryon/store')
  const { storeDirectory, root } = await context.settings({ needsStack: true })
  const store = openStore({ storeDirectory, root, readOnly: true })
  try {
    return store.allValidPaths().map((path) => [store.format(path)])
  } finally {
    store.close()
  }
}

async function globalTools(context: Context): Promise<readonly (readonly [word: string, description: string])[]> {
  const { listTools, registryOf } = await import('./global/registry.ts')
  return listTools(registryOf(await context.settings())).map(({ name, version }) => [name, version])
}

async function releases(context: Context): Promise<readonly (readonly [string])[]> {
  const { openStore } = await import('@baryon/store')
  const { storeDirectory, root } = await context.settings({ needsStack: true })
  const store = openStore({ storeDirectory, root, readOnly: true })
  try {
    return listReleases(store).map((release) => [formatReleaseName(release)])
  } finally {
    store.close()
  }
}

/** A context good enough to evaluate with: what was typed so far, if it can be understood, else the defaults. */
function contextOf(command: Command, words: readonly string[]): Context {
  const lenient = { ...command, operands: { ...command.operands, least: 0 } }
  const stackWords = words.flatMap((word, index) =>
    word === '-f' || word === '--file' ? [word, words[index + 1] ?? '.'] : [],
  )
  const given = parseArguments(lenient, stackWords)
  return {
    command,
    arguments: given,
    terminal: { ...createTerminal(), err: () => {} },
    json: false,
    verbose: false,
    signal: new AbortController().signal,
    settings: (request) =>
      resolveSettings(
        { root: undefined, storeDirectory: undefined, environment: process.env, currentDirectory: process.cwd() },
        request,
      ),
  }
}
