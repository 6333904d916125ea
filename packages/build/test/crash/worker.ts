/**
 * Works until it is killed: `worker.ts SCENARIO DIRECTORY FIRST-SEED ORDER`. Says on its standard output
 *
 *     ready                          when everything is loaded; waits for a line on its standard input
 *     begin SEED
 *     done SEED MILLISECONDS BASENAME…   paths that are there to stay
 */
import { readSync, writeSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { storePathBaseName } from '@baryon/format'
import { placeIn, withStore } from './scenario.ts'
import { SCENARIOS } from './scenarios.ts'

const [name = '', directory = '', first = '0', order = '0'] = process.argv.slice(2)
const scenario = await SCENARIOS[name]!()
const place = placeIn(directory)

// Node would write it when the process ends, which this one never does by itself.
flushCompileCache()
say('ready')
readSync(0, Buffer.alloc(1))
for (let index = 0; ; index++) {
  // Two workers in orders 0 and 1 meet at every pair of seeds.
  const seed = Number(first) + (index ^ Number(order))
  say(`begin ${seed}`)
  const begin = performance.now()
  const paths = await withStore(place, (store) => scenario.run(store, place, seed))
  say(`done ${seed} ${Math.ceil(performance.now() - begin)} ${paths.map(storePathBaseName).join(' ')}`)
}

/** At once: what was said must be out before the next step. */
function say(line: string): void {
  writeSync(1, `${line}\n`)
}
