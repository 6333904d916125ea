import { formatReleaseName, type ReleaseManifest, showDeclared } from '@baryon/environment'
import type { Context, Outcome } from '../command.ts'
import { formatBytes, formatCount, formatTable } from '../format-quantity.ts'
import { lookUpRelease, releaseFor } from '../release-lookup.ts'
import { openStoreFor } from '../store-operands.ts'

export async function run(context: Context): Promise<Outcome> {
  const given = context.arguments
  const store = await openStoreFor(context, [])
  try {
    const release = lookUpRelease(store, given.operands[0]!)
    const tag = given.value('platform')
    const manifests = (tag === undefined ? [...release.platforms.keys()] : [tag]).map((one) => ({
      path: store.format(release.platforms.get(one) ?? release.index),
      manifest: releaseFor(store, release, one),
    }))
    const { name, version } = release
    return {
      data: {
        name,
        version,
        index: store.format(release.index),
        platforms: manifests.map(({ path, manifest }) => ({ path, ...manifest })),
      },
      text: [
        formatReleaseName(release) + (manifests[0]!.manifest.description && `: ${manifests[0]!.manifest.description}`),
        ...manifests.flatMap(({ path, manifest }) => ['', ...describe(path, manifest)]),
      ].join('\n'),
    }
  } finally {
    store.close()
  }
}

function describe(path: string, manifest: ReleaseManifest): string[] {
  const { platform, program, packages, variables, tasks, closure } = manifest
  const size = closure.reduce((sum, { narSize }) => sum + narSize, 0)
  const indented = (rows: readonly (readonly string[])[]) => formatTable(rows).replace(/^/gm, '    ')
  const section = (title: string, rows: readonly (readonly string[])[]) =>
    rows.length === 0 ? [] : [`  ${title}`, indented(rows)]
  return [
    platform,
    `  ${path}`,
    `  ${formatCount(closure.length, 'path')} in its closure, ${formatBytes(size)}`,
    ...(program === undefined ? [] : [`  runs ${program}`]),
    ...section(
      'packages',
      packages.map(({ attribute, version, paths }) => [attribute, version, paths[0]!]),
    ),
    ...section(
      'variables',
      Object.entries(variables).map(([name, value]) => [name, showDeclared(value)]),
    ),
    ...section('tasks', Object.entries(tasks)),
  ]
}
