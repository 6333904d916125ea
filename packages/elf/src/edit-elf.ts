import { UserError } from '@baryon/format'
import { elfError } from './elf-bytes.ts'
import {
  type DynamicEntry,
  type ElfHeaders,
  OTHER_STRING_TAGS,
  readHeaders,
  SECTION,
  SEGMENT,
  TAG,
} from './elf-headers.ts'
import { dynamicString } from './parse-elf.ts'

/** Room for an interpreter (bytes without its NUL), or undefined for a file without one. */
export function interpreterCapacity(bytes: Uint8Array): number | undefined {
  const segment = interpreterSegment(readHeaders(bytes))
  return segment === undefined ? undefined : segment.fileSize - 1
}

/** Writes another dynamic loader into the bytes; what is left of the old one is zeroed. */
export function setInterpreter(bytes: Uint8Array, interpreter: string): void {
  const headers = readHeaders(bytes)
  const segment = interpreterSegment(headers)
  if (segment === undefined) {
    throw new UserError('ELF_NO_INTERPRETER', 'ELF file has no interpreter to replace', {
      hint: 'libraries and static programs have none',
    })
  }
  checkText('interpreter', interpreter)
  if (interpreter === '') throw new UserError('ELF_TEXT_INVALID', 'the interpreter of an ELF file cannot be empty')
  if (interpreter.length >= segment.fileSize) throw doesNotFit('interpreter', interpreter, segment.fileSize - 1)
  const { file } = headers
  file.bytes.fill(0, segment.offset, segment.offset + segment.fileSize)
  file.bytes.write(interpreter, segment.offset, 'latin1')
}

/** Room for a run path (bytes without its NUL), or undefined for a file without one. */
export function runPathCapacity(bytes: Uint8Array): number | undefined {
  const headers = readHeaders(bytes)
  const entry = runPathEntry(headers)
  return entry === undefined ? undefined : capacityOf(headers, entry)
}

/**
 * Writes another run path (colon-separated) into the bytes, into DT_RUNPATH or, when there is only that, DT_RPATH; what is
 * left of the old one is zeroed. An empty one removes the entry.
 */
export function setRunPath(bytes: Uint8Array, runPath: string): void {
  const headers = readHeaders(bytes)
  const entry = runPathEntry(headers)
  if (entry === undefined) {
    if (runPath === '') return
    throw new UserError('ELF_NO_RUN_PATH', 'ELF file has no run path to replace', {
      hint: 'link it with one (-Wl,-rpath,PATH) that is at least as long',
    })
  }
  checkText('run path', runPath)
  const old = dynamicString(headers, entry, Number.MAX_SAFE_INTEGER)
  const start = headers.dynamicStrings!.offset + entry.value
  const capacity = capacityOf(headers, entry)
  if (runPath.length > capacity) throw doesNotFit('run path', runPath, capacity)
  const shared = otherStrings(headers, entry).find(
    (offset) => offset >= entry.value && offset <= entry.value + old.length,
  )
  if (shared !== undefined) {
    throw new UserError('ELF_STRING_SHARED', `the end of the run path '${old}' is used as another string, too`, {
      hint: 'the linker merged them: link again with another run path',
    })
  }
  headers.file.bytes.fill(0, start, start + Math.max(old.length, runPath.length))
  headers.file.bytes.write(runPath, start, 'latin1')
  if (runPath === '') removeEntry(headers, entry)
}

function interpreterSegment({ file, segments }: ElfHeaders) {
  const segment = segments.find(({ type }) => type === SEGMENT.interpreter)
  if (segment === undefined) return undefined
  file.check(segment.offset, segment.fileSize)
  if (segment.fileSize === 0) throw elfError('the interpreter has no bytes', segment.offset)
  return segment
}

/** The entry that the loader obeys: DT_RPATH counts only without DT_RUNPATH. */
function runPathEntry({ dynamic }: ElfHeaders): DynamicEntry | undefined {
  return dynamic.find(({ tag }) => tag === TAG.runPath) ?? dynamic.find(({ tag }) => tag === TAG.rpath)
}

