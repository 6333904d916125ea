/**
 * The little of ELF that tells which files a program loads: the interpreter and the names of needed libraries.
 * 64-bit little-endian only, which is what the hosts are. Gives undefined for anything else.
 */
export function dynamicNeeds(
  file: Buffer,
): { readonly interpreter: string | undefined; readonly libraries: readonly string[] } | undefined {
  if (file.length < 64 || file.readUInt32BE(0) !== 0x7f454c46 || file[4] !== 2 || file[5] !== 1) return undefined
  const headers = Number(file.readBigUInt64LE(32))
  const size = file.readUInt16LE(54)
  const segments: { type: number; offset: number; address: number; size: number }[] = []
  for (let index = 0; index < file.readUInt16LE(56); index++) {
    const at = headers + index * size
    if (at + 56 > file.length) return undefined
    const field = (offset: number) => Number(file.readBigUInt64LE(at + offset))
    segments.push({ type: file.readUInt32LE(at), offset: field(8), address: field(16), size: field(32) })
  }
  const interpreterSegment = segments.find(({ type }) => type === PT_INTERP)
  const interpreter = interpreterSegment && textAt(file, interpreterSegment.offset)
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC)
  if (dynamic === undefined) return { interpreter, libraries: [] }
  const names: number[] = []
  let strings = 0
  for (let at = dynamic.offset; at + 16 <= Math.min(file.length, dynamic.offset + dynamic.size); at += 16) {
    const tag = file.readBigUInt64LE(at)
    if (tag === DT_NULL) break
    const value = Number(file.readBigUInt64LE(at + 8))
    if (tag === DT_NEEDED) names.push(value)
    else if (tag === DT_STRTAB) strings = value
  }
  const segment = segments.find(
    ({ type, address, size: length }) => type === PT_LOAD && strings >= address && strings < address + length,
  )
  if (segment === undefined) return names.length === 0 ? { interpreter, libraries: [] } : undefined
  const table = strings - segment.address + segment.offset
  return { interpreter, libraries: names.map((name) => textAt(file, table + name)) }
}

function textAt(file: Buffer, offset: number): string {
  return file.toString('latin1', offset, Math.max(offset, file.indexOf(0, offset)))
}

const PT_LOAD = 1
const PT_DYNAMIC = 2
const PT_INTERP = 3
const DT_NULL = 0n
const DT_NEEDED = 1n
const DT_STRTAB = 5n
