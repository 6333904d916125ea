import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Prefix } from './activation.ts'
import { environmentClosure } from './environment-closure.ts'

const directory = mkdtempSync(join(tmpdir(), 'baryon-closure-'))
after(() => rmSync(directory, { recursive: true, force: true }))

function prefix(name: string, propagated: Readonly<Record<string, string>> = {}): Prefix {
  const physical = join(directory, name)
  mkdirSync(join(physical, 'nix-support'), { recursive: true })
  for (const [file, text] of Object.entries(propagated)) writeFileSync(join(physical, 'nix-support', file), text)
  return { logical: `/s/${name}`, physical }
}

test('headers of headers come along to develop, programs for users always, each once', () => {
  const top = prefix('top', {
    'propagated-build-inputs': ' /s/library /s/gone\n',
    'propagated-user-env-packages': '/s/tool',
  })
  const library = prefix('library', { 'propagated-build-inputs': '/s/deep /s/top' })
  const all = new Map([top, library, prefix('deep'), prefix('tool')].map((one) => [one.logical, one]))
  const names = (kind: 'run' | 'develop'): string[] =>
    environmentClosure([top], kind, (path) => all.get(path)).map((one) => one.logical)
  assert.deepEqual(names('run'), ['/s/top', '/s/tool'])
  assert.deepEqual(names('develop'), ['/s/top', '/s/tool', '/s/library', '/s/deep'])
})
