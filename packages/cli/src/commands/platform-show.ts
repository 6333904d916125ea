import { detectHost, formatPlatform, parsePlatform, whyNot } from '@baryon/environment'
import type { Context, Outcome } from '../command.ts'
import { formatTable } from '../format-quantity.ts'

export function run({ arguments: given }: Context): Outcome {
  const host = detectHost()
  const [tag] = given.operands
  if (tag === undefined) {
    const record = {
      machine: host.machine,
      architecture: host.architecture,
      system: host.system,
      features: [...host.flags].sort(),
    }
    const rows = [
      ['machine', record.machine],
      ['architecture', record.architecture],
      ['system', record.system],
    ]
    return { data: record, text: formatTable(rows) }
  }
  const platform = parsePlatform(tag)
  const reason = whyNot(host, platform, { sealed: true })
  const native = whyNot(host, platform)
  const part = ({ base, extensions }: { base: string; extensions: readonly string[] }): string =>
    [base, ...extensions].join(' + ')
  const rows = [
    ['tag', formatPlatform(platform)],
    ['architecture', part(platform.architecture)],
    ['system', part(platform.system)],
    ['compiler', part(platform.compiler)],
    ['build type', part(platform.buildType)],
    ['runs here', reason === undefined ? 'yes' : `no: ${reason}`],
    ['with libraries of the system', native === undefined ? 'yes' : `no: ${native}`],
  ]
  return {
    data: {
      tag: formatPlatform(platform),
      ...platform,
      runs: reason === undefined,
      ...(reason === undefined ? {} : { reason }),
    },
    text: formatTable(rows),
  }
}
