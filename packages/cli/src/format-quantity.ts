/** Quantities as people read them. */

/** `1.5 MB`: powers of ten, as disks and networks count. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}

/** `0.04 s`, `12 s`, `3m05s`, `2h07m`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(seconds < 0.995 ? 2 : 1)} s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  const pad = (value: number): string => String(value).padStart(2, '0')
  if (whole < 3600) return `${Math.floor(whole / 60)}m${pad(whole % 60)}s`
  return `${Math.floor(whole / 3600)}h${pad(Math.floor((whole % 3600) / 60))}m`
}

/** `1 path`, `3 paths`. */
export function formatCount(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`
}

/** Bytes from `300`, `20M`, `1.5G`; undefined for anything else. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([kKMGT]?)i?B?$/.exec(text)
  if (match === null) return undefined
  return Math.floor(Number(match[1]) * 1024 ** ' KMGT'.indexOf(match[2] === '' ? ' ' : match[2]!.toUpperCase()))
}

/** Rows in columns as wide as their widest cell; numbers (cells that end a `right` column) are set to the right. */
export function formatTable(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const count = Math.max(0, ...rows.map((row) => row.length))
  const widths = Array.from({ length: count }, (_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  )
  return rows
    .map((row) =>
      row
        .map((cell, column) => {
          if (right.includes(column)) return cell.padStart(widths[column]!)
          return column === row.length - 1 ? cell : cell.padEnd(widths[column]!)
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
