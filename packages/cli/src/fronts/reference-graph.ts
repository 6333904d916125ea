/** Graphs of references as `nix-store --query` draws them, line by line. */
import { isDerivationPath, type StorePath, storePathBaseName } from '@baryon/format'
import type { PathInfo, Store } from '@baryon/store'

/** For `dot`. Arrows lead from what is needed to what needs it. */
export function dotGraph(store: Store, tops: readonly StorePath[]): string[] {
  let edges = 0
  const body = visit(store, tops, (info, others) => {
    const name = storePathBaseName(info.path)
    return [
      `"${name}" [label = "${info.path.name}", shape = box, style = filled, fillcolor = "#ff0000"];`,
      ...others.map((other) => {
        const colour = colours[edges++ % colours.length]
        return `"${storePathBaseName(other)}" -> "${name}" [color = "${colour}"];`
      }),
    ]
  })
  return ['digraph G {', ...body, '}']
}

export function graphMl(store: Store, tops: readonly StorePath[]): string[] {
  const body = visit(store, tops, (info, others) => {
    const name = storePathBaseName(info.path)
    return [
      `  <node id="${name}">`,
      `    <data key="narSize">${info.narSize}</data>`,
      // Nix 2.8 gives the name up to its first dash, and nothing without a dash.
      `    <data key="name">${info.path.name.slice(0, info.path.name.indexOf('-') + 1)}</data>`,
      `    <data key="type">${isDerivationPath(info.path) ? 'derivation' : 'output-path'}</data>`,
      '  </node>',
      ...others.map((other) => `  <edge source="${name}" target="${storePathBaseName(other)}"/>`),
    ]
  })
  return [...graphMlStart, ...body, '</graph>', '</graphml>']
}

/** Visits everything reachable, of what is known so far always the first by base name. */
function visit(
  store: Store,
  tops: readonly StorePath[],
  draw: (info: PathInfo, others: readonly StorePath[]) => readonly string[],
): string[] {
  const lines: string[] = []
  const done = new Set<string>()
  const pending = new Map(tops.map((path) => [storePathBaseName(path), path]))
  for (let name = smallest(pending.keys()); name !== undefined; name = smallest(pending.keys())) {
    const info = store.pathInfo(pending.get(name)!)
    pending.delete(name)
    done.add(name)
    const others = info.references.filter((reference) => reference.digest !== info.path.digest)
    for (const other of others) {
      if (!done.has(storePathBaseName(other))) pending.set(storePathBaseName(other), other)
    }
    lines.push(...draw(info, others))
  }
  return lines
}

function smallest(names: Iterable<string>): string | undefined {
  let found: string | undefined
  for (const name of names) if (found === undefined || name < found) found = name
  return found
}

const colours = ['black', 'red', 'green', 'blue', 'magenta', 'burlywood'] as const

const keys = (
  [
    ['narSize', 'int'],
    ['name', 'string'],
    ['type', 'string'],
  ] as const
).map(([key, type]) => `<key id='${key}' for='node' attr.name='${key}' attr.type='${type}'/>`)

const graphMlStart = [
  "<?xml version='1.0' encoding='utf-8'?>",
  "<graphml xmlns='http://graphml.graphdrawing.org/xmlns'",
  "    xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'",
  "    xsi:schemaLocation='http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd'>",
  `${keys.join('')}<graph id='G' edgedefault='directed'>`,
]
