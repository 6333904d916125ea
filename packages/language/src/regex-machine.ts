import type { ParsedRegex, RegexNode } from './regex-syntax.ts'

/**
 * The backtracking matcher for expressions whose result under JavaScript's rules would differ from libstdc++'s:
 * a search takes the longest of the alternatives, captures survive from earlier rounds of a loop, and an empty
 * round of a loop counts. It follows the automaton of libstdc++ state by state.
 */
export interface RegexMachine {
  /** Matches at `start`; returns `[start, end, begin1, end1, …]` with -1 for groups that took no part. */
  run(text: string, start: number, options: MatchOptions): number[] | undefined
}

export interface MatchOptions {
  /** Only a match that ends with the text counts. */
  readonly whole: boolean
  readonly notEmpty: boolean
  /** `^` matches at `start` (only for the first search). */
  readonly atBegin: boolean
}

export function buildMachine(parsed: ParsedRegex): RegexMachine {
  const start = compile(parsed.node, { op: 'accept' })
  return { run: (text, at, options) => new Run(text, at, options, parsed.groups).match(start) }
}

type State =
  | { readonly op: 'accept' }
  | { readonly op: 'set'; readonly set: Uint8Array; readonly next: State }
  | { readonly op: 'begin' | 'end'; readonly next: State }
  | { readonly op: 'open' | 'close'; readonly index: number; readonly next: State }
  | { readonly op: 'choice'; readonly left: State; readonly right: State }
  | { readonly op: 'repeat'; body: State | undefined; readonly next: State }

function compile(node: RegexNode, next: State): State {
  switch (node.kind) {
    case 'empty':
      return next
    case 'begin':
    case 'end':
      return { op: node.kind, next }
    case 'set':
      return { op: 'set', set: node.set, next }
    case 'group':
      return { op: 'open', index: node.index, next: compile(node.body, { op: 'close', index: node.index, next }) }
    case 'sequence':
      return node.items.reduceRight((rest: State, item) => compile(item, rest), next)
    case 'choice':
      // libstdc++ nests to the right: a | (b | c).
      return node.items
        .map((item) => compile(item, next))
        .reduceRight((right: State, left) => ({ op: 'choice', left, right }))
    case 'repeat':
      return compileRepeat(node, next)
  }
}

function compileRepeat(node: Extract<RegexNode, { kind: 'repeat' }>, next: State): State {
  let rest = next
  let required = node.min
  if (node.max === undefined) {
    const loop: State = { op: 'repeat', body: undefined, next }
    const body = compile(node.body, loop)
    loop.body = body
    rest = loop
    // `x+` enters the loop through its own body instead of a copy.
    if (required > 0) {
      rest = body
      required--
    }
  } else {
    for (let i = node.min; i < node.max; i++) rest = { op: 'repeat', body: compile(node.body, rest), next }
  }
  for (let i = 0; i < required; i++) rest = compile(node.body, rest)
  return rest
}

class Run {
  readonly #text: string
  readonly #start: number
  readonly #options: MatchOptions
  readonly #groups: number[]
  readonly #rounds = new Map<State, { at: number; count: number }>()
  #at: number
  #solved = false
  #best: number[] | undefined

  constructor(text: string, start: number, options: MatchOptions, groups: number) {
    this.#text = text
    this.#start = start
    this.#at = start
    this.#options = options
    this.#groups = new Array<number>(groups * 2).fill(-1)
  }

  match(state: State): number[] | undefined {
    this.#step(state)
    return this.#best
  }

  #step(state: State): void {
    switch (state.op) {
      case 'set': {
        const from = this.#at
        if (from >= this.#text.length || state.set[this.#text.charCodeAt(from) & 255] !== 1) return
        this.#at++
        this.#step(state.next)
        this.#at = from
        return
      }
      case 'accept':
        this.#accept()
        return
      case 'begin':
        if (this.#at === this.#start && this.#options.atBegin) this.#step(state.next)
        return
      case 'end':
        if (this.#at === this.#text.length) this.#step(state.next)
        return
      case 'open':
      case 'close': {
        const slot = (state.index - 1) * 2 + (state.op === 'open' ? 0 : 1)
        const saved = this.#groups[slot] as number
        this.#groups[slot] = this.#at
        this.#step(state.next)
        this.#groups[slot] = saved
        return
      }
      case 'choice': {
        this.#step(state.left)
        const solved = this.#solved
        this.#solved = false
        this.#step(state.right)
        this.#solved ||= solved
        return
      }
      case 'repeat':
        this.#again(state)
        if (!this.#solved) this.#step(state.next)
        return
    }
  }

  /** One more round, at most twice at the same place. */
  #again(state: Extract<State, { op: 'repeat' }>): void {
    const before = this.#rounds.get(state)
    if (before === undefined || before.count === 0 || before.at !== this.#at) {
      this.#rounds.set(state, { at: this.#at, count: 1 })
    } else if (before.count < 2) {
      this.#rounds.set(state, { at: this.#at, count: before.count + 1 })
    } else {
      return
    }
    this.#step(state.body as State)
    if (before === undefined) this.#rounds.delete(state)
    else this.#rounds.set(state, before)
  }

  #accept(): void {
    if (this.#options.whole && this.#at !== this.#text.length) return
    if (this.#options.notEmpty && this.#at === this.#start) return
    this.#solved = true
    if (this.#best !== undefined && (this.#best[1] as number) >= this.#at) return
    this.#best = [this.#start, this.#at, ...this.#groups]
  }
}
