/**
 * The process-wide symbol table: each distinct attribute or variable name has one small integer. Attribute sets keep
 * their keys sorted by this number, so ids never change while the process lives.
 *
 * A table of our own, because a `Map` of V8 enters each new string in V8's own table of strings first, by a call out of
 * compiled code: for computed names it takes up to twice as long, for those of a file a quarter more.
 */
import { textHash } from '@baryon/format'

const texts: string[] = []
/** Open addressing: at twice the place the hash of a name, behind it its id and one; 0 where there is none. */
let table = new Int32Array(2 * 4096)
let places = table.length / 2

/** The id of a name (bytes); the same text always gives the same id. */
export function intern(text: string): number {
  const hash = hashOf(text)
  const at = find(text, hash)
  const known = table[at + 1]!
  if (known !== 0) return known - 1
  texts.push(text)
  enter(at, hash, texts.length)
  return texts.length - 1
}

/** The id of a name if it was ever interned: an unknown name cannot be a key of any set. */
export function findSymbol(text: string): number | undefined {
  const known = table[find(text, hashOf(text)) + 1]!
  return known === 0 ? undefined : known - 1
}

/** The name behind an id. */
export function symbolText(id: number): string {
  return texts[id]!
}

/** Of all characters: names may be long texts that differ in one place. */
function hashOf(text: string): number {
  return textHash(text, 0)
}

/** Where the name is, or would be. */
function find(text: string, hash: number): number {
  const mask = places - 1
  let place = hash & mask
  for (;;) {
    const at = 2 * place
    const known = table[at + 1]!
    if (known === 0 || (table[at] === hash && texts[known - 1] === text)) return at
    place = (place + 1) & mask
  }
}

function enter(at: number, hash: number, idAndOne: number): void {
  table[at] = hash
  table[at + 1] = idAndOne
  if (2 * idAndOne > places) grow()
}

function grow(): void {
  const former = table
  table = new Int32Array(2 * former.length)
  places *= 2
  const mask = places - 1
  for (let i = 0; i < former.length; i += 2) {
    if (former[i + 1] === 0) continue
    let place = former[i]! & mask
    while (table[2 * place + 1] !== 0) place = (place + 1) & mask
    table[2 * place] = former[i]!
    table[2 * place + 1] = former[i + 1]!
  }
}
