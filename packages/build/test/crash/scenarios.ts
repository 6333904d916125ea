import type { Scenario } from './scenario.ts'

/**
 * What is disturbed: one line for each way of changing a store, or what lies beside it. Loaded when wanted, since a
 * worker that is killed ten thousand times must start fast.
 */
export const SCENARIOS: Readonly<Record<string, () => Promise<Scenario>>> = {
  add: async () => (await import('./scenarios/additions.ts')).add,
  import: async () => (await import('./scenarios/additions.ts')).importNar,
  texts: async () => (await import('./scenarios/additions.ts')).texts,
  register: async () => (await import('./scenarios/additions.ts')).register,
  collect: async () => (await import('./scenarios/collection.ts')).collect,
  optimise: async () => (await import('./scenarios/exchange.ts')).optimise,
  push: async () => (await import('./scenarios/exchange.ts')).push,
  build: async () => (await import('./scenarios/builds.ts')).build,
  fetch: async () => (await import('./scenarios/builds.ts')).fetchFixed,
  substitute: async () => (await import('./scenarios/builds.ts')).substitute,
  sources: async () => (await import('./scenarios/sources.ts')).sources,
}
