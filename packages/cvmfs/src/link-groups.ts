import type { DiskEntry } from './tree-source.ts'

export interface LinkGroup {
  readonly group: number
  readonly members: number
}

/** Files with several names in one directory. Names in other directories become files of their own, as with the real tool. */
export class LinkGroups {
  #last: number

  constructor(last: number) {
    this.#last = last
  }

  of(children: readonly DiskEntry[]): ReadonlyMap<DiskEntry, LinkGroup> {
    const byInode = new Map<string, DiskEntry[]>()
    for (const child of children) {
      if (child.kind !== 'file' || child.stat.nlink < 2n) continue
      const key = `${child.stat.dev}:${child.stat.ino}`
      byInode.set(key, [...(byInode.get(key) ?? []), child])
    }
    const groups = new Map<DiskEntry, LinkGroup>()
    for (const members of byInode.values()) {
      if (members.length < 2) continue
      const group = { group: ++this.#last, members: members.length }
      for (const member of members) groups.set(member, group)
    }
    return groups
  }
}
