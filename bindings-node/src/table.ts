/** Converts values to flat records, and writes records as CSV and JSON Lines. */

import type { Readable } from 'node:stream'

import { checkNames } from './checks.js'
import { csvLine, type Cell } from './csv.js'
import { Json } from './json.js'
import type { RowCounts } from './models.js'

/** One column of a {@link Table}. */
export interface Column {
  /** The name of the column: the name of a member of the record. */
  readonly name: string
  /** The name of the same column in Python. */
  readonly snakeName: string
  /**
   * The type of the column's values. A `timestamp` is a text such as `2026-08-13T09:30:00.000Z`, `list` is an array of
   * numbers or of texts, and `json` is the text of a JSON value, with all its digits.
   */
  readonly type: 'int' | 'float' | 'bool' | 'string' | 'timestamp' | 'list' | 'json'
  /**
   * The names of the members that lead from an object of the API to the column's value; empty if no member holds that
   * value.
   *
   * @internal
   */
  readonly path: readonly string[]
}

/** Records to write: an array, a list's `records()`, or a generator of your own. */
export type Records<Rec extends object> = Iterable<Rec> | AsyncIterable<Rec>

/** Options of `toJSONL`. */
export interface JSONLOptions {
  /**
   * The columns to write, in this order; by default all columns of the table. They may include members that you added
   * to the records yourself.
   */
  columns?: readonly string[] | undefined
  /** Whether names are written in snake case, as Python has them: `sync_id` for `syncId`. Default: false. */
  snakeCase?: boolean | undefined
}

/** Options of `toCSV`. */
export interface CSVOptions extends JSONLOptions {
  /** Whether to write a first line with the names of the columns. Default: true. */
  header?: boolean | undefined
  /**
   * Whether to write a `'` before each text that a spreadsheet would take for a formula, because it begins with `=`,
   * `+`, `-`, `@`, a tab or a line break. Default: false, which writes each text as it is. Set this option for a file
   * that people open in a spreadsheet, because strangers may have chosen the names and error messages in Hightouch.
   */
  escapeFormulas?: boolean | undefined
}

const JSONL_OPTIONS = ['columns', 'snakeCase'] as const satisfies (keyof JSONLOptions)[]
const CSV_OPTIONS = [...JSONL_OPTIONS, 'header', 'escapeFormulas'] as const satisfies (keyof CSVOptions)[]

/**
 * The columns of one type of values. {@link tables} has the tables of all types.
 *
 * @typeParam Value The type of the values.
 * @typeParam Rec The type of their records.
 */
export class Table<Value extends object, Rec extends object> {
  readonly #described: readonly string[]
  #columns: readonly Column[] | undefined

  /**
   * Each text describes a column: its name, its type, and its path, joined by spaces. The names of the path are joined
   * by dots. The path is left out if it is the same as the name of the column. An empty path is written as `-`.
   *
   * @internal
   */
  constructor(...described: readonly string[]) {
    this.#described = described
  }

  /** The columns, in the order in which they are written. */
  get columns(): readonly Column[] {
    return (this.#columns ??= this.#described.map(columnOf))
  }

  /**
   * Converts a value to a flat record. The record has all columns, in order. A column that the value lacks is null.
   *
   * ```ts
   * import { Hightouch, tables } from 'hightouch-sdk'
   *
   * const ht = new Hightouch()
   * const run = await ht.syncs.trigger('orders-to-salesforce')
   * console.table([tables.syncRuns.record(await run.wait(), { syncId: run.syncId })])
   * await ht.close()
   * ```
   *
   * @param value The value.
   * @param known Columns that the value itself lacks, such as the `syncId` of a run.
   */
  record(value: Value, known: Partial<Rec> = {}): Rec {
    const record: Record<string, unknown> = {}
    for (const column of this.columns) {
      record[column.name] = cellOf(value, column) ?? (known as Record<string, unknown>)[column.name] ?? null
    }
    return record as Rec
  }

  /**
   * Writes records as CSV (RFC 4180), in UTF-8. Null is an empty cell, and an empty text is `""`. A record is taken
   * only when the reader of the stream needs the record. So a list fetches a page only when the reader needs the first
   * item of the page. If taking a record fails, the stream fails with the same error.
   *
   * @param records The records. They may have members that are no columns; the option `columns` may name such members.
   * @param options How to write the records.
   * @throws {@link InvalidRequestError} if an option is unknown. The stream fails with a `TypeError` if a record lacks
   * a column to write, or holds a value that cannot be written.
   */
  toCSV<Row extends Rec>(records: Records<Row>, options: CSVOptions = {}): Readable {
    checkNames('option', options, CSV_OPTIONS)
    const { header = true, escapeFormulas = false } = options
    const [keys, names] = this.#named(options)
    return stream(header ? csvLine(names) : undefined, records, (record) =>
      csvLine(
        keys.map((key) => flat(cellOfRecord(record, key))),
        escapeFormulas,
      ),
    )
  }

  /**
   * Writes records as JSON Lines, in UTF-8: one JSON object a line, each with all columns. Columns of JSON hold text,
   * and columns of lists hold arrays. A record is taken only when the reader of the stream needs it, as with {@link
   * Table.toCSV}.
   *
   * @param records The records. They may have members that are no columns; the option `columns` may name such members.
   * @param options How to write the records.
   * @throws {@link InvalidRequestError} if an option is unknown. The stream fails with a `TypeError` if a record lacks
   * a column to write, or holds a value that cannot be written.
   */
  toJSONL<Row extends Rec>(records: Records<Row>, options: JSONLOptions = {}): Readable {
    checkNames('option', options, JSONL_OPTIONS)
    const [keys, names] = this.#named(options)
    const labels = names.map((name) => JSON.stringify(name))
    return stream(undefined, records, (record) => {
      const members = keys.map(
        (key, index) => `${String(labels[index])}:${jsonOf(cellOfRecord(record, key))}`,
      )
      return `{${members.join(',')}}\n`
    })
  }

  /** Returns the names of the members to write, and the names under which they are written. */
  #named({ columns, snakeCase = false }: JSONLOptions): [keys: readonly string[], names: string[]] {
    const keys = columns ?? this.columns.map(({ name }) => name)
    const known = new Map(this.columns.map(({ name, snakeName }) => [name, snakeName]))
    return [keys, keys.map((key) => (snakeCase ? (known.get(key) ?? key) : key))]
  }
}

