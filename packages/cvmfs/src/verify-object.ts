import { UserError } from '@baryon/format'
import { type ContentHash, contentHashesEqual, formatContentHash } from './content-hash.ts'
import type { WantedObject } from './object-cache.ts'

/** Throws unless the stored bytes have the hash, and the contents the size, that were asked for; `what` names the object. */
export function verifyObject(what: string, wanted: WantedObject, stored: ContentHash, size: number): void {
  if (!contentHashesEqual(stored, wanted.hash)) throw damaged(what, `its hash is ${formatContentHash(stored)}`)
  if (wanted.size !== undefined && size !== wanted.size) {
    throw new UserError('CVMFS_SIZE', `${what} has ${size} bytes unpacked instead of the declared ${wanted.size}`)
  }
}

export function damaged(what: string, problem: string): UserError {
  return new UserError('CVMFS_CORRUPT', `${what} is damaged: ${problem}`, {
    hint: 'use another server; whoever runs this one finds the damage with: baryon repository check',
  })
}

export function tooLarge(what: string, limit: number): UserError {
  return new UserError('CVMFS_SIZE', `${what} unpacks to more than the declared ${limit} bytes`)
}
