/** C's `%g` with six digits, as Nix 2.8 prints floats (also in JSON): `1e+06`, `1.5`, `0.333333`. */
export function formatGeneral6(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf'
  if (value === 0) return Object.is(value, -0) ? '-0' : '0'
  const scientific = value.toExponential(5)
  const at = scientific.indexOf('e')
  const exponent = Number(scientific.slice(at + 1))
  if (exponent < -4 || exponent >= 6) {
    const mantissa = trimZeros(scientific.slice(0, at))
    const digits = Math.abs(exponent).toString().padStart(2, '0')
    return `${mantissa}e${exponent < 0 ? '-' : '+'}${digits}`
  }
  return trimZeros(value.toFixed(5 - exponent))
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
  const text = value.toFixed(6)
  return Object.is(value, -0) ? `-${text}` : text
}

function trimZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}
