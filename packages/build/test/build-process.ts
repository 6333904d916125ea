/** Builds derivations of a store: `build-process.ts ROOT STOREDIR OPTIONS-JSON DERIVATION…`; prints events that matter as JSON lines. */
import { openStore } from '@baryon/store'
import { realise } from '../index.ts'

const [root, storeDirectory, options, ...derivations] = process.argv.slice(2)
const store = openStore({ storeDirectory: storeDirectory!, root })
const say = (value: object) => process.stdout.write(`${JSON.stringify(value)}\n`)
try {
  const report = await realise(
    store,
    derivations.map((text) => ({ derivation: store.parse(text), outputs: 'all' })),
    {
      ...JSON.parse(options!),
      onEvent: (event) => ['started', 'waiting', 'log', 'finished', 'notice'].includes(event.kind) && say(event),
    },
  )
  say({ kind: 'done', built: report.built.length })
} catch (error) {
  const { code, message } = error as { code?: string; message: string }
  say({ kind: 'error', code, message })
  process.exitCode = 1
} finally {
  store.close()
}
