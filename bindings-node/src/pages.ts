/** Lists and their pages. */

import type { Readable } from 'node:stream'
import { inspect } from 'node:util'

import { checkNames, refusal } from './checks.js'
import type { Door } from './door.js'
import type { CallOptions, Meta } from './meta.js'
import { TABLES } from './records.js'
import type { CSVOptions, JSONLOptions, Table } from './table.js'

/** What a page needs to convert its items to records. */
interface ToRecords<Rec extends object> {
  table: Table<object, Rec>
  /** The columns that the items lack: the ids of the resources that the items belong to, such as `syncId`. */
  parent: object
}

/**
 * One page of a list. `for` iterates over the items of this page, and `for await` over the items of this page and all
 * later pages.
 *
 * @typeParam T The type of the items.
 * @typeParam Rec The type of their records.
 */
export class Page<T, Rec extends object = object> implements Iterable<T>, AsyncIterable<T> {
  readonly #next: (() => Promise<Page<T, Rec>>) | undefined
  readonly #toRecords: ToRecords<Rec>

  /** @internal */
  constructor(
    /** The page's items. */
    readonly data: readonly T[],
    /** What happened during the call that fetched this page. */
    readonly meta: Meta,
    next: (() => Promise<Page<T, Rec>>) | undefined,
    toRecords: ToRecords<Rec>,
  ) {
    this.#next = next
    this.#toRecords = toRecords
  }

  /**
   * Whether another page may follow. The next page can be empty, because the API does not say how many items there are.
   */
  get hasNext(): boolean {
    return this.#next !== undefined
  }

  /**
   * Fetches the next page.
   *
   * @returns The next page, or `undefined` if this page is the last one.
   */
  async next(): Promise<Page<T, Rec> | undefined> {
    return this.#next?.()
  }

  /** Returns the items of this page as flat records. */
  records(): Rec[] {
    const { table, parent } = this.#toRecords
    return this.data.map((item) => table.record(item as object, parent as Partial<Rec>))
  }

  /** Iterates over the items of this page. */
  [Symbol.iterator](): Iterator<T> {
    return this.data[Symbol.iterator]()
  }

  /** Iterates over the items of this page and all later pages. A page is fetched when its first item is needed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    yield* this.data
    for (let page = await this.next(); page; page = await page.next()) yield* page.data
  }

  /** Returns the page as a plain object, for `JSON.stringify`. */
  toJSON(): Pick<Page<T>, 'data' | 'hasNext' | 'meta'> {
    return { data: this.data, hasNext: this.hasNext, meta: this.meta }
  }
}

/**
 * A list. `await` fetches its first page, and `for await` iterates over the items of all pages. Creating a list sends
 * nothing. The first page is fetched only once; to fetch it again, call the method that returned the list.
 *
 * @typeParam T The type of the items.
 * @typeParam Rec The type of their records.
 */
export class Listing<T, Rec extends object = object> implements PromiseLike<Page<T, Rec>>, AsyncIterable<T> {
  readonly #read: (args: object) => Promise<Page<T, Rec>>
  readonly #args: object
  readonly #table: Table<object, Rec>
  #first: Promise<Page<T, Rec>> | undefined

  /** @internal */
  constructor(door: Door, op: string, args: object, options: CallOptions) {
    this.#args = args
    const table = (this.#table = TABLES[op] as Table<object, Rec>)
    const { graphId, flowId, sync: named } = args as Record<string, unknown>
    const ids = { graphId, flowId, syncSlug: isSlug(named) ? named : undefined }
    this.#read = async (given) => {
      const { value, meta, next, sync } = await door.call<T[]>(op, given, options)
      const following = next === undefined ? undefined : () => this.#read({ next })
      // The caller may have named the sync by its slug, so the id comes from the core's answer.
      const parent: object = { ...ids, syncId: sync }
      return new Page<T, Rec>(value, meta, following, { table, parent })
    }
  }

  #page(): Promise<Page<T, Rec>> {
    return (this.#first ??= this.#read(this.#args))
  }

