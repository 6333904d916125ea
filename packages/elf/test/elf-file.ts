/** Builds small ELF files from scratch, of either class, to be damaged at will. */
export interface ElfSample {
  readonly bits: 32 | 64
  readonly interpreter: string
  /** Strings of the dynamic section in this order; `at` shares an offset into the string table instead. */
  readonly entries: readonly (readonly [tag: number, text: string | { readonly at: number }])[]
  /** Names of dynamic symbols: offsets into the string table. */
  readonly symbols?: readonly number[]
  /** Zero bytes between the strings and the end of their table. */
  readonly reserve?: number
}

export function buildElf(sample: ElfSample): Buffer {
  const wide = sample.bits === 64
  const [headerSize, segmentSize, sectionSize, symbolSize] = wide ? [64, 56, 64, 24] : [52, 32, 40, 16]
  const word = (value: number) => {
    const bytes = Buffer.alloc(wide ? 8 : 4)
    bytes.writeUInt32LE(value)
    return bytes
  }
  const half = (value: number) => Buffer.from([value & 255, value >> 8])
  const long = (value: number) => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32LE(value)
    return bytes
  }
  let strings = '\0'
  const values = sample.entries.map(([, text]) => {
    if (typeof text !== 'string') return text.at
    const offset = strings.length
    strings += `${text}\0`
    return offset
  })
  strings += '\0'.repeat(sample.reserve ?? 0)
  const names = '\0.interp\0.dynstr\0.dynsym\0.dynamic\0.shstrtab\0'
  const interpreterAt = headerSize + 3 * segmentSize
  const stringsAt = interpreterAt + sample.interpreter.length + 1
  const symbolsAt = stringsAt + strings.length
  const symbols = Buffer.concat(
    (sample.symbols ?? [0]).map((name) => Buffer.concat([long(name), Buffer.alloc(symbolSize - 4)])),
  )
  const dynamicAt = symbolsAt + symbols.length
  const tags: readonly (readonly [number, number])[] = [
    ...sample.entries.map(([tag], index) => [tag, values[index]!] as const),
    [5, BASE + stringsAt],
    [10, strings.length],
    [0, 0],
  ]
  const dynamic = Buffer.concat(tags.flatMap(([tag, value]) => [word(tag), word(value)]))
  const namesAt = dynamicAt + dynamic.length
  const sectionsAt = namesAt + names.length
  const segment = (type: number, offset: number, size: number) =>
    wide
      ? Buffer.concat([
          long(type),
          long(4),
          word(offset),
          word(BASE + offset),
          word(0),
          word(size),
          word(size),
          word(1),
        ])
      : Buffer.concat([
          long(type),
          word(offset),
          word(BASE + offset),
          word(0),
          word(size),
          word(size),
          long(4),
          word(1),
        ])
  const section = (name: string, type: number, offset: number, size: number, link: number) =>
    Buffer.concat([
      long(names.indexOf(name)),
      long(type),
      word(0),
      word(0),
      word(offset),
      word(size),
      long(link),
      long(0),
      word(1),
      word(0),
    ])
  return Buffer.concat([
    Buffer.from([0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    half(3),
    half(wide ? 62 : 3),
    long(1),
    word(0),
    word(headerSize),
    word(sectionsAt),
    long(0),
    ...[headerSize, segmentSize, 3, sectionSize, 6, 5].map(half),
    segment(3, interpreterAt, sample.interpreter.length + 1),
    segment(1, 0, namesAt),
    segment(2, dynamicAt, dynamic.length),
    Buffer.from(`${sample.interpreter}\0${strings}`, 'latin1'),
    symbols,
    dynamic,
    Buffer.from(names),
    Buffer.alloc(sectionSize),
    section('.interp', 1, interpreterAt, sample.interpreter.length + 1, 0),
    section('.dynstr', 3, stringsAt, strings.length, 0),
    section('.dynsym', 11, symbolsAt, symbols.length, 2),
    section('.dynamic', 6, dynamicAt, dynamic.length, 2),
    section('.shstrtab', 3, namesAt, names.length, 0),
  ])
}

const BASE = 0x1000
