/**
 * One file (or text) at run time: its flat form, and what its compiled code needs of the world.
 */
import { EvaluationError } from './errors.ts'
import type { Evaluator } from './evaluator.ts'
import type { FlatFile } from './flat.ts'
import type { LambdaSite } from './function.ts'
import type { Position } from './position.ts'
import { intern } from './symbols.ts'
import type { Slot, SourceFile } from './value.ts'

export class Unit {
  readonly flat: FlatFile
  readonly nodes: Int32Array
  readonly file: SourceFile
  /** Relative paths start here. */
  readonly directory: string
  readonly evaluator: Evaluator
  readonly globals: ReadonlyMap<string, Slot>
  /** Collect frames for `--show-trace`. */
  readonly trace: boolean
  /** Lambda sites by node: a lambda expression may be reached from several places. */
  readonly lambdas = new Map<number, LambdaSite>()
  readonly #symbols: Int32Array

  constructor(
    evaluator: Evaluator,
    globals: ReadonlyMap<string, Slot>,
    flat: FlatFile,
    file: SourceFile,
    directory: string,
  ) {
    this.evaluator = evaluator
    this.globals = globals
    this.flat = flat
    this.nodes = flat.nodes
    this.file = file
    this.directory = directory
    this.trace = evaluator.settings.showTrace
    this.#symbols = new Int32Array(flat.stringCount).fill(-1)
  }

  /** The symbol of a name by its index in the file. */
  symbol(index: number): number {
    const known = this.#symbols[index]!
    if (known >= 0) return known
    const symbol = intern(this.flat.string(index))
    this.#symbols[index] = symbol
    return symbol
  }

  string(index: number): string {
    return this.flat.string(index)
  }

  /** The position of a node (all kinds that need one have it behind the kind); undefined where Nix gives none. */
  position(node: number): Position | undefined {
    const offset = this.nodes[node + 1]!
    return offset < 0 ? undefined : { file: this.file, offset }
  }

  at(offset: number): Position {
    return { file: this.file, offset }
  }

  /** An error that came out of a call, with the position of the node that called if it wants one. */
  located(error: unknown, node: number): unknown {
    if (error instanceof EvaluationError) {
      if (error.wantsPosition) {
        error.locate(this.position(node))
        // Where Nix gives none, nobody further out gives one.
        error.wantsPosition = false
      }
      if (this.trace) error.called(this.position(node))
    }
    return error
  }
}