  /**
   * Fetches the first page, so that a list can be awaited.
   *
   * @param onFulfilled Called with the page.
   * @param onRejected Called with the error.
   */
  then<A = Page<T, Rec>, B = never>(
    onFulfilled?: ((page: Page<T, Rec>) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#page().then(onFulfilled, onRejected)
  }

  /**
   * Fetches the first page and handles an error, like `catch` of a promise.
   *
   * @param onRejected Called with the error.
   */
  catch<B = never>(onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<Page<T, Rec> | B> {
    return this.#page().catch(onRejected)
  }

  /**
   * Fetches the first page and then calls a function, even if fetching failed, like `finally` of a promise.
   *
   * @param onFinally Called after the page was fetched or could not be fetched.
   */
  finally(onFinally?: (() => void) | null): Promise<Page<T, Rec>> {
    return this.#page().finally(onFinally)
  }

  /** Iterates over all pages. Each page is fetched with one request, when it is needed. */
  async *pages(): AsyncGenerator<Page<T, Rec>, void, undefined> {
    for (let page: Page<T, Rec> | undefined = await this.#page(); page; page = await page.next()) yield page
  }

  /**
   * Fetches all pages and returns their items.
   *
   * @param options `max`: the most items to return; all by default. No more pages are fetched than these items need.
   * @throws {@link InvalidRequestError} if an option is unknown or wrong.
   * @throws {@link HightouchError} if a page cannot be fetched.
   */
  async toArray(options: { max?: number | undefined } = {}): Promise<T[]> {
    checkNames('option', options, ['max'])
    const { max = Infinity } = options
    const items: T[] = []
    for await (const item of this.take(max)) items.push(item)
    return items
  }

  /**
   * Iterates over the first items. Fetches no more pages than these items need.
   *
   * @param count How many items, 0 or more; fewer if the list is shorter.
   * @throws {@link InvalidRequestError} if `count` is negative or not an integer.
   */
  take(count: number): AsyncGenerator<T, void, undefined> {
    if (count !== Infinity && (!Number.isInteger(count) || count < 0)) {
      throw refusal('argument', 'the number of items must be an integer, 0 or more.')
    }
    return this.#take(count)
  }

  async *#take(count: number): AsyncGenerator<T, void, undefined> {
    if (count === 0) return
    let taken = 0
    for await (const item of this) {
      yield item
      taken += 1
      if (taken === count) return
    }
  }

  /**
   * Iterates over all items as flat records. Every record has the same columns. The columns are the same in Python. A
   * column that an item lacks is null. {@link tables} describes the columns.
   *
   * ```ts
   * for await (const { syncId, id, plannedAdded } of ht.syncs.runs(7).records()) {
   *   console.log(syncId, id, plannedAdded)
   * }
   * ```
   */
  async *records(): AsyncGenerator<Rec, void, undefined> {
    for await (const page of this.pages()) yield* page.records()
  }

  /**
   * Writes all items as CSV: their {@link Listing.records | records}, with one line for the names of the columns. A
   * page is fetched only when the reader of the stream needs the first item of the page. If a page cannot be fetched,
   * the stream fails with the error.
   *
   * ```ts
   * import { createWriteStream } from 'node:fs'
   * import { pipeline } from 'node:stream/promises'
   *
   * await pipeline(ht.syncs.list().toCSV(), createWriteStream('syncs.csv'))
   * ```
   *
   * @param options How to write the items.
   * @throws {@link InvalidRequestError} if an option is unknown.
   */
  toCSV(options?: CSVOptions): Readable {
    return this.#table.toCSV(this.records(), options)
  }

  /**
   * Writes all items as JSON Lines: one {@link Listing.records | record} a line. A page is fetched only when the reader
   * of the stream needs the first item of the page. If a page cannot be fetched, the stream fails with the error.
   *
   * @param options How to write the items.
   * @throws {@link InvalidRequestError} if an option is unknown.
   */
  toJSONL(options?: JSONLOptions): Readable {
    return this.#table.toJSONL(this.records(), options)
  }

  /**
   * Always throws. Without this method, `JSON.stringify` would write the list as `{}`, because a list itself holds no
   * items.
   *
   * @throws `TypeError` always.
   */
  toJSON(): never {
    throw new TypeError(
      'A list has no items before it is read. Write await list.toArray(), or await list for its first page.',
    )
  }

  /** Returns the first item, or `undefined` if the list is empty. */
  async first(): Promise<T | undefined> {
    for await (const item of this) return item
    return undefined
  }

  /** @internal */
  [inspect.custom](): string {
    return 'Listing { await it for its first page, or iterate over it with for await }'
  }

  /** Iterates over the items of all pages. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    yield* await this.#page()
  }
}

/** Whether a sync is named by its slug. A text of digits is an id. */
function isSlug(sync: unknown): boolean {
  return typeof sync === 'string' && !/^\d+$/.test(sync)
}
