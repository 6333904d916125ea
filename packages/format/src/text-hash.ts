/**
 * 32 bits of a text, by multiplication: for names, not against anybody. Other seeds give other bits.
 */
export function textHash(text: string, seed: number): number {
  let h = seed | 0
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193) ^ (h >>> 15)
  return h
}
