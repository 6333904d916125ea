/**
 * Queries and changes of the store's database. Paths are full texts of store paths in here, as they are in the tables.
 */
import { join } from 'node:path'
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { UserError } from '@baryon/format'
import { asDatabaseError, checkReadable, databaseStamp, openDatabase } from './schema.ts'

/** A row of `ValidPaths`. */
export interface PathRow {
  readonly id: number
  readonly path: string
  /** `sha256:BASE16`. */
  readonly hash: string
  readonly registrationTime: number
  readonly deriver: string | null
  readonly narSize: number | null
  readonly ultimate: number | null
  readonly sigs: string | null
  readonly ca: string | null
}

export type NewPathRow = Omit<PathRow, 'id'>

export class StoreDatabase {
  readonly #stateDirectory: string
  readonly #readOnly: boolean
  readonly #statements = new Map<string, StatementSync>()
  /** One that is only read is opened by the first query. */
  #database: DatabaseSync | undefined
  /** Of the file that was opened, when it is only read; empty before that. */
  #stamp: string | undefined
  #openings = 0
  #depth = 0

  constructor(stateDirectory: string, readOnly: boolean) {
    this.#stateDirectory = stateDirectory
    this.#readOnly = readOnly
    if (readOnly) {
      checkReadable(stateDirectory)
      this.#stamp = ''
    } else this.#database = openDatabase(stateDirectory, false)
  }

  close(): void {
    this.#statements.clear()
    this.#database?.close()
  }

  /** Differs from its last value when another connection, of any process, may have committed something since. */
  version(): string {
    const changes = this.#get('pragma data_version')?.data_version
    return `${this.#openings}.${String(changes)}`
  }

  row(path: string): PathRow | undefined {
    const row = this.#get('select * from ValidPaths where path = ?', path)
    return row === undefined ? undefined : this.checked(row)
  }

  id(path: string): number | undefined {
    return this.#get('select id from ValidPaths where path = ?', path)?.id as number | undefined
  }

