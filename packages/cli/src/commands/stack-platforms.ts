import { comparePlatforms, detectHost, parsePlatform, whyNot } from '@baryon/environment'
import type { Context, Outcome } from '../command.ts'
import { formatTable } from '../format-quantity.ts'
import { stackSettings } from '../stack-evaluation.ts'
import { stackPlatforms } from '../stack-packages.ts'

export async function run(context: Context): Promise<Outcome> {
  return describePlatforms(await stackPlatforms(context, await stackSettings(context)))
}

/** Tags in order, best first, each with the reason why this machine does not run it. */
export function describePlatforms(tags: readonly string[]): Outcome {
  const host = detectHost()
  const platforms = tags
    .map((tag) => ({ tag, parsed: parsePlatform(tag) }))
    .sort((a, b) => comparePlatforms(b.parsed, a.parsed))
    .map(({ tag, parsed }) => {
      const reason = whyNot(host, parsed, { sealed: true })
      return { tag, runs: reason === undefined, ...(reason === undefined ? {} : { reason }) }
    })
  return {
    data: { platforms },
    text: formatTable(
      platforms.map(({ tag, reason }) => (reason === undefined ? [tag] : [tag, `does not run here: ${reason}`])),
    ),
  }
}
