/** What nobody can publish is said, with what is wrong, and changes nothing. As a user that is not root. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { ordinaryUser } from '@baryon/testing'
import { baryon, NAME } from './repository-scene.ts'

test('trees that cannot be read, places that cannot be, and a repository of others', (t) => {
  const user = ordinaryUser(t)
  const script = (text: string): void => assert.equal(user.run('sh', ['-ec', text]).status, 0)
  const repository = (...words: readonly string[]) => user.run(baryon, ['repository', ...words])
  assert.equal(repository('create', NAME, '--dir', 'repo').status, 0)
  script('mkdir -p tree/inner; echo text >tree/file')
  const tree = ['--tree', 'tree', '--at']
  const cases = [
    ['chmod 000 tree/file', [...tree, '/t'], 'CVMFS_TREE', /tree\/file' cannot be read \(EACCES\)/],
    [
      'chmod 644 tree/file; chmod 000 tree/inner',
      [...tree, '/t'],
      'CVMFS_TREE',
      /tree\/inner' cannot be read \(EACCES\)/,
    ],
    [
      'chmod 755 tree/inner',
      ['--tree', 'tree/none', '--at', '/t'],
      'CVMFS_TREE',
      /tree\/none' cannot be read \(ENOENT\)/,
    ],
    [':', ['--tree', 'tree/file/below', '--at', '/t'], 'CVMFS_TREE', /file\/below' cannot be read \(ENOTDIR\)/],
    // A catalog with such a name could not be read by anybody.
    [':', [...tree, `/${'x'.repeat(256)}`], 'CVMFS_PATH', /is no place in a repository/],
    [':', [...tree, `/${'x'.repeat(256)}/below`], 'CVMFS_PATH', /is no place in a repository/],
    [
      'chmod 555 repo/data/txn; chmod 444 repo/data/txn/*',
      [...tree, '/t'],
      'CVMFS_UNWRITABLE',
      /cannot write to .*repo\n/,
    ],
    [
      'chmod 755 repo/data/txn; rm -f repo/data/txn/*; chmod 555 repo/data/txn',
      [...tree, '/t'],
      'CVMFS_UNWRITABLE',
      /repo\n/,
    ],
  ] as const
  for (const [before, words, code, message] of cases) {
    script(before)
    const { status, stderr } = repository('publish', 'repo', ...words)
    assert.equal(status, 1, stderr)
    assert.match(stderr, new RegExp(`^error\\[${code}\\]: `))
    assert.match(stderr, message)
    assert.match(stderr, /\nhint: /)
  }
  script('chmod 755 repo/data/txn; mkdir closed; chmod 555 closed')
  const key = ['--key', join('repo.keys', `${NAME}.pub`)]
  for (const words of [
    ['replicate', 'repo', 'tree/file', ...key],
    ['replicate', 'repo', 'closed/replica', ...key],
    ['create', 'other.example.org', '--dir', 'closed/origin'],
  ]) {
    const { status, stderr } = repository(...words)
    assert.equal(status, 1, stderr)
    assert.match(stderr, /^error\[CVMFS_UNWRITABLE\]: .*\nhint: /, words.join(' '))
  }
  const longest = `/${'x'.repeat(255)}`
  const good = repository('publish', 'repo', ...tree, longest, '--json')
  assert.equal(good.status, 0, good.stderr)
  assert.equal(JSON.parse(good.stdout).revision, 2)
  assert.equal(repository('cat', 'repo', `${longest}/file`).stdout, 'text\n')
  assert.equal(repository('check', 'repo', ...key).status, 0)
})
