/** C's `%g` with six digits, as Nix 2.8 prints floats (also in JSON): `1e+06`, `1.5`, `0.333333`. */
export function formatGeneral6(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf'
  if (value === 0) return Object.is(value, -0) ? '-0' : '0'
  // A shortest text of at most six digits is that of six digits, but for its form far from 1.
  if (Math.abs(value) >= 1e-3 && Math.abs(value) < 1e6) {
    const shortest = String(value)
    if (shortest.length <= 7) return shortest
  }
  const { sign, digits, exponent } = sixDigits(value)
  if (exponent < -4 || exponent >= 6) {
    const mantissa = trimZeros(`${digits[0]}.${digits.slice(1)}`)
    return `${sign}${mantissa}e${exponent < 0 ? '-' : '+'}${Math.abs(exponent).toString().padStart(2, '0')}`
  }
  const whole = exponent < 0 ? '0' : digits.slice(0, exponent + 1)
  const fraction = exponent < 0 ? '0'.repeat(-exponent - 1) + digits : digits.slice(exponent + 1)
  return trimZeros(`${sign}${whole}.${fraction}`)
}

/** Rounded to six digits; a value half way between two goes to the even one, as in C, and not away from zero. */
function sixDigits(value: number): { readonly sign: string; readonly digits: string; readonly exponent: number } {
  const sign = value < 0 ? '-' : ''
  const exact = split(Math.abs(value).toExponential(24))
  const isHalfWay = /^.{5}[02468]50*$/.test(exact.digits)
  const rounded = isHalfWay ? exact : split(Math.abs(value).toExponential(5))
  return { sign, digits: rounded.digits.slice(0, 6), exponent: rounded.exponent }
}

function split(scientific: string): { readonly digits: string; readonly exponent: number } {
  const at = scientific.indexOf('e')
  return { digits: scientific[0] + scientific.slice(2, at), exponent: Number(scientific.slice(at + 1)) }
}

/** The shortest text that reads back the same, as today's Nix writes floats in JSON: `1.0`, `1e+16`, `1.5e-05`. */
export function formatShortest(value: number): string {
  if (!Number.isFinite(value)) return 'null'
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0'
  const sign = value < 0 ? '-' : ''
  const [mantissa, power] = Math.abs(value).toExponential().split('e') as [string, string]
  const digits = mantissa.replace('.', '')
  const exponent = Number(power)
  // Digits before the point.
  const whole = exponent + 1
  if (whole > 0 && whole <= 15) {
    return digits.length <= whole
      ? `${sign}${digits.padEnd(whole, '0')}.0`
      : `${sign}${digits.slice(0, whole)}.${digits.slice(whole)}`
  }
  if (whole > -4 && whole <= 0) return `${sign}0.${'0'.repeat(-whole)}${digits}`
  const scale = Math.abs(exponent).toString().padStart(2, '0')
  return `${sign}${mantissa}e${exponent < 0 ? '-' : '+'}${scale}`
}

/** C's `%f`, as Nix coerces floats to strings: `1.500000`. */
export function formatFixed6(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf'
  // `toFixed` changes to scientific notation from 1e21 on; there every float is an integer.
  if (Math.abs(value) >= 1e21) return `${BigInt(value)}.000000`
  // Half way between two texts is only an odd multiple of 1/128: 10^6 / 128 is 7812.5.
  const count = Math.abs(value) * 128
  const text = count % 2 === 1 ? halfWayToEven(count) : Math.abs(value).toFixed(6)
  return value < 0 || Object.is(value, -0) ? `-${text}` : text
}

/** `count` / 128 with six places, as C rounds it. */
function halfWayToEven(count: number): string {
  const lower = (BigInt(count) * 15625n) >> 1n
  const text = (lower + (lower & 1n)).toString().padStart(7, '0')
  return `${text.slice(0, -6)}.${text.slice(-6)}`
}

function trimZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0*$/, '') : text
}
