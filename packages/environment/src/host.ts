/** What this machine is, in the words of platform tags, and which tags it can run. */
import { readFileSync } from 'node:fs'
import { machine } from 'node:os'
import { bestMicroarchitecture, featuresOf, isSuperset, smallestWith } from './microarchitecture.ts'
import type { Platform } from './platform.ts'

export interface Host {
  /** `x86_64`, `aarch64`: what the kernel says. */
  readonly machine: string
  /** Operating system id and version as in a tag: `debian12`, `el9`, `ubuntu2204`; `unknown` when nothing says. */
  readonly system: string
  /** Features of the processor, from `/proc/cpuinfo`. */
  readonly flags: ReadonlySet<string>
  /** The most capable architecture name that fits. */
  readonly architecture: string
}

/** Reads os-release and cpuinfo (of `root`, for tests); `force_host_os` in the environment wins, as in LHCb's tools. */
export function detectHost(environment: NodeJS.ProcessEnv = process.env, root = ''): Host {
  const cpu = readText(`${root}/proc/cpuinfo`)
  const flags = new Set(/^(?:flags|Features)\s*:\s*(.*)$/m.exec(cpu)?.[1]?.trim().split(/\s+/) ?? [])
  const name = machine()
  return {
    machine: name,
    system: environment.force_host_os || systemId(root),
    flags,
    architecture: name === 'x86_64' ? bestMicroarchitecture(flags) : name,
  }
}

/** Why the host cannot run the tag, or undefined when it can. */
export function whyNot(
  host: Host,
  platform: Platform,
  options: { readonly sealed?: boolean } = {},
): string | undefined {
  const needed = neededFeatures(platform)
  if (needed === undefined) {
    if (platform.architecture.base !== host.machine && platform.architecture.base !== 'all') {
      return `it needs ${platform.architecture.base}, this machine is ${host.machine}`
    }
  } else if (host.machine !== 'x86_64') {
    return `it needs x86_64, this machine is ${host.machine}`
  } else if (!isSuperset(host.flags, needed)) {
    const missing = [...needed].filter((feature) => !host.flags.has(feature))
    return `the processor lacks ${missing.join(', ')}`
  }
  // A sealed stack carries its C library: the operating system is only where it was built.
  if (options.sealed || runsOn(host.system, platform.system.base)) return undefined
  return `it is for ${platform.system.base}, this machine runs ${host.system}`
}

function neededFeatures(platform: Platform): Set<string> | undefined {
  const base = featuresOf(platform.architecture.base)
  if (base === undefined) return undefined
  const needed = new Set(base)
  for (const extension of platform.architecture.extensions) {
    const smallest = smallestWith(extension)
    for (const feature of smallest === undefined ? [extension] : featuresOf(smallest)!) needed.add(feature)
  }
  // LHCb's convention: its x86_64 builds with compilers since version 6 always assumed SSE 4.2.
  const [, family, version] = /^(gcc|clang)(\d+)/.exec(platform.compiler.base) ?? []
  if (family !== undefined && (Number(version) >= 60 || (Number(version) >= 6 && Number(version) < 30))) {
    needed.add('sse4_2')
  }
  return needed
}

/** Builds for an older system run on a newer one only along this chain; the second list breaks it where it failed. */
const successors: readonly string[] = ['centos8', 'centos7', 'slc6', 'slc5', 'slc4']
const exceptions = new Set(['centos7 slc5', 'centos7 slc4'])

function runsOn(hostSystem: string, system: string): boolean {
  const host = canonicalSystem(hostSystem)
  const wanted = canonicalSystem(system)
  if (host === 'any' || wanted === 'all' || host === wanted) return true
  const from = successors.indexOf(host)
  const to = successors.indexOf(wanted)
  return from >= 0 && to > from && !exceptions.has(`${host} ${wanted}`)
}

function canonicalSystem(system: string): string {
  const [, name, version] = /^([a-z]+)(\d+)$/.exec(system) ?? []
  if (name === undefined) return system
  if (['sl', 'rhel', 'scientific', 'centos', 'slc'].includes(name)) {
    if (version === '7') return 'centos7'
    if (version === '6' || version === '5' || version === '4') return `slc${version}`
  }
  if (['rhel', 'almalinux', 'centos', 'rocky', 'el'].includes(name) && Number(version) >= 9) return `el${version}`
  return system
}

function systemId(root: string): string {
  const release = readText(`${root}/etc/os-release`) || readText(`${root}/usr/lib/os-release`)
  const field = (name: string): string => new RegExp(`^${name}="?([^"\n]*)"?$`, 'm').exec(release)?.[1] ?? ''
  const id = field('ID').split('-')[0]!
  if (id === '') return redhatId(root)
  const enterprise = `${field('ID')} ${field('ID_LIKE')}`
  const major = /rhel|suse/.test(enterprise)
  const version = major ? field('VERSION_ID').split('.')[0]! : field('VERSION_ID').replaceAll('.', '')
  return `${id === 'scientific' ? 'sl' : id}${version}`
}

function redhatId(root: string): string {
  const text = readText(`${root}/etc/redhat-release`)
  const version = /release (\d+)/.exec(text)?.[1]
  if (version === undefined) return 'unknown'
  return `${/CERN/.test(text) ? 'slc' : /Scientific/.test(text) ? 'sl' : 'centos'}${version}`
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // Machines without this file exist (containers, other systems): nothing is known then.
    return ''
  }
}
