import { measureUsage, type Sizes, type Store, type StoreUsage } from '@baryon/store'
import type { Context, Outcome } from '../command.ts'
import { formatBytes, formatCount, formatTable } from '../format-quantity.ts'
import { createCounter } from '../progress/counter.ts'
import { findOperands, openStoreFor } from '../store-operands.ts'

export async function run(context: Context): Promise<Outcome> {
  const { operands } = context.arguments
  const store = await openStoreFor(context, operands)
  const counter = createCounter(context.terminal, 'measuring')
  try {
    const paths = (await findOperands(context, store, operands)).map(({ path }) => path)
    const usage = measureUsage(store, {
      ...(operands.length === 0 ? {} : { paths }),
      onPath: (done, total) => counter.show(done, total),
    })
    counter.close()
    const all = context.arguments.flag('all')
    return {
      data: record(store, usage),
      text: operands.length > 0 ? pathTable(store, usage) : overview(store, usage, all),
    }
  } finally {
    counter.close()
    store.close()
  }
}

function record(store: Store, { paths, roots, packages, total, dead }: StoreUsage): unknown {
  return {
    total,
    dead,
    roots: roots.map((root) => ({ ...root, path: store.format(root.path) })),
    packages,
    paths: paths.map((path) => ({ ...path, path: store.format(path.path) })),
  }
}

/** As many lines of each table as fit on a screen together. */
const SHOWN = 10

function overview(store: Store, { paths, roots, packages, total, dead }: StoreUsage, all: boolean): string {
  const cut = <T>(rows: readonly T[]): readonly T[] => (all ? rows : rows.slice(0, SHOWN))
  const title = (name: string, rows: readonly unknown[]) =>
    all || rows.length <= SHOWN ? name : `${name} (${SHOWN} of ${rows.length}; --all shows the rest)`
  const largest = [...paths].sort((a, b) => b.diskSize - a.diskSize)
  return [
    `${inWords(total)}; ${dead.count === 0 ? 'everything is kept by a root' : `no root keeps ${inWords(dead)}`}`,
    '',
    title('Roots', roots),
    formatTable(
      [
        ['freed without', 'closure', 'link'],
        ...cut(roots).flatMap(({ freed, closure, links }) =>
          links.map((link, index) => (index === 0 ? [disk(freed), disk(closure), link] : ['', '', link])),
        ),
      ],
      [0, 1],
    ),
    '',
    title('Packages', packages),
    formatTable(
      [
        ['disk', 'NAR', 'paths', 'name'],
        ...cut(packages).map((one) => [disk(one), formatBytes(one.narSize), String(one.count), one.name]),
      ],
      [0, 1, 2],
    ),
    '',
    title('Paths', paths),
    formatTable(
      [
        ['disk', 'NAR', 'closure', 'path'],
        ...cut(largest).map((one) => [
          formatBytes(one.diskSize),
          formatBytes(one.narSize),
          disk(one.closure),
          store.format(one.path),
        ]),
      ],
      [0, 1, 2],
    ),
  ].join('\n')
}

function pathTable(store: Store, { paths, roots }: StoreUsage): string {
  const freed = new Map(roots.map((root) => [store.format(root.path), root.freed]))
  return formatTable(
    [
      ['disk', 'NAR', 'closure', 'freed without', 'path'],
      ...paths.map((one) => {
        const path = store.format(one.path)
        const only = freed.get(path)
        return [
          formatBytes(one.diskSize),
          formatBytes(one.narSize),
          disk(one.closure),
          only === undefined ? 'no root' : disk(only),
          path,
        ]
      }),
    ],
    [0, 1, 2, 3],
  )
}

function disk({ diskSize }: Sizes): string {
  return formatBytes(diskSize)
}

function inWords({ count, diskSize, narSize }: Sizes): string {
  return `${formatCount(count, 'path')}, ${formatBytes(diskSize)} on disk (${formatBytes(narSize)} as NAR)`
}
