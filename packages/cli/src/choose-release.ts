/** Version and platform of the release that is meant, by the rules and with the exit statuses of lb-run. */
import {
  comparePlatforms,
  detectHost,
  formatPlatform,
  formatReleaseName,
  type Host,
  meansVersion,
  type Platform,
  parsePlatform,
  parseReleaseOperand,
  whyNot,
} from '@baryon/environment'
import { UserError } from '@baryon/format'
import type { PlacedRelease } from './release-places.ts'
import { releaseStatus, StatusError } from './status-error.ts'
import { suggest } from './suggestion.ts'

/** Those that `NAME[/VERSION]` means; `latest` and `prod` are words for no version. */
export function matchingVersions(releases: readonly PlacedRelease[], text: string): readonly PlacedRelease[] {
  const { version } = parseReleaseOperand(text)
  if (version === undefined || version === 'latest' || version === 'prod') return releases
  return releases.filter((one) => one.isPinned || meansVersion(version, one.version))
}

/** Throws StatusError 64 when there is no such version. */
export function chooseVersion(releases: readonly PlacedRelease[], text: string): PlacedRelease {
  const [found] = matchingVersions(releases, text)
  if (found !== undefined) return found
  const { name, version } = parseReleaseOperand(text)
  const versions = [...new Set(releases.map((one) => one.version))]
  const near = suggest(version ?? '', versions)
  throw new StatusError(releaseStatus.notFound, 'VERSION_UNKNOWN', `cannot find project ${name} ${version}`, {
    hint: near.length > 0 ? `did you mean ${near.join(' or ')}?` : `there is ${versions.slice(0, 8).join(', ')}`,
  })
}

export interface TaggedPlatform {
  readonly tag: string
  /** What the tag says; undefined: it is none. */
  readonly platform: Platform | undefined
  /** It needs the system of its tag; else it brings all that it needs. */
  readonly needsSystem?: boolean
}

/** The tags of a release, best first. What is no tag comes last. */
export function orderedTags({ platforms }: Pick<PlacedRelease, 'platforms'>): string[] {
  return bestFirst([...platforms.keys()].map(tagged)).map(({ tag }) => tag)
}

/** The best that this machine can run; if it can run none, only why not, a line for each. */
export function bestPlatform(candidates: readonly TaggedPlatform[]): {
  readonly tag?: string
  readonly reasons: string
} {
  const host = detectHost()
  const ordered = bestFirst(candidates)
  const best = ordered.find((one) => reasonAgainst(host, one) === undefined)
  if (best !== undefined) return { tag: best.tag, reasons: '' }
  return { reasons: ordered.map((one) => `${one.tag}: ${reasonAgainst(host, one)}`).join('\n') }
}

/** The same of the platforms of a stack. Throws `PLATFORM_UNSUPPORTED` with what is against each. */
export function bestOfStack(tags: readonly string[]): string {
  const { tag, reasons } = bestPlatform(tags.map((one) => ({ tag: one, platform: parsePlatform(one) })))
  if (tag !== undefined) return tag
  throw new UserError('PLATFORM_UNSUPPORTED', 'current host does not support any of the platforms of the stack', {
    hint: reasons === '' ? 'the stack does not say for which it is' : reasons,
  })
}

function bestFirst(candidates: readonly TaggedPlatform[]): TaggedPlatform[] {
  return candidates.toSorted((a, b) =>
    a.platform === undefined || b.platform === undefined
      ? Number(a.platform === undefined) - Number(b.platform === undefined)
      : comparePlatforms(b.platform, a.platform),
  )
}

function reasonAgainst(host: Host, { platform, needsSystem = false }: TaggedPlatform): string | undefined {
  return platform === undefined ? 'it is no platform tag' : whyNot(host, platform, { sealed: !needsSystem })
}

export interface PlatformWish {
  /** `best`, or a tag in any case. */
  readonly tag: string
  /** Run also what this machine does not support. */
  readonly isForced: boolean
  readonly warn: (message: string) => void
}

/** Throws StatusError 64 when the release has nothing for the platform or for this machine, 66 when the machine cannot run it. */
export function choosePlatform(release: PlacedRelease, wish: PlatformWish): string {
  const name = `${release.name} ${release.version}`
  const tags = orderedTags(release)
  const candidate = (tag: string) => ({ ...tagged(tag), needsSystem: release.needSystem?.has(tag) ?? false })
  if (wish.tag === 'best') {
    const best = bestPlatform(tags.map(candidate))
    if (best.tag !== undefined) return best.tag
    throw new StatusError(
      releaseStatus.notFound,
      'PLATFORM_UNSUPPORTED',
      `current host does not support any of ${formatReleaseName(release)} available platforms`,
      { hint: best.reasons },
    )
  }
  const tag = formatPlatform(parsePlatform(wish.tag))
  if (!release.platforms.has(tag)) {
    const near = suggest(tag, tags)
    throw new StatusError(
      releaseStatus.notFound,
      'PLATFORM_UNKNOWN',
      `cannot find project ${name} for ${tag} in ${release.directory}`,
      { hint: near.length > 0 ? `did you mean ${near.join(' or ')}?` : `there is ${tags.join(', ')}` },
    )
  }
  const reason = reasonAgainst(detectHost(), candidate(tag))
  if (reason === undefined) return tag
  const message = `current host does not support platform ${tag} (${reason})`
  if (!wish.isForced) {
    throw new StatusError(releaseStatus.unsupported, 'PLATFORM_UNSUPPORTED', message, {
      hint: 'choose another with -c best, or --force-platform',
    })
  }
  wish.warn(message)
  return tag
}

function tagged(tag: string): TaggedPlatform {
  return { tag, platform: /^[a-z0-9_.+]+(-[a-z0-9_.+]+){3}$/.test(tag) ? parsePlatform(tag) : undefined }
}
