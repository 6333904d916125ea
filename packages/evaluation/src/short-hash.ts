/**
 * 64 bits of a text, in hex, by multiplication: for names of what holds the whole text as well. To load node:crypto for it
 * takes as long as the rest of a small evaluation.
 */
export function shortHash(text: string): string {
  let low = 0x811c9dc5
  let high = 0x9dc5811c
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    low = Math.imul(low ^ unit, 0x01000193)
    high = Math.imul(high ^ unit, 0x85ebca6b)
    high ^= high >>> 15
  }
  return hex(high) + hex(low)
}

function hex(half: number): string {
  return (half >>> 0).toString(16).padStart(8, '0')
}
