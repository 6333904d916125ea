import { UserError } from '@baryon/format'

/** Little-endian reads of a file of either class that never leave it. */
export class ElfBytes {
  readonly bytes: Buffer
  /** True for 64 bits: addresses, offsets and sizes then take 8 bytes. */
  readonly wide: boolean

  constructor(bytes: Uint8Array, wide: boolean) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.wide = wide
  }

  u16(offset: number): number {
    this.check(offset, 2)
    return this.bytes.readUInt16LE(offset)
  }

  u32(offset: number): number {
    this.check(offset, 4)
    return this.bytes.readUInt32LE(offset)
  }

  /**
   * An address, offset or size. Beyond 2^53 it is not exact, which does no harm: kernels have such addresses, but
   * whatever is used as an offset is far smaller or refused.
   */
  word(offset: number): number {
    if (!this.wide) return this.u32(offset)
    this.check(offset, 8)
    return this.bytes.readUInt32LE(offset) + this.bytes.readUInt32LE(offset + 4) * 0x1_0000_0000
  }

  /** The string up to its NUL, which must come before `end` and within `limit` bytes; bytes as a byte string. */
  string(offset: number, end: number, limit: number): string {
    this.check(offset, 0)
    const stop = Math.min(end, this.bytes.length, offset + limit + 1)
    const length = this.bytes.subarray(offset, Math.max(offset, stop)).indexOf(0)
    if (length < 0) throw elfError(`a string has no end within ${Math.max(0, stop - offset)} bytes`, offset)
    return this.bytes.toString('latin1', offset, offset + length)
  }

  /** The first bytes of a string, at most `limit`; nothing where there is no string. */
  prefix(offset: number, end: number, limit: number): string {
    const stop = Math.min(end, this.bytes.length, offset + limit)
    if (!(offset < stop)) return ''
    const length = this.bytes.subarray(offset, stop).indexOf(0)
    return this.bytes.toString('latin1', offset, length < 0 ? stop : offset + length)
  }

  check(offset: number, length: number): void {
    if (offset >= 0 && length >= 0 && offset + length <= this.bytes.length) return
    throw elfError(`${length} bytes are expected behind the end of the file (${this.bytes.length} bytes)`, offset)
  }
}

export function elfError(message: string, offset: number): UserError {
  return new UserError('ELF_INVALID', `malformed ELF file: ${message} (offset ${offset})`)
}