function columnOf(described: string): Column {
  const [name = '', type, path = name] = described.split(' ')
  const snakeName = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  return { name, snakeName, type: type as Column['type'], path: path === '-' ? [] : path.split('.') }
}

/** Creates a stream of lines. Each line is a chunk, so that no record is taken before the previous line was read. */
function stream<Rec extends object>(
  first: string | undefined,
  records: Records<Rec>,
  line: (record: Rec) => string,
): Readable {
  async function* lines(): AsyncGenerator<string, void, undefined> {
    if (first !== undefined) yield first
    for await (const record of records) yield line(record)
  }
  // `node:stream` is loaded at its first use, because loading it takes longer than the rest of importing this package.
  const { Readable } = process.getBuiltinModule('node:stream')
  return Readable.from(lines(), { objectMode: false, highWaterMark: 1 })
}

function cellOf(value: object, { name, type, path }: Column): unknown {
  if (name === 'durationSeconds') return seconds(value)
  let found: unknown = path.length === 0 ? undefined : value
  for (const step of path) found = (found as Record<string, unknown> | null | undefined)?.[step]
  if (found === undefined || found === null) return undefined
  // If the path of an `int` column leads to an object, the cell is the sum of the row counts in that object.
  if (type === 'int' && typeof found === 'object') {
    const { addedCount, changedCount, removedCount } = found as RowCounts
    return addedCount + changedCount + removedCount
  }
  return type === 'json' ? Json.stringify(found) : found
}

/** Returns a cell for CSV. A list becomes JSON text. */
function flat(cell: Cell | readonly unknown[]): Cell {
  return typeof cell === 'object' && cell !== null ? Json.stringify(cell) : cell
}

function jsonOf(cell: Cell | readonly unknown[]): string {
  return typeof cell === 'object' && cell !== null
    ? Json.stringify(cell)
    : typeof cell === 'bigint'
      ? String(cell)
      : JSON.stringify(cell)
}

/** Returns the seconds from the start of a run to its end; undefined if the run lacks one of these times. */
function seconds(run: object): number | undefined {
  const { startedAt, finishedAt } = run as { startedAt?: string; finishedAt?: string }
  if (startedAt === undefined || finishedAt === undefined) return undefined
  return (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000
}

/** Returns the cell of a record in a column. Users can add columns and change cells, so the cell is checked. */
function cellOfRecord(record: object, key: string): Cell | readonly unknown[] {
  if (!Object.hasOwn(record, key)) throw new TypeError(`a record has no column \`${key}\`.`)
  const cell: unknown = (record as Record<string, unknown>)[key]
  switch (typeof cell) {
    case 'string':
    case 'boolean':
    case 'bigint':
      return cell
    case 'number':
      if (Number.isFinite(cell)) return cell
      break
    case 'undefined':
      return null
    case 'object':
      if (cell === null || Array.isArray(cell)) return cell
      return cell instanceof Date ? cell.toISOString() : Json.stringify(cell)
  }
  throw new TypeError(`the column \`${key}\` of a record holds a ${typeof cell} that cannot be written.`)
}
