import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expandTarget } from './variant-link.ts'

test('variables in the targets of links', () => {
  const environment = { SITE: 'cern', EMPTY: '' }
  const table: readonly [target: string, expected: string][] = [
    ['plain', 'plain'],
    ['$(SITE)/x', 'cern/x'],
    ['$(NONE)/x', '/x'],
    ['$(NONE:-/cvmfs/default)/x', '/cvmfs/default/x'],
    ['$(SITE:-other)', 'cern'],
    ['$(EMPTY:-other)', ''],
    ['a$(SITE)b$(NONE:-)c', 'acernbc'],
    ['$(SITE', '$(SITE'],
    ['$SITE ${SITE}', '$SITE ${SITE}'],
  ]
  for (const [target, expected] of table) assert.equal(expandTarget(target, environment), expected)
})
