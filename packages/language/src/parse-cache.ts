/**
 * Parsed files on disk: the flat form of one file as bytes, and where the evaluator keeps and finds them.
 *
 * Layout (little-endian): magic "BNX1", version of the form, checksum of all that follows, number of nodes (words),
 * root, number of texts, size of the texts; the nodes; the end offset of each text; the texts (bytes, one after the
 * other). Anything that does not check out is `undefined`, and the file is parsed again.
 */
import type { FlatFile } from './flat.ts'

/** Where parsed files are kept. Keys are the path and a fingerprint that changes with the contents. */
export interface ParseCache {
  get(path: string, fingerprint: string): Uint8Array | undefined
  put(path: string, fingerprint: string, encoded: Uint8Array): void
}

export function encodeParsedFile(file: FlatFile): Uint8Array {
  const texts: string[] = []
  let size = 0
  for (let i = 0; i < file.stringCount; i++) {
    const text = file.string(i)
    texts.push(text)
    size += text.length
  }
  const nodeCount = file.nodes.length
  const bytes = new Uint8Array(HEADER_SIZE + 4 * (nodeCount + texts.length) + size)
  const words = new Int32Array(bytes.buffer, 0, HEADER_WORDS + nodeCount + texts.length)
  words.set([MAGIC, FORM_VERSION, 0, nodeCount, file.root, texts.length, size])
  words.set(file.nodes, HEADER_WORDS)
  let end = 0
  let at = HEADER_SIZE + 4 * (nodeCount + texts.length)
  for (let i = 0; i < texts.length; i++) {
    const text = texts[i]!
    end += text.length
    words[HEADER_WORDS + nodeCount + i] = end
    for (let j = 0; j < text.length; j++) bytes[at++] = text.charCodeAt(j)
  }
  words[2] = checksum(bytes)
  return bytes
}

/** The file that was encoded, or undefined when the bytes are not exactly that. Texts are decoded when asked for. */
export function decodeParsedFile(encoded: Uint8Array): FlatFile | undefined {
  if (encoded.length < HEADER_SIZE) return undefined
  // Words must be aligned; a slice of a larger buffer may not be.
  const bytes = encoded.byteOffset % 4 === 0 ? encoded : encoded.slice()
  const header = new Int32Array(bytes.buffer, bytes.byteOffset, HEADER_WORDS)
  const [magic, version, sum, nodeCount, root, stringCount, size] = header
  if (magic !== MAGIC || version !== FORM_VERSION) return undefined
  if (nodeCount! < 0 || stringCount! < 0 || size! < 0 || root! < 0 || root! >= nodeCount!) return undefined
  if (HEADER_SIZE + 4 * (nodeCount! + stringCount!) + size! !== bytes.length) return undefined
  if (checksum(bytes) !== sum) return undefined
  const nodes = new Int32Array(bytes.buffer, bytes.byteOffset + HEADER_SIZE, nodeCount!)
  const ends = new Int32Array(bytes.buffer, bytes.byteOffset + HEADER_SIZE + 4 * nodeCount!, stringCount!)
  const textAt = HEADER_SIZE + 4 * (nodeCount! + stringCount!)
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset + textAt, size!)
  const strings: (string | undefined)[] = new Array(stringCount!)
  // As a whole: each part by itself would take a call of the system's decoder.
  let text: string | undefined
  return {
    nodes,
    root: root!,
    stringCount: stringCount!,
    string: (index) => {
      const known = strings[index]
      if (known !== undefined) return known
      text ??= buffer.toString('latin1')
      const part = text.slice(index === 0 ? 0 : ends[index - 1]!, ends[index]!)
      strings[index] = part
      return part
    },
  }
}

/** Changes whenever the flat form or the meaning of a node does. */
const FORM_VERSION = 5
const MAGIC = 0x31584e42
const HEADER_WORDS = 7
const HEADER_SIZE = 4 * HEADER_WORDS
const CHECKSUM_WORDS = 3
const SUMMED_WORDS = 1 << 14
const WORDS_BETWEEN = 8

/**
 * Of what is behind it, against torn or stale data: of each word, and of a large file (64 KB) of each eighth, which what
 * a disk loses, sectors of 128 words, cannot miss. A hash by OpenSSL would be quicker than the sum, and is not worth to be
 * loaded for it: that takes as long as ten times these words.
 */
function checksum(bytes: Uint8Array): number {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2)
  const step = words.length > SUMMED_WORDS ? WORDS_BETWEEN : 1
  let sum = bytes.length
  for (let i = CHECKSUM_WORDS; i < words.length; i += step) sum = Math.imul(sum ^ words[i]!, 0x01000193) ^ (sum >>> 15)
  for (let i = 4 * words.length; i < bytes.length; i++) sum = Math.imul(sum ^ bytes[i]!, 0x01000193) ^ (sum >>> 15)
  return sum
}
