import { lstatSync, readlinkSync } from 'node:fs'
import { hashBytesBase16 } from '@baryon/format'
import type { FileType } from '@baryon/language'
import { type DependencyRecorder, directoryDigest, listDirectory, native } from './dependencies.ts'
import { fingerprintOf, isJustChanged } from './fingerprint.ts'

export interface TreeSurvey {
  /** Changes when the hash of the tree may; undefined when something changed so lately that this cannot be told. */
  readonly fingerprint: string | undefined
  /** Paths that the filter took, by their physical path; undefined when there was no filter. */
  readonly accepted: ReadonlySet<string> | undefined
}

/**
 * Looks at every file of a tree without reading it: asks the filter once about each entry, records dependencies, and
 * makes a fingerprint under which the hash of the tree can be remembered. Paths are byte strings.
 */
export function surveyTree(
  logical: string,
  physical: string,
  filter: ((path: string, type: FileType) => boolean) | undefined,
  recorder: DependencyRecorder | undefined,
): TreeSurvey {
  const accepted = filter === undefined ? undefined : new Set<string>()
  const lines: string[] = []
  let justChanged = false

  const visit = (inside: string): void => {
    const place = physical + inside
    const stat = lstatSync(native(place))
    if (stat.isSymbolicLink()) {
      const target = readlinkSync(native(place), 'latin1')
      recorder?.link(place, target)
      lines.push(`l${inside}\0${target}`)
    } else if (stat.isDirectory()) {
      visitDirectory(inside, place)
    } else {
      justChanged ||= isJustChanged(stat)
      recorder?.file(place, fingerprintOf(stat))
      lines.push(`f${inside}\0${fingerprintOf(stat)}`)
    }
  }

  const visitDirectory = (inside: string, place: string): void => {
    const entries = listDirectory(native(place))
    recorder?.directory(place, directoryDigest(entries))
    lines.push(`d${inside}`)
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = `${inside}/${entry.name}`
      if (filter !== undefined) {
        if (!filter(logical + path, entry.type)) continue
        accepted?.add(physical + path)
      }
      visit(path)
    }
  }

  visit('')
  if (justChanged) recorder?.giveUp(`a file below '${logical}' was written just now`)
  const digest = hashBytesBase16('sha256', lines.join('\n'))
  return { fingerprint: justChanged ? undefined : digest, accepted }
}
