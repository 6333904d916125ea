/**
 * What one of several users does, in a process of that user: `neighbour-worker.ts ACTION ROOT …`, prints JSON.
 *
 *     build ROOT NEIGHBOURS    builds `top` with these neighbours; prints what was built and copied, and the text of `top`
 *     sign ROOT SECRET-KEY     signs all paths
 *     forge ROOT               has other contents in the place of every output, and a database that agrees with them
 *     attack ROOT SECONDS      tries all the time to open anything below ROOT for writing; prints what could be opened
 */
import { chmodSync, closeSync, constants, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import {
  formatHash,
  hashBytes,
  parsePublicKey,
  parseSecretKey,
  pathFingerprint,
  type StorePath,
  sign,
} from '@baryon/format'
import { hashPath, openStore, type Store } from '@baryon/store'
import { openNeighbour, realise } from '../index.ts'
import { makeDerivation, outputText } from './make-derivation.ts'

const storeDirectory = '/cvmfs/build.test/nix/store'
const [action = '', root = '', word = ''] = process.argv.slice(2)
const actions: Readonly<Record<string, () => unknown>> = {
  build: () => withStore((store) => build(store)),
  sign: () => withStore(signAll),
  forge: () => withStore(forge),
  attack,
}
console.log(JSON.stringify(await actions[action]!()))

async function withStore<T>(work: (store: Store) => T): Promise<Awaited<T>> {
  const store = openStore({ storeDirectory, root })
  try {
    return await work(store)
  } finally {
    store.close()
  }
}

/** An ordinary output, one with a fixed hash, and one that uses both and leaves its files open to everybody. */
function derivations(store: Store): readonly StorePath[] {
  const dependency = makeDerivation(store, { name: 'dependency', script: 'echo honest > $out' })
  const fixed = makeDerivation(store, {
    name: 'fixed',
    script: 'echo fixed > $out',
    fixed: { algorithm: 'sha256', hash: formatHash(hashBytes('sha256', 'fixed\n'), 'base16', false) },
  })
  const [first, second] = [dependency, fixed].map((path) => outputText(store, path))
  const top = makeDerivation(store, {
    name: 'top',
    script: `umask 000; mkdir $out; cat ${first} ${second} > $out/text; i=0; while [ $i -lt 300 ]; do echo $i > $out/$i; i=$((i+1)); done; chmod 666 $out/*`,
    inputs: [[dependency], [fixed]],
  })
  return [top, fixed, dependency]
}

async function build(store: Store) {
  const neighbours = (JSON.parse(word || '[]') as { root: string; keys?: string[]; owners?: number[] }[]).map(
    ({ root: other, keys = [], owners = [] }) =>
      openNeighbour({ storeDirectory, root: other, keys: keys.map(parsePublicKey), owners }),
  )
  const [top] = derivations(store) as [StorePath]
  const notices: string[] = []
  // An archive that is shared would give the fixed output before anybody is asked.
  const report = await realise(store, [{ derivation: top, outputs: 'all' }], {
    substituters: neighbours,
    onEvent: (event) => {
      if (event.kind === 'failed') notices.push(event.error.message)
    },
  })
  for (const neighbour of neighbours) neighbour.close()
  const names = (paths: readonly StorePath[]) => paths.map(({ name }) => name.replace(/\.drv$/, '')).sort()
  return {
    built: names([...report.built, ...report.fetched]),
    copied: names(report.substituted),
    text: readFileSync(join(store.physicalPath(store.parse(outputText(store, top))), 'text'), 'utf8'),
    problems: store.verify({ checkContents: true }).problems,
    notices,
  }
}

function signAll(store: Store): number {
  const key = parseSecretKey(word)
  const infos = store.allValidPaths().map((path) => store.pathInfo(path))
  store.registerValidPaths(
    infos.map((info) => ({ ...info, signatures: [sign(key, pathFingerprint(storeDirectory, info))] })),
  )
  return infos.length
}

/** As its owner can: files, database and all. Content addresses and signatures stay what they were. */
function forge(store: Store): number {
  const outputs = derivations(store).map((path) => store.parse(outputText(store, path)))
  const database = new DatabaseSync(join(store.stateDirectory, 'db/db.sqlite'))
  for (const path of outputs) {
    const place = store.physicalPath(path)
    const file = path.name === 'top' ? `${place}/text` : place
    chmodSync(file, 0o644)
    writeFileSync(file, 'forged\n')
    chmodSync(file, 0o444)
    const { hash, size } = hashPath(place)
    database
      .prepare('update ValidPaths set hash = ?, narSize = ? where path = ?')
      .run(formatHash(hash, 'base16'), size, store.format(path))
  }
  database.close()
  return outputs.length
}

function attack(): { readonly tries: number; readonly opened: readonly string[] } {
  const end = Date.now() + Number(word) * 1000
  const opened = new Set<string>()
  let tries = 0
  const visit = (path: string) => {
    let names: string[] = []
    try {
      names = readdirSync(path)
    } catch {
      // A file, or closed to us, or gone.
    }
    for (const name of names) visit(`${path}/${name}`)
    tries++
    try {
      closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK))
      opened.add(path)
    } catch {
      // As it should be.
    }
  }
  while (Date.now() < end) visit(root)
  return { tries, opened: [...opened] }
}
