import { formatJson, isJsonObject, type Json, type JsonObject } from './derivation-options.ts'

/** The texts of `.attrs.json` and `.attrs.sh` for these attributes, byte strings. */
export function structuredAttributeFiles(attributes: JsonObject): { readonly json: string; readonly shell: string } {
  return { json: formatJson(attributes), shell: shellAttributes(attributes) }
}

/** What a shell can hold of them: texts, whole numbers, Booleans, null, and flat lists and sets of those. */
function shellAttributes(attributes: JsonObject): string {
  let text = ''
  for (const key of [...attributes.keys()].sort()) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(key)) continue
    const value = attributes.get(key)!
    const simple = simpleWord(value)
    if (simple !== undefined) {
      text += `declare ${key}=${simple}\n`
    } else if (Array.isArray(value)) {
      const words = value.map(simpleWord)
      if (words.every((word) => word !== undefined))
        text += `declare -a ${key}=(${words.map((word) => `${word} `).join('')})\n`
    } else if (isJsonObject(value)) {
      const names = [...value.keys()].sort()
      const words = names.map((name) => simpleWord(value.get(name)!))
      if (words.every((word) => word !== undefined)) {
        text += `declare -A ${key}=(${names.map((name, index) => `[${quoteWord(name)}]=${words[index]} `).join('')})\n`
      }
    }
  }
  return text
}

function simpleWord(value: Json): string | undefined {
  if (typeof value === 'string') return quoteWord(value)
  if (value === null) return "''"
  if (typeof value === 'boolean') return value ? '1' : ''
  if (typeof value === 'object' && 'number' in value) return wholeNumber(value.number)
  return undefined
}

/**
 * A fraction has no form that a shell can count with. Nix looks at the number in single precision and writes it in 32 bits,
 * and a builder must see what it sees under Nix.
 */
function wholeNumber(source: string): string | undefined {
  const number = Number(source)
  if (!Number.isInteger(Math.fround(number))) return undefined
  if (/^-?\d+$/.test(source)) return BigInt.asIntN(32, BigInt(source)).toString()
  const whole = Math.trunc(number)
  return String(Math.abs(whole) < 2 ** 31 ? whole : -(2 ** 31))
}

function quoteWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
