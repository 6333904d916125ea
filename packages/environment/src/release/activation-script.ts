/** What a release has for each shell: a script to be read by it, and the program `run`. */
import { formatActivation } from '../activation.ts'
import type { Change } from '../change.ts'
import { declaredChanges } from '../declared-variable.ts'
import { quotePosix, type Shell, shellNamed } from '../shell.ts'
import { formatUndoableActivation } from '../undo/undoable-activation.ts'
import type { ReleaseManifest } from './release-manifest.ts'
import { formatReleaseName } from './release-name.ts'

/** To be read with `.` or `source`; `baryon_deactivate` undoes it. */
export function formatActivationScript(shell: Shell, manifest: ReleaseManifest): string {
  return `# ${title(manifest)}\n${formatUndoableActivation(shell, manifest.changes, formatReleaseName(manifest))}`
}

/**
 * `bin/run CMD [ARG]…`: becomes the command, with the variables of the release. Nothing is started and no other file is
 * opened on the way; the shell is any `/bin/sh`.
 */
export function formatRunShim(manifest: ReleaseManifest): string {
  const { program } = manifest
  const none =
    program === undefined
      ? `echo ${quotePosix(`usage: run CMD [ARG]…   (${title(manifest)})`)} >&2; exit 2`
      : `set -- ${quotePosix(program)}`
  return `#!/bin/sh\n# ${title(manifest)}\nif [ $# -eq 0 ]; then ${none}; fi\n${formatActivation(
    shellNamed('sh'),
    manifest.changes,
  )}exec "$@"\n`
}

/**
 * All that activation does: the variables by which programs find out where they are, the declared ones, and what was `found`
 * in the view. Declared parts of lists are outside of those that were found.
 */
export function releaseChanges(
  manifest: Pick<ReleaseManifest, 'name' | 'version' | 'platform' | 'variables' | 'view'>,
  found: readonly Change[],
): Change[] {
  const own = {
    BARYON_RELEASE: formatReleaseName(manifest),
    // What tools of the experiments look for.
    BINARY_TAG: manifest.platform,
    CMTCONFIG: manifest.platform,
  }
  // The place of the view depends on what is in it, so nobody could write it down.
  const declared = declaredChanges(manifest.variables, (text) => text.replaceAll('@view@', manifest.view))
  const values = new Map(Object.entries(own))
  for (const change of declared) if (change.kind === 'set') values.set(change.variable, change.value)
  return [
    ...[...values].map(([variable, value]): Change => ({ kind: 'set', variable, value })),
    ...found,
    ...declared.filter(({ kind }) => kind !== 'set'),
  ]
}

function title(manifest: ReleaseManifest): string {
  return `${formatReleaseName(manifest)} for ${manifest.platform}`
}
