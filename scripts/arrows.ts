/**
 * The arrows between packages: reads manifests and imports, fails on an upward arrow, an undeclared import, or a pure
 * package that touches the world, and keeps the graph in docs/architecture.md up to date.
 *
 *   node scripts/arrows.ts            check
 *   node scripts/arrows.ts --write    also rewrite the graph
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Lower floors know nothing of higher ones. Packages of one floor may not import each other. */
const floors: readonly (readonly string[])[] = [
  ['format'],
  ['language', 'elf', 'fuse', 'files'],
  ['store', 'fetch', 'cvmfs'],
  ['build', 'cache', 'mount'],
  ['evaluation'],
  ['environment'],
  ['server'],
  ['cli'],
]
const pure = new Set(['format', 'language', 'elf'])
/** Imported by tests only. */
const testOnly = new Set(['testing'])
const worldly = /^node:(fs|child_process|net|http|https|dgram|dns|worker_threads|tls)(\/|$)/

const root = join(import.meta.dirname, '..')
const document = join(root, 'docs/architecture.md')
const begin = '<!-- arrows: written by scripts/arrows.ts -->'
const end = '<!-- end of arrows -->'

const problems: string[] = []
const arrows = new Map<string, Set<string>>()
for (const name of packageNames()) checkPackage(name)
checkGraph()
if (problems.length > 0) {
  for (const problem of problems) console.error(problem)
  process.exit(1)
}

function packageNames(): string[] {
  return readdirSync(join(root, 'packages')).sort()
}

function floorOf(name: string): number {
  return floors.findIndex((floor) => floor.includes(name))
}

function checkPackage(name: string): void {
  const manifest = JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8')) as {
    dependencies?: Record<string, string>
    devDependencies?: Record<string, string>
  }
  const declared = new Set(Object.keys(manifest.dependencies ?? {}))
  const declaredForTests = new Set([...declared, ...Object.keys(manifest.devDependencies ?? {})])
  const targets = new Set<string>()
  arrows.set(name, targets)
  if (floorOf(name) < 0 && !testOnly.has(name)) problems.push(`packages/${name}: has no floor in scripts/arrows.ts`)

  for (const file of sourceFiles(join(root, 'packages', name))) {
    const shown = file.slice(root.length + 1)
    const isTest = /\.(test|long|bench)\.ts$/.test(file) || /\/test\//.test(file)
    const text = readFileSync(file, 'utf8')
    for (const specifier of imports(text)) {
      if (specifier.startsWith('.') || specifier.startsWith('node:')) {
        if (pure.has(name) && !isTest && worldly.test(specifier))
          problems.push(`${shown}: a pure package imports ${specifier}`)
        continue
      }
      const target = specifier.startsWith('@baryon/') ? specifier.slice('@baryon/'.length) : undefined
      if (target?.includes('/')) problems.push(`${shown}: imports ${specifier}; index.ts is the only door of a package`)
      if (isTest) continue
      if (
        !declared.has(specifier) &&
        !declared.has(
          specifier
            .split('/')
            .slice(0, specifier.startsWith('@') ? 2 : 1)
            .join('/'),
        )
      )
        problems.push(`${shown}: imports ${specifier}, which packages/${name}/package.json does not declare`)
      if (target === undefined || testOnly.has(name)) continue
      if (testOnly.has(target)) problems.push(`${shown}: imports ${specifier}, which is for tests only`)
      else if (floorOf(target) >= floorOf(name))
        problems.push(`${shown}: the arrow ${name} → ${target} does not go down`)
      targets.add(target)
    }
    if (pure.has(name) && !isTest && /\basync\b\s*(function\b|\(|[A-Za-z_$*])/.test(stripComments(text)))
      problems.push(`${shown}: async in a pure package`)
  }
  for (const target of declaredForTests) {
    if (target.startsWith('@baryon/') && !packageNames().includes(target.slice('@baryon/'.length)))
      problems.push(`packages/${name}/package.json: declares ${target}, which does not exist`)
  }
}

function sourceFiles(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) return entry.name === 'node_modules' || path.endsWith('test/data') ? [] : sourceFiles(path)
    return entry.name.endsWith('.ts') ? [path] : []
  })
}

function imports(text: string): string[] {
  const pattern =
    /(?:^|\n)\s*(?:import|export)\b[^'"\n;]*?(?:\{[^}]*\}[^'"\n;]*?)?from\s*'([^']+)'|\bimport\(\s*'([^']+)'|(?:^|\n)\s*import\s+'([^']+)'/g
  return [...stripComments(text).matchAll(pattern)].map((match) => match[1] ?? match[2] ?? match[3] ?? '')
}

function stripComments(text: string): string {
  return text.replace(/^\s*(\/\/|\*|\/\*\*).*$/gm, '')
}

function checkGraph(): void {
  const lines = floors.flatMap((floor, index) =>
    floor
      .filter((name) => arrows.has(name))
      .map((name) => {
        const targets = [...(arrows.get(name) ?? [])].sort((a, b) => floorOf(a) - floorOf(b) || (a < b ? -1 : 1))
        return `| ${index} | \`${name}\` | ${targets.map((target) => `\`${target}\``).join(', ') || '–'} |`
      }),
  )
  const graph = [begin, '', '| Floor | Package | Imports |', '|---|---|---|', ...lines, '', end].join('\n')
  const text = readFileSync(document, 'utf8')
  const start = text.indexOf(begin)
  const stop = text.indexOf(end)
  if (start < 0 || stop < 0) {
    problems.push('docs/architecture.md: the marks of the arrow table are missing')
    return
  }
  const wanted = text.slice(0, start) + graph + text.slice(stop + end.length)
  if (wanted === text) return
  if (process.argv.includes('--write')) writeFileSync(document, wanted)
  else problems.push('docs/architecture.md: the arrow table is stale; run: node scripts/arrows.ts --write')
}
