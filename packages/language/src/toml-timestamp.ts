/**
 * A date or time of TOML (`1979-05-27 07:32:00.1Z`) in the one form that Nix gives them: `T` in the middle, fractions of
 * a second with 3, 6 or 9 digits (as many as say something), an offset as `Z` or `+07:00`. Undefined for what is no date
 * or time.
 */
export function tomlTimestamp(text: string): string | undefined {
  const match = PATTERN.exec(text)
  if (match === null) return undefined
  const { date, time, fraction, offset } = match.groups!
  if ((date !== undefined && !isDate(date)) || (time !== undefined && !isTime(time))) return undefined
  if (offset !== undefined && (date === undefined || !/^(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])$/.test(offset))) {
    return undefined
  }
  const clock = time === undefined ? '' : time + fractionText(fraction ?? '')
  const zone = offset === undefined ? '' : /^(?:[Zz]|[+-]00:00)$/.test(offset) ? 'Z' : offset
  return `${date ?? ''}${date !== undefined && time !== undefined ? 'T' : ''}${clock}${zone}`
}

const PATTERN =
  /^(?<date>[0-9]{4}-[0-9]{2}-[0-9]{2})?(?:(?:^|(?<=[0-9])[Tt ])(?<time>[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.(?<fraction>[0-9]+))?(?<offset>[Zz]|[+-].*)?)?$/

/** What comes after nanoseconds is cut off. */
function fractionText(digits: string): string {
  const nanoseconds = digits.slice(0, 9).padEnd(9, '0')
  if (/^0*$/.test(nanoseconds)) return ''
  if (nanoseconds.endsWith('000000')) return `.${nanoseconds.slice(0, 3)}`
  return `.${nanoseconds.endsWith('000') ? nanoseconds.slice(0, 6) : nanoseconds}`
}

function isDate(text: string): boolean {
  const [year, month, day] = text.split('-').map(Number) as [number, number, number]
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
  return days !== undefined && day >= 1 && day <= days
}

function isTime(text: string): boolean {
  const [hour, minute, second] = text.split(':').map(Number) as [number, number, number]
  return hour < 24 && minute < 60 && second <= 60
}
