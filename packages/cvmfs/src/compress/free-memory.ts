/**
 * Gives large memory back at once; nobody may use the bytes, or others of the same buffer, any more. The collector of each thread comes for it
 * only after hundreds of megabytes: a publish of 1 GiB took 560 MB instead of what is in work.
 */
export function freeMemory({ buffer }: Uint8Array<ArrayBuffer>): void {
  if (buffer.byteLength >= LARGE) buffer.transfer(0)
}

/** Bytes. */
const LARGE = 256 * 1024
