import { pathNumber } from './path-number.ts'
import { type Context, ContextElement, NixString, type Value } from './value.ts'

/** The element for a store path as it is. Equal elements are the same object. */
export function pathElement(path: string): ContextElement {
  return elementOf('path', path, '')
}

/** The element for a derivation together with all its outputs (what `drv.drvPath` carries). */
export function deepElement(derivationPath: string): ContextElement {
  return elementOf('deep', derivationPath, '')
}

/** The element for one output of a derivation (what `drv.outPath` carries). */
export function outputElement(derivationPath: string, output: string): ContextElement {
  return elementOf('output', derivationPath, output)
}

function elementOf(kind: ContextElement['kind'], path: string, output: string): ContextElement {
  const number = pathNumber(path)
  const first = firstElements[number]
  for (let element = first; element !== undefined; element = element.next) {
    if (element.kind === kind && element.output === output) return element
  }
  const element = new ContextElement(kind, path, output, first)
  firstElements[number] = element
  return element
}

/** By number of the path. */
const firstElements: (ContextElement | undefined)[] = []

/** The elements of a context, in a list. */
export function contextElements(context: Context): readonly ContextElement[] {
  return context instanceof ContextElement ? [context] : context
}

/** The context of these elements, among which there are no equal ones. */
export function contextOfElements(elements: readonly ContextElement[]): Context {
  return elements.length === 1 ? elements[0]! : elements
}

export function isEmptyContext(context: Context): boolean {
  return !(context instanceof ContextElement) && context.length === 0
}

/** The union of two contexts; returns one of its arguments when that already is the union. */
export function unionContext(left: Context, right: Context): Context {
  if (left === right || isEmptyContext(right)) return left
  if (isEmptyContext(left)) return right
  if (left instanceof ContextElement) {
    if (right instanceof ContextElement) return [left, right]
    return right.includes(left) ? right : [left, ...right]
  }
  if (right instanceof ContextElement) return left.includes(right) ? left : [...left, right]
  const mark = ++currentMark
  for (let i = 0; i < left.length; i++) left[i]!.mark = mark
  let result: ContextElement[] | undefined
  for (let i = 0; i < right.length; i++) {
    const element = right[i]!
    if (element.mark === mark) continue
    if (result === undefined) result = left.slice()
    result.push(element)
  }
  return result ?? left
}

let currentMark = 0

/** Collects contexts one after the other; much cheaper than repeated unions when there are many. */
export class ContextCollector {
  #elements: ContextElement[] | undefined
  #first: Context = NO_CONTEXT
  #seen: Set<ContextElement> | undefined

  add(context: Context): void {
    if (context === this.#first || isEmptyContext(context)) return
    if (isEmptyContext(this.#first)) {
      this.#first = context
      return
    }
    if (this.#elements === undefined) {
      const union = unionContext(this.#first, context)
      if (union === this.#first) return
      if (union === context || union instanceof ContextElement || union.length <= LINEAR_LIMIT) {
        this.#first = union
        return
      }
      this.#elements = union.slice()
      this.#seen = new Set(union)
      return
    }
    const seen = this.#seen as Set<ContextElement>
    if (context instanceof ContextElement) this.#addTo(seen, context)
    else for (let i = 0; i < context.length; i++) this.#addTo(seen, context[i]!)
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
  return isEmptyContext(context) ? text : new NixString(text, context)
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
  return contextElements(context)
    .slice()
    .sort((a, b) => (contextText(a) < contextText(b) ? -1 : 1))
}

export const NO_CONTEXT: Context = Object.freeze([])

/** Up to here a union by marks is cheaper than keeping a set. */
const LINEAR_LIMIT = 16
