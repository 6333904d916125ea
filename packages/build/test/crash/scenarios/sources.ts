import { readFileSync } from 'node:fs'
import { openSourceArchive } from '@baryon/fetch'
import { hashBytes, type StorePath } from '@baryon/format'
import type { Store } from '@baryon/store'
import type { Place, Scenario } from '../scenario.ts'
import { ofTheTest, withScratch, writeTreeOf } from './scratch.ts'

export const sources: Scenario = { name: 'sources', run: archiveSources, check: checkSources }

function archiveSources(_store: Store, place: Place, seed: number): StorePath[] {
  const archive = openSourceArchive(sourceDirectory(place))
  withScratch(place, (scratch) => {
    writeTreeOf(seed, `${scratch}/tree`)
    const hash = hashBytes(
      'sha512',
      ofTheTest(() => readFileSync(`${scratch}/tree/file`)),
    )
    const sources = [
      archive.put(`${scratch}/tree/file`, { name: `file-${seed}`, hash, origin: 'https://example.org/file' }),
      archive.putTree(`${scratch}/tree`, { name: `tree-${seed}` }),
    ]
    for (const source of sources)
      if (archive.get(source.hash, { verify: true }) === undefined) throw new Error(`'${source.name}' is not there`)
    if (archive.get(hash) === undefined) throw new Error(`'file-${seed}' is not found by its SHA-512`)
  })
  return []
}

export function checkSources(place: Place): void {
  const broken = openSourceArchive(sourceDirectory(place)).verify()
  if (broken.length > 0) throw new Error(`broken sources: ${broken.map(({ name }) => name).join(' ')}`)
}

/** Where `realise` has the source archive of the store. */
function sourceDirectory(place: Place): string {
  return `${place.root}/source`
}
