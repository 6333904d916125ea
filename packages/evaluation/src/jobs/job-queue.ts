import type { JobPath } from './job-request.ts'

/** The attributes of one set that are still to be handed out: those from `first` to before `end`. */
interface Group {
  readonly parent: JobPath
  readonly names: readonly string[]
  first: number
  end: number
  /** The worker that entered it first. */
  owner: number | undefined
}

/**
 * Jobs that wait. What lies together in one set depends on the same things, and each worker evaluates these for itself:
 * so a worker stays in one set as long as it can, and takes from another's only when nothing else is left, from its far
 * end.
 */
export class JobQueue {
  #groups: Group[] = []
  #returned: JobPath[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  addSet(parent: JobPath, names: readonly string[]): void {
    if (names.length === 0) return
    this.#groups.push({ parent, names, first: 0, end: names.length, owner: undefined })
    this.#size += names.length
  }

  /** Jobs that a worker could not do. */
  putBack(paths: readonly JobPath[]): void {
    this.#returned.push(...paths)
    this.#size += paths.length
  }

  take(worker: number, most: number): JobPath[] {
    const taken = this.#returned.splice(0, most)
    while (taken.length < most) {
      const group = this.#groupFor(worker)
      if (group === undefined) break
      const count = Math.min(most - taken.length, group.end - group.first)
      const isOwn = group.owner === worker
      const from = isOwn ? group.first : group.end - count
      for (let i = from; i < from + count; i++) taken.push([...group.parent, group.names[i]!])
      if (isOwn) group.first += count
      else group.end -= count
      if (group.first === group.end) this.#groups = this.#groups.filter((other) => other !== group)
    }
    this.#size -= taken.length
    return taken
  }

  #groupFor(worker: number): Group | undefined {
    const own = this.#groups.find((group) => group.owner === worker)
    if (own !== undefined) return own
    const free = largest(this.#groups.filter((group) => group.owner === undefined))
    if (free !== undefined) {
      free.owner = worker
      return free
    }
    return largest(this.#groups)
  }
}

function largest(groups: readonly Group[]): Group | undefined {
  let best: Group | undefined
  for (const group of groups) if (best === undefined || left(group) > left(best)) best = group
  return best
}

function left(group: Group): number {
  return group.end - group.first
}
