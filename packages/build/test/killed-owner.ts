/** Starts a builder that sleeps, and kills itself: `killed-owner.ts TIER MARK DIRECTORY`. */
import { mkdirSync, mkdtempSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { chooseSandbox, type SandboxChoice } from '../src/sandbox/choose-sandbox.ts'
import { hostShell } from '../src/sandbox/host-shell.ts'

const [tier, mark, directory] = process.argv.slice(2)
const path = mkdtempSync(`${directory}/killed-`)
const work = {
  path,
  build: `${path}/build`,
  store: `${path}/store`,
  temporary: `${path}/tmp`,
  etc: `${path}/etc`,
  root: `${path}/root`,
}
for (const name of Object.values(work)) mkdirSync(name, { recursive: true })
const builder = await chooseSandbox(tier as SandboxChoice).start({
  work,
  storeDirectory: '/cvmfs/sandbox.test/nix/store',
  builder: '/bin/sh',
  args: ['-c', `(setsid sleep ${mark} &); echo started; sleep ${mark}`],
  env: new Map([['PATH', '/bin']]),
  inputs: [],
  usr: undefined,
  hostFiles: hostShell(),
  network: false,
})
builder.output.once('data', () => {
  void delay(100).then(() => process.kill(process.pid, 'SIGKILL'))
})
