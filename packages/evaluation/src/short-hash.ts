import { textHash } from '@baryon/format'

/**
 * 64 bits of a text, in hex, by multiplication: for names of what holds the whole text as well. To load node:crypto for it
 * takes as long as the rest of a small evaluation.
 */
export function shortHash(text: string): string {
  return hex(textHash(text, 0x811c9dc5)) + hex(textHash(text, 0x9dc5811c))
}

function hex(half: number): string {
  return (half >>> 0).toString(16).padStart(8, '0')
}