/** The string's length and the zeros behind its end that belong to nobody, as an earlier edit leaves them. */
function capacityOf(headers: ElfHeaders, entry: DynamicEntry): number {
  const { file, dynamicStrings } = headers
  const length = dynamicString(headers, entry, Number.MAX_SAFE_INTEGER).length
  const start = dynamicStrings!.offset + entry.value
  const end = dynamicStrings!.offset + dynamicStrings!.size
  let free = start + length + 1
  const used = new Set(otherStrings(headers, entry))
  while (free < end && file.bytes[free] === 0 && !used.has(free - dynamicStrings!.offset)) free++
  return free - start - 1
}

/** Offsets into the dynamic string table of everything but the entry: linkers let one string be the end of another. */
function otherStrings(headers: ElfHeaders, entry: DynamicEntry): number[] {
  const { file, dynamic, sections, dynamicStrings } = headers
  const offsets = dynamic
    .filter((other) => other.offset !== entry.offset && STRING_TAGS.includes(other.tag))
    .map(({ value }) => value)
  const add = (offset: number): void => {
    // Each use takes four bytes of the file: more of them can only come from tables that overlap on purpose.
    if (offsets.length >= file.bytes.length / 4) throw elfError('it uses more strings than it has room for', offset)
    offsets.push(file.u32(offset))
  }
  if (!sections.some(({ type }) => type === SECTION.dynamicSymbols)) {
    throw new UserError('ELF_UNSUPPORTED', 'ELF file with a dynamic section has no section of dynamic symbols', {
      hint: 'its section headers were removed, so that its strings cannot be edited safely',
    })
  }
  for (const section of sections) {
    if (sections[section.link]?.offset !== dynamicStrings!.offset) continue
    file.check(section.offset, section.type === SECTION.noBits ? 0 : section.size)
    if (section.type === SECTION.dynamicSymbols) {
      const size = file.wide ? 24 : 16
      for (let at = section.offset; at + size <= section.offset + section.size; at += size) add(at)
    } else if (section.type === SECTION.needs) {
      for (const need of chain(headers, section.offset, section.info, 12)) {
        add(need + 4)
        const versions = chain(headers, need + file.u32(need + 8), file.u16(need + 2), 12)
        for (const version of versions) add(version + 8)
      }
    } else if (section.type === SECTION.versions) {
      for (const version of chain(headers, section.offset, section.info, 16)) {
        for (const name of chain(headers, version + file.u32(version + 12), file.u16(version + 6), 4)) add(name)
      }
    }
  }
  return offsets
}

const STRING_TAGS: readonly number[] = [TAG.needed, TAG.soname, TAG.rpath, TAG.runPath, ...OTHER_STRING_TAGS]

/** Offsets of records that each say, at `next`, how far the following one is (0 ends). They only go forward, so it ends. */
function* chain({ file }: ElfHeaders, start: number, count: number, next: number): Generator<number> {
  let at = start
  for (let left = count; left > 0; left--) {
    yield at
    const step = file.u32(at + next)
    if (step === 0) return
    at += step
  }
}

/** Moves the entries behind it up by one; the freed one at the end becomes null. */
function removeEntry({ file, dynamic }: ElfHeaders, entry: DynamicEntry): void {
  const size = file.wide ? 16 : 8
  const last = dynamic.at(-1)!
  file.bytes.copy(file.bytes, entry.offset, entry.offset + size, last.offset + size)
  file.bytes.fill(0, last.offset, last.offset + size)
}

function checkText(what: string, text: string): void {
  const offset = text.search(/[^\x01-\xff]/)
  if (offset < 0) return
  throw new UserError('ELF_TEXT_INVALID', `${what} has an illegal character at offset ${offset}`, {
    hint: 'it is a byte string without NUL',
  })
}

function doesNotFit(what: string, text: string, capacity: number): UserError {
  return new UserError(
    'ELF_DOES_NOT_FIT',
    `${what} '${text}' has ${text.length} bytes, the file has room for ${capacity}`,
    {
      hint: `use a shorter one, or link with a longer ${what} to make room`,
    },
  )
}