  references(id: number): string[] {
    return this.#texts(
      'select v.path as text from Refs r join ValidPaths v on v.id = r.reference where r.referrer = ? order by v.path',
      id,
    )
  }

  referrers(path: string): string[] {
    return this.#texts(
      'select v.path as text from Refs r join ValidPaths v on v.id = r.referrer where r.reference = (select id from ValidPaths where path = ?) order by v.path',
      path,
    )
  }

  /** Derivations in the store that have this output. */
  validDerivers(path: string): string[] {
    return this.#texts(
      'select v.path as text from DerivationOutputs d join ValidPaths v on d.drv = v.id where d.path = ? order by v.path',
      path,
    )
  }

  derivationOutputs(id: number): { readonly id: string; readonly path: string }[] {
    const rows = this.#all('select id, path from DerivationOutputs where drv = ? order by id', id)
    return rows.map((row) => ({ id: String(row.id), path: String(row.path) }))
  }

  /** Those of the paths that are valid: one statement for many takes a tenth of one for each. */
  validAmong(paths: readonly string[]): string[] {
    return this.#texts(
      'select v.path as text from json_each(?) j cross join ValidPaths v on v.path = j.value',
      JSON.stringify(paths),
    )
  }

  /** Those of the paths that are valid and all that they refer to: one statement takes a sixth of three for each path. */
  closureOf(paths: readonly string[]): string[] {
    return this.#texts(
      `with recursive Closure(id) as (
         select v.id from json_each(?) j cross join ValidPaths v on v.path = j.value
         union select r.reference from Closure c cross join Refs r on r.referrer = c.id
       ) select v.path as text from Closure c cross join ValidPaths v on v.id = c.id`,
      JSON.stringify(paths),
    )
  }

  /** The outputs of those of the derivations that are valid, in their order. */
  outputsAmong(
    derivations: readonly string[],
  ): { readonly derivation: string; readonly id: string; readonly path: string }[] {
    const rows = this.#all(
      'select v.path as derivation, d.id as id, d.path as path from json_each(?) j cross join ValidPaths v on v.path = j.value cross join DerivationOutputs d on d.drv = v.id order by j.key, d.id',
      JSON.stringify(derivations),
    )
    return rows.map((row) => ({ derivation: String(row.derivation), id: String(row.id), path: String(row.path) }))
  }

  /** The first valid path that is not before `prefix`. */
  firstFrom(prefix: string): string | undefined {
    return this.#texts('select path as text from ValidPaths where path >= ? order by path limit 1', prefix)[0]
  }

  allPaths(): string[] {
    return this.#texts('select path as text from ValidPaths order by path')
  }

  allRows(): PathRow[] {
    return this.rowsAsTheyAre().map((row) => this.checked(row))
  }

  /** Whatever stands in the table, for `checked`. */
  rowsAsTheyAre(): Record<string, unknown>[] {
    return this.#all('select * from ValidPaths order by path')
  }

  /** What a graph of all paths needs of their rows. */
  allNodes(): Pick<PathRow, 'id' | 'path' | 'deriver' | 'narSize'>[] {
    const rows = this.#all('select id, path, deriver, narSize from ValidPaths order by path')
    return rows.map((row) => this.#checked(row, NODE_COLUMNS))
  }

  /** All references as pairs of row ids. */
  allReferences(): { readonly referrer: number; readonly reference: number }[] {
    return this.#all('select referrer, reference from Refs') as { referrer: number; reference: number }[]
  }

  allDerivationOutputs(): { readonly drv: number; readonly path: string }[] {
    const rows = this.#all('select drv, path from DerivationOutputs')
    return rows.map((row) => ({ drv: Number(row.drv), path: String(row.path) }))
  }

  insertPath(row: NewPathRow): number {
    const result = this.#run(
      'insert into ValidPaths (path, hash, registrationTime, deriver, narSize, ultimate, sigs, ca) values (?, ?, ?, ?, ?, ?, ?, ?)',
      row.path,
      row.hash,
      row.registrationTime,
      row.deriver,
      row.narSize,
      row.ultimate,
      row.sigs,
      row.ca,
    )
    return Number(result.lastInsertRowid)
  }

  updatePath(row: NewPathRow): void {
    this.#run(
      'update ValidPaths set narSize = ?, hash = ?, ultimate = ?, sigs = ?, ca = ? where path = ?',
      row.narSize,
      row.hash,
      row.ultimate,
      row.sigs,
      row.ca,
      row.path,
    )
  }

  insertReference(referrer: number, reference: number): void {
    this.#run('insert or replace into Refs (referrer, reference) values (?, ?)', referrer, reference)
  }

  insertDerivationOutput(derivation: number, output: string, path: string): void {
    this.#run('insert or replace into DerivationOutputs (drv, id, path) values (?, ?, ?)', derivation, output, path)
  }

  /** Gives false when another valid path still refers to it. */
  deletePath(path: string): boolean {
    const id = this.id(path)
    if (id === undefined) return true
    if (this.#get('select 1 from Refs where reference = ? and referrer != ? limit 1', id, id) !== undefined)
      return false
    this.#run('delete from ValidPaths where id = ?', id)
    return true
  }

  /** What SQLite itself finds wrong with the file, empty when nothing is. */
  integrityProblems(): string[] {
    const problems = this.#texts('select integrity_check as text from pragma_integrity_check').filter(
      (text) => text !== 'ok',
    )
    for (const row of this.#all('select "table", rowid, parent from pragma_foreign_key_check')) {
      problems.push(`row ${String(row.rowid)} of ${String(row.table)} refers to a missing row of ${String(row.parent)}`)
    }
    return problems
  }

  /**
   * Runs `work` while no other process can write to the database, and commits; an error rolls everything back.
   * A call inside another transaction becomes part of it.
   */
  transaction<T>(work: () => T): T {
    if (this.#readOnly) throw readOnlyError(this.#stateDirectory)
    if (this.#depth > 0) return work()
    this.#exec('BEGIN IMMEDIATE')
    this.#depth++
    try {
      const result = work()
      this.#exec('COMMIT')
      return result
    } catch (error) {
      // A full disk may have rolled it back already.
      if (this.#open().isTransaction) this.#exec('ROLLBACK')
      throw error
    } finally {
      this.#depth--
    }
  }

  /** Waits until a writer that was at work has finished. */
  barrier(): void {
    this.transaction(() => undefined)
  }

  #statement(sql: string): StatementSync {
    const database = this.#open()
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = database.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }

  // An immutable opening sees nothing of later writers and would read torn pages after their checkpoint. A look at the
  // file before each query costs 3 µs, and a long-lived reader stays right.
  #open(): DatabaseSync {
    if (this.#stamp !== undefined) {
      const now = databaseStamp(this.#stateDirectory)
      if (now !== this.#stamp) {
        this.#statements.clear()
        this.#database?.close()
        this.#database = openDatabase(this.#stateDirectory, true)
        this.#openings++
        this.#stamp = now
      }
    }
    return this.#database as DatabaseSync
  }

  #get(sql: string, ...values: SQLInputValue[]): Record<string, unknown> | undefined {
    return this.#guard(() => this.#statement(sql).get(...values))
  }

  #all(sql: string, ...values: SQLInputValue[]): Record<string, unknown>[] {
    return this.#guard(() => this.#statement(sql).all(...values))
  }

  #texts(sql: string, ...values: SQLInputValue[]): string[] {
    return this.#all(sql, ...values).map(({ text }) => {
      if (isText(text)) return text
      throw this.#damaged(`${String(text)} stands in the place of a text`)
    })
  }

  #run(sql: string, ...values: SQLInputValue[]): { readonly lastInsertRowid: number | bigint } {
    return this.#guard(() => this.#statement(sql).run(...values))
  }

  /** Refuses a row that is none: SQLite lets a column hold anything, whatever its type. */
  checked(row: Record<string, unknown>): PathRow {
    return this.#checked(row, COLUMNS)
  }

  #checked(row: Record<string, unknown>, columns: typeof COLUMNS): PathRow {
    for (const [column, fits] of columns) {
      if (!fits(row[column])) throw this.#damaged(`row ${String(row.id)} has a bad ${column}`)
    }
    return row as unknown as PathRow
  }

  #damaged(what: string): UserError {
    return new UserError('STORE_CORRUPT', `the store database '${this.#file}' is damaged: ${what}`, {
      hint: 'see what is wrong with: baryon store verify',
    })
  }

  get #file(): string {
    return join(this.#stateDirectory, 'db/db.sqlite')
  }

  #exec(sql: string): void {
    this.#guard(() => this.#open().exec(sql))
  }

  #guard<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw asDatabaseError(error, this.#file)
    }
  }
}

export function readOnlyError(directory: string): UserError {
  return new UserError('STORE_READ_ONLY', `the store of '${directory}' was opened for reading only`, {
    hint: 'choose a place that you can write to with --root DIR or BARYON_ROOT',
  })
}

const isText = (value: unknown): value is string => typeof value === 'string'
const isCount = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0
const COLUMNS: readonly (readonly [keyof PathRow, (value: unknown) => boolean])[] = [
  ['path', isText],
  ['hash', isText],
  ['registrationTime', Number.isSafeInteger],
  ['deriver', (value) => value === null || isText(value)],
  ['narSize', (value) => value === null || isCount(value)],
  ['sigs', (value) => value === null || isText(value)],
  ['ca', (value) => value === null || isText(value)],
]
const NODE_COLUMNS = COLUMNS.filter(([column]) => ['path', 'deriver', 'narSize'].includes(column))
