import { pathNumber } from './path-number.ts'
import { type Context, type ContextElement, NixString, type Value } from './value.ts'

/** The element for a store path as it is. Equal elements are the same object. */
export function pathElement(path: string): ContextElement {
  const elements = elementsOf(path)
  elements.plain ??= makeElement('path', path, '')
  return elements.plain
}

/** The element for a derivation together with all its outputs (what `drv.drvPath` carries). */
export function deepElement(derivationPath: string): ContextElement {
  const elements = elementsOf(derivationPath)
  elements.deep ??= makeElement('deep', derivationPath, '')
  return elements.deep
}

/** The element for one output of a derivation (what `drv.outPath` carries). */
export function outputElement(derivationPath: string, output: string): ContextElement {
  const elements = elementsOf(derivationPath)
  const { output: first, others } = elements
  if (first?.output === output) return first
  for (let i = 0; i < others.length; i++) if (others[i]!.output === output) return others[i]!
  const element = makeElement('output', derivationPath, output)
  if (first === undefined) elements.output = element
  else elements.others = others.concat(element)
  return element
}

/** The union of two contexts; returns one of its arguments when that already is the union. */
export function unionContext(left: Context, right: Context): Context {
  if (left === right || right.length === 0) return left
  if (left.length === 0) return right
  const mark = ++currentMark
  for (let i = 0; i < left.length; i++) (left[i] as MarkedElement).mark = mark
  let result: ContextElement[] | undefined
  for (let i = 0; i < right.length; i++) {
    const element = right[i] as MarkedElement
    if (element.mark === mark) continue
    if (result === undefined) result = left.slice()
    result.push(element)
  }
  return result ?? left
}

/** Collects contexts one after the other; much cheaper than repeated unions when there are many. */
export class ContextCollector {
  #elements: ContextElement[] | undefined
  #first: Context = NO_CONTEXT
  #seen: Set<ContextElement> | undefined

  add(context: Context): void {
    if (context.length === 0 || context === this.#first) return
    if (this.#first.length === 0) {
      this.#first = context
      return
    }
    if (this.#elements === undefined) {
      const union = unionContext(this.#first, context)
      if (union === this.#first) return
      if (union === context || union.length <= LINEAR_LIMIT) {
        this.#first = union
        return
      }
      this.#elements = union.slice()
      this.#seen = new Set(union)
      return
    }
    const seen = this.#seen as Set<ContextElement>
    for (let i = 0; i < context.length; i++) this.#addTo(seen, context[i] as ContextElement)
  }

  addElement(element: ContextElement): void {
    this.add([element])
  }

  /** What was collected so far; not to be written to. */
  get context(): Context {
    return this.#elements ?? this.#first
  }

  #addTo(seen: Set<ContextElement>, element: ContextElement): void {
    if (seen.has(element)) return
    seen.add(element)
    this.#elements?.push(element)
  }
}

/** A string value: plain when the context is empty. */
export function makeString(text: string, context: Context): string | NixString {
  return context.length === 0 ? text : new NixString(text, context)
}

/** The context of a value that was checked to be a string. */
export function contextOf(value: Value): Context {
  return value instanceof NixString ? value.context : NO_CONTEXT
}

/** The text form of Nix: the path itself, `=drv` for a derivation with everything, `!output!drv` for one output. */
export function contextText(element: ContextElement): string {
  switch (element.kind) {
    case 'path':
      return element.path
    case 'deep':
      return `=${element.path}`
    case 'output':
      return `!${element.output}!${element.path}`
  }
}

/** The form for people, of Nix today. */
export function shownContext({ kind, path, output }: ContextElement): string {
  return kind === 'path' ? path : kind === 'deep' ? `${path} (deep)` : `${path}^${output}`
}

/** Elements in the order of their Nix text form, which decides what is reported first. */
export function sortedContext(context: Context): ContextElement[] {
  return context.slice().sort((a, b) => (contextText(a) < contextText(b) ? -1 : 1))
}

export const NO_CONTEXT: Context = Object.freeze([])

/** Up to here a union by marks is cheaper than keeping a set. */
const LINEAR_LIMIT = 16

interface MarkedElement extends ContextElement {
  /** Number of the last union that saw the element: membership without hashing. */
  mark: number
}

let currentMark = 0

/** All elements of one store path. */
interface PathElements {
  plain: ContextElement | undefined
  deep: ContextElement | undefined
  /** Mostly the only one. */
  output: ContextElement | undefined
  others: readonly ContextElement[]
}

/** By number of the path. */
const pathElements: (PathElements | undefined)[] = []

function elementsOf(path: string): PathElements {
  const number = pathNumber(path)
  let elements = pathElements[number]
  if (elements === undefined) {
    elements = { plain: undefined, deep: undefined, output: undefined, others: NO_CONTEXT }
    pathElements[number] = elements
  }
  return elements
}

function makeElement(kind: ContextElement['kind'], path: string, output: string): MarkedElement {
  return { kind, path, output, mark: 0 }
}
