/** A small archive in Debian's layout, signed by a key of its own, and an apt that knows no other. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

export interface ArchivedPackage {
  readonly name: string
  readonly version: string
  /** `source`, or that of the binary package. */
  readonly architecture: string
}

export interface DebianArchive {
  /** What `APT_CONFIG` is to be for apt to use this archive only. */
  readonly aptConfig: string
  readonly keyring: string
  readonly uri: string
  /** Replaces the index of the suite. `until` is its end, in milliseconds since 1970; `signed` by default with the right key. */
  publish(suite: string, packages: readonly ArchivedPackage[], options?: { until?: number; signed?: boolean }): void
}

export function createDebianArchive(context: TestContext): DebianArchive {
  // The socket of GnuPG's agent lies in its home, and must have a short path.
  const home = mkdtempSync(join(tmpdir(), 'gpg-'))
  const directory = mkdtempSync(join(tmpdir(), 'baryon-archive-'))
  context.after(() => {
    for (const made of [home, directory]) rmSync(made, { recursive: true, force: true })
  })
  const gpg = (...words: readonly string[]) =>
    execFileSync('gpg', ['--homedir', home, '--batch', '--quiet', '--no-tty', ...words], { stdio: 'pipe' })
  for (const key of ['archive@example.org', 'stranger@example.org'])
    gpg('--pinentry-mode', 'loopback', '--passphrase', '', '--quick-generate-key', key, 'rsa2048', 'sign', 'never')
  const keyring = join(directory, 'archive.gpg')
  gpg('--output', keyring, '--export', 'archive@example.org')
  context.after(() => {
    execFileSync('gpgconf', ['--homedir', home, '--kill', 'all'])
  })

  const uri = `file://${directory}`
  for (const made of ['apt/lists/partial', 'apt/cache/archives/partial', 'apt/etc/apt.conf.d', 'apt/etc/preferences.d'])
    mkdirSync(join(directory, made), { recursive: true })
  const aptConfig = join(directory, 'apt/apt.conf')
  const sources = join(directory, 'apt/etc/sources.list')
  writeFileSync(join(directory, 'apt/status'), '')
  writeFileSync(
    aptConfig,
    `Dir::Etc "${directory}/apt/etc"; Dir::Etc::sourcelist "${sources}"; Dir::Etc::sourceparts "-";
Dir::State::lists "${directory}/apt/lists"; Dir::State::status "${directory}/apt/status";
Dir::Cache "${directory}/apt/cache"; APT::Architecture "amd64"; APT::Architectures { "amd64"; };
APT::Sandbox::User "root"; Acquire::Languages "none";\n`,
  )
  const suites = new Set<string>()
  return {
    aptConfig,
    keyring,
    uri,
    publish: (suite, packages, { until, signed = true } = {}) => {
      suites.add(suite)
      const lines = [...suites].flatMap((one) =>
        ['deb', 'deb-src'].map((type) => `${type} [signed-by=${keyring}] ${uri} ${one} main\n`),
      )
      writeFileSync(sources, lines.join(''))
      const root = join(directory, 'dists', suite)
      const indices = {
        'main/binary-amd64/Packages': packages.filter((one) => one.architecture !== 'source').map(binaryStanza),
        'main/source/Sources': packages.filter((one) => one.architecture === 'source').map(sourceStanza),
      }
      const sums: string[] = []
      for (const [path, stanzas] of Object.entries(indices)) {
        const file = join(root, path)
        mkdirSync(join(file, '..'), { recursive: true })
        writeFileSync(file, stanzas.join('\n'))
        execFileSync('xz', ['--force', '--keep', file])
        // apt wants to know the plain one too, which need not be there.
        for (const suffix of ['', '.xz']) {
          const bytes = readFileSync(`${file}${suffix}`)
          sums.push(` ${sha256(bytes)} ${bytes.length} ${path}${suffix}`)
        }
      }
      const valid = until === undefined ? '' : `Valid-Until: ${new Date(until).toUTCString()}\n`
      const release = `Origin: Debian\nSuite: ${suite}\nCodename: ${suite}\nDate: ${new Date().toUTCString()}\n${valid}Architectures: all amd64\nComponents: main\nSHA256:\n${sums.join('\n')}\n`
      writeFileSync(join(root, 'Release'), release)
      const key = signed ? 'archive@example.org' : 'stranger@example.org'
      gpg('--yes', '--local-user', key, '--output', join(root, 'InRelease'), '--clearsign', join(root, 'Release'))
    },
  }
}

function binaryStanza({ name, version, architecture }: ArchivedPackage): string {
  const file = `${name}_${version.replace(/^\d+:/, '')}_${architecture}.deb`
  return `Package: ${name}
Version: ${version}
Installed-Size: 10
Maintainer: Nobody <nobody@example.org>
Architecture: ${architecture}
Description: of a test
Filename: pool/main/${name[0]}/${name}/${file}
Size: ${100 + name.length}
SHA256: ${sha256(file)}
`
}

function sourceStanza({ name, version }: ArchivedPackage): string {
  const upstream = version.replace(/^\d+:/, '').replace(/-[^-]*$/, '')
  const files = [`${name}_${upstream}.orig.tar.gz`, `${name}_${upstream}-1.debian.tar.xz`, `${name}_${upstream}-1.dsc`]
  return `Package: ${name}
Binary: ${name}
Version: ${version}
Maintainer: Nobody <nobody@example.org>
Architecture: any
Format: 3.0 (quilt)
Directory: pool/main/${name[0]}/${name}
Checksums-Sha256:
${files.map((file) => ` ${sha256(file)} ${file.length} ${file}`).join('\n')}
`
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}
