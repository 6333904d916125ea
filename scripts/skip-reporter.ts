import type { TestEvent } from 'node:test/reporters'

/** A reporter that writes one line for each skipped test and nothing else. */
export default async function* skipReporter(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of source) {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue
    const { skip, name, file } = event.data
    if (skip !== undefined && skip !== false)
      yield `${file ?? '?'}: ${name}: ${skip === true ? 'no reason given' : skip}\n`
  }
}
