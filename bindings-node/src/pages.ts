/** Lists and their pages. */

import { inspect } from 'node:util'

import type { Door } from './door.js'
import type { CallOptions, Meta } from './meta.js'

/** One page of a list. `for` iterates over the items of this page, `for await` also over those of all later pages. */
export class Page<T> implements Iterable<T>, AsyncIterable<T> {
  readonly #next: (() => Promise<Page<T>>) | undefined

  /** @internal */
  constructor(
    /** The page's items. */
    readonly data: readonly T[],
    /** What happened during the call that fetched this page. */
    readonly meta: Meta,
    next: (() => Promise<Page<T>>) | undefined,
  ) {
    this.#next = next
  }

  /** Whether another page may follow. That page can be empty, because the API does not say how many items there are. */
  get hasNext(): boolean {
    return this.#next !== undefined
  }

  /**
   * Fetches the next page.
   *
   * @returns The next page, or `undefined` if this page is the last one.
   */
  async next(): Promise<Page<T> | undefined> {
    return this.#next?.()
  }

  /** Iterates over the items of this page. */
  [Symbol.iterator](): Iterator<T> {
    return this.data[Symbol.iterator]()
  }

  /** Iterates over the items of this and all later pages. A page is fetched when its first item is needed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    yield* this.data
    for (let page = await this.next(); page; page = await page.next()) yield* page.data
  }
}

/**
 * A list. `await` fetches its first page, and `for await` iterates over the items of all pages. Until then nothing is
 * sent. The first page is fetched only once; to fetch it again, call the method that returned the list.
 */
export class Listing<T> implements PromiseLike<Page<T>>, AsyncIterable<T> {
  readonly #read: (args: object) => Promise<Page<T>>
  readonly #args: object
  #first: Promise<Page<T>> | undefined

  /** @internal */
  constructor(door: Door, op: string, args: object, options: CallOptions) {
    this.#args = args
    this.#read = async (given) => {
      const { value, meta, next } = await door.call<T[]>(op, given, options)
      return new Page(value, meta, next === undefined ? undefined : () => this.#read({ next }))
    }
  }

  #page(): Promise<Page<T>> {
    return (this.#first ??= this.#read(this.#args))
  }

  /**
   * Fetches the first page, so that a list can be awaited.
   *
   * @param onFulfilled Called with the page.
   * @param onRejected Called with the error.
   */
  then<A = Page<T>, B = never>(
    onFulfilled?: ((page: Page<T>) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#page().then(onFulfilled, onRejected)
  }

  /**
   * Fetches the first page and handles an error, like the method of a promise.
   *
   * @param onRejected Called with the error.
   */
  catch<B = never>(onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<Page<T> | B> {
    return this.#page().catch(onRejected)
  }

  /**
   * Fetches the first page and then calls a function, even if fetching failed, like the method of a promise.
   *
   * @param onFinally Called after the page was fetched or could not be fetched.
   */
  finally(onFinally?: (() => void) | null): Promise<Page<T>> {
    return this.#page().finally(onFinally)
  }

  /** Iterates over all pages. Each page is fetched with one request, when it is needed. */
  async *pages(): AsyncGenerator<Page<T>, void, undefined> {
    for (let page: Page<T> | undefined = await this.#page(); page; page = await page.next()) yield page
  }

  /** Fetches all pages and returns their items. */
  async toArray(): Promise<T[]> {
    const items: T[] = []
    for await (const { data } of this.pages()) items.push(...data)
    return items
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
