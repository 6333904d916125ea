/** Takes an uploaded file into the store: unpacked, verified against its narinfo, registered. */
import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { type Compression, decompress } from '@baryon/fetch'
import { UserError } from '@baryon/format'
import { openStore, type Store, type StoreLocation } from '@baryon/store'
import type { ImportRequest } from './protocol.ts'
import { chunksOf } from './streams.ts'

export interface Importer {
  /** Throws what the store throws: `HASH_MISMATCH`, `SIZE_MISMATCH`, `NAR_INVALID`, `REFERENCE_INVALID`, … */
  import(request: ImportRequest): Promise<null>
}

export function createImporter(location: StoreLocation): Importer {
  const open = createLease(location)
  return {
    import: async ({ file, compression, info }) => {
      const unpacked = compression === 'none' ? file : `${file}.unpacked`
      try {
        if (unpacked !== file) await unpack(file, unpacked, compression as Compression, info.narSize)
        open().addNar(info, pieces(unpacked))
      } finally {
        if (unpacked !== file) rmSync(unpacked, { force: true })
      }
      return null
    },
  }
}

/** Stops as soon as there is more than was promised: a small file can unpack to a full disk. */
async function unpack(from: string, to: string, compression: Compression, size: number): Promise<void> {
  const fd = openSync(to, 'wx', 0o600)
  try {
    let left = size
    for await (const chunk of decompress(chunksOf(from), compression, 'the uploaded file')) {
      left -= chunk.length
      if (left < 0) {
        throw new UserError('SIZE_MISMATCH', `the uploaded file unpacks to more than the ${size} bytes of its narinfo`)
      }
      for (let written = 0; written < chunk.length; ) written += writeSync(fd, chunk, written)
    }
  } finally {
    closeSync(fd)
  }
}

function* pieces(path: string): Generator<Uint8Array> {
  const buffer = Buffer.allocUnsafeSlow(1 << 18)
  const fd = openSync(path, 'r')
  try {
    for (let count = readSync(fd, buffer); count > 0; count = readSync(fd, buffer)) yield buffer.subarray(0, count)
  } finally {
    closeSync(fd)
  }
}

/**
 * What was added stays a temporary root while its store is open: a client uploads references before what refers to them,
 * and a collection must not come between. Each store takes uploads for a while, and is closed a while after that.
 */
function createLease(location: StoreLocation): () => Store {
  let current: { readonly store: Store; readonly until: number } | undefined
  return () => {
    if (current === undefined || Date.now() >= current.until) {
      const { store } = (current = { store: openStore(location), until: Date.now() + LEASE })
      setTimeout(() => store.close(), 2 * LEASE).unref()
    }
    return current.store
  }
}

const LEASE = 30 * 60_000
