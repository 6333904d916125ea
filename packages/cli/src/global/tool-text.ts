import type { ToolRecord } from './tool-record.ts'

/** `hello 2.0 (x86_64-…): hello in /home/ada/.local/bin`. */
export function formatTool({ name, version, platform, programs, binDirectory }: ToolRecord): string {
  const title = [name, version, platform === undefined ? '' : `(${platform})`].filter((word) => word !== '').join(' ')
  return `${title}: ${programs.map((program) => shownName(program.name)).join(' ')} in ${binDirectory}`
}

/** Quoted where it could be taken for several. */
export function shownName(name: string): string {
  return /[\s'"\\]/.test(name) ? JSON.stringify(name) : name
}
