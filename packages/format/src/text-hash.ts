/**
 * 32 bits of a text, by multiplication: for names, not against anybody. Other seeds give other bits. Larger steps leave
 * chars out.
 */
export function textHash(text: string, seed: number, step = 1): number {
  let h = seed | 0
  for (let i = 0; i < text.length; i += step) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193) ^ (h >>> 15)
  return h
}
