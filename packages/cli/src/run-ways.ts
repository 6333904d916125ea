/** The ways in which programs of a store can be run on this machine without root, in the order in which they are taken. */
import { lstatSync, readFileSync } from 'node:fs'
import { findProgram, listTiers, type Tier } from '@baryon/environment'
import { mountProblem } from './mount-tier.ts'

export interface RunWay {
  readonly name: 'in place' | 'in a namespace' | 'from a mount' | 'by proot'
  readonly works: boolean
  /** What makes it work, or why it does not. */
  readonly found: string
  readonly advice?: string | undefined
}

export function runWays(storeDirectory: string): readonly RunWay[] {
  const tiers = [...listTiers('auto')].flatMap(({ tier, works }) => (works ? [tier] : []))
  return [inPlace(storeDirectory), inNamespace(tiers), fromMount(), byProot(tiers)]
}

function inPlace(storeDirectory: string): RunWay {
  const name = 'in place'
  const works = lstatSync(storeDirectory, { throwIfNoEntry: false }) !== undefined
  return { name, works, found: `${storeDirectory} ${works ? 'is there' : 'is not on this machine'}` }
}

function inNamespace(tiers: readonly Tier[]): RunWay {
  const name = 'in a namespace'
  const tier = tiers.find(({ kind }) => kind !== 'proot')
  if (tier !== undefined) return { name, works: true, found: tier.kind }
  return { name, works: false, ...whyNoNamespace() }
}

function whyNoNamespace(): Pick<RunWay, 'found' | 'advice'> {
  for (const [setting, forbids, advice] of SETTINGS) {
    if (settingOf(setting) !== forbids) continue
    const key = setting.replaceAll('/', '.')
    return {
      found: `the kernel forbids it: ${key} is ${forbids}`,
      advice: `an administrator allows it with: ${advice}`,
    }
  }
  if (findProgram('unshare') === undefined && findProgram('bwrap') === undefined) {
    return { found: 'neither unshare nor bwrap is installed', advice: 'install util-linux or bubblewrap' }
  }
  return {
    found: 'neither unshare nor bwrap may make one',
    advice: 'a container needs --security-opt seccomp=unconfined, or its administrator bubblewrap with setuid',
  }
}

/** Kernel settings, the value that forbids namespaces of users, and what allows them. */
const SETTINGS = [
  ['user/max_user_namespaces', '0', 'sysctl user.max_user_namespaces=15000'],
  ['kernel/unprivileged_userns_clone', '0', 'sysctl kernel.unprivileged_userns_clone=1'],
  ['kernel/apparmor_restrict_unprivileged_userns', '1', 'sysctl kernel.apparmor_restrict_unprivileged_userns=0'],
] as const

function fromMount(): RunWay {
  const name = 'from a mount'
  const problem = mountProblem()
  return problem === undefined
    ? { name, works: true, found: 'a CVMFS repository can be mounted through /dev/fuse' }
    : { name, works: false, found: problem.message, advice: problem.hint }
}

function byProot(tiers: readonly Tier[]): RunWay {
  const name = 'by proot'
  const tier = tiers.find(({ kind }) => kind === 'proot')
  if (tier !== undefined) return { name, works: true, found: tier.command[0]! }
  const isInstalled = findProgram('proot') !== undefined
  return { name, works: false, found: isInstalled ? 'proot may not trace here' : 'proot is not installed' }
}

function settingOf(setting: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${setting}`, 'latin1').trim()
  } catch {
    // Kernels without that setting exist.
    return undefined
  }
}
