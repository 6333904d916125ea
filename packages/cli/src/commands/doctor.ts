import { existsSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { chooseSandbox } from '@baryon/build'
import { detectHost, findProgram } from '@baryon/environment'
import { UserError } from '@baryon/format'
import type { Context, Outcome } from '../command.ts'
import { formatBytes } from '../format-quantity.ts'
import { type RunWay, runWays } from '../run-ways.ts'

interface Check {
  readonly name: string
  readonly state: 'good' | 'poor' | 'bad'
  readonly found: string
  readonly advice?: string
}

export async function run(context: Context): Promise<Outcome> {
  const settings = await context.settings({ needsStack: true })
  const ways = runWays(settings.storeDirectory)
  const checks: Check[] = [node(), sandbox(), ...runChecks(ways), disk(settings.root), packages(), git()]
  const host = detectHost()
  const paint = context.terminal.outPaint
  const mark = { good: paint.green('ok  '), poor: paint.yellow('note'), bad: paint.red('bad ') }
  return {
    data: {
      machine: host.machine,
      system: host.system,
      architecture: host.architecture,
      ...settings,
      checks,
      run: ways,
    },
    text: [
      `machine  ${host.architecture} (${host.system})`,
      `store    ${settings.storeDirectory}`,
      `root     ${settings.root}`,
      '',
      ...checks.flatMap(({ name, state, found, advice }) => [
        `${mark[state]} ${name}: ${found}`,
        ...(advice === undefined ? [] : [`     ${advice}`]),
      ]),
    ].join('\n'),
    status: checks.some(({ state }) => state === 'bad') ? 1 : 0,
  }
}

function node(): Check {
  const major = Number(process.versions.node.split('.')[0])
  return major >= 24
    ? { name: 'Node', state: 'good', found: process.versions.node }
    : {
        name: 'Node',
        state: 'bad',
        found: process.versions.node,
        advice: 'run npm run setup in the clone: it installs the pinned one',
      }
}

function sandbox(): Check {
  try {
    const { tier } = chooseSandbox('auto')
    if (tier === 'proot') {
      return {
        name: 'sandbox',
        state: 'poor',
        found: 'proot',
        advice: 'no user namespaces: builds are 2 to 4 times slower, and the network is not cut off',
      }
    }
    return { name: 'sandbox', state: 'good', found: tier }
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return {
      name: 'sandbox',
      state: 'bad',
      found: error.message,
      ...(error.hint === undefined ? {} : { advice: error.hint }),
    }
  }
}

/** That one of the ways is missing matters only to who has no other. */
function runChecks(ways: readonly RunWay[]): Check[] {
  const none = ways.every(({ works }) => !works)
  const chosen = ways.find(({ works }) => works)
  return ways.map((way) => ({
    name: `run ${way.name}`,
    state: way.works ? 'good' : none ? 'bad' : 'poor',
    found: way === chosen ? `${way.found} (this is used)` : way.found,
    ...(way.works || way.advice === undefined ? {} : { advice: way.advice }),
  }))
}

function disk(root: string): Check {
  let place = root
  while (!existsSync(place)) place = dirname(place)
  const { bavail, bsize } = statfsSync(place)
  const free = bavail * bsize
  const found = `${formatBytes(free)} free at ${place}`
  if (free < 1e9)
    return { name: 'disk', state: 'bad', found, advice: 'a toolchain needs 1 GB; choose another place with --root' }
  return free < 5e9
    ? { name: 'disk', state: 'poor', found, advice: 'enough for one stack' }
    : { name: 'disk', state: 'good', found }
}

function packages(): Check {
  if (process.env.BARYON_DEB_MIRRORS) return { name: 'package archive', state: 'good', found: 'BARYON_DEB_MIRRORS' }
  if (existsSync('/etc/apt/sources.list') || existsSync('/etc/apt/sources.list.d')) {
    return { name: 'package archive', state: 'good', found: 'the one that apt is configured with' }
  }
  return {
    name: 'package archive',
    state: 'poor',
    found: 'none configured',
    advice: 'set BARYON_DEB_MIRRORS to a Debian archive, or give the source archive of another machine',
  }
}

function git(): Check {
  const found = findProgram('git')
  return found === undefined
    ? { name: 'git', state: 'poor', found: 'not installed', advice: 'only recipes that fetch from git need it' }
    : { name: 'git', state: 'good', found }
}
