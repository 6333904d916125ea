/** One operation, and a look at the store: `operation.ts SCENARIO ROOT ASIDE SEED`. */
import assert from 'node:assert/strict'
import { withStore } from './scenario.ts'
import { SCENARIOS } from './scenarios.ts'

const [name = '', root = '', aside = '', seed] = process.argv.slice(2)
const scenario = await SCENARIOS[name]!()
const place = { root, aside }
const made = await withStore(place, (store) => scenario.run(store, place, Number(seed)))
await withStore(place, (store) => {
  assert.deepEqual(store.verify({ checkContents: true }).problems, [])
  for (const path of made) assert.ok(store.isValid(path), `${path.name} is lost`)
})
scenario.check?.(place)
