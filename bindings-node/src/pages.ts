/** Lists: awaited for their first page, or iterated to their end. */

import type { Door } from './door.js'
import type { CallOptions, Meta } from './meta.js'

/** One page of a list: `for` goes over its own items, `for await` over these and those of all following pages. */
export class Page<T> implements Iterable<T>, AsyncIterable<T> {
  readonly #next: (() => Promise<Page<T>>) | undefined

  /** @internal */
  constructor(
    /** The page's items. */
    readonly data: readonly T[],
    /** How the call went that brought this page. */
    readonly meta: Meta,
    next: (() => Promise<Page<T>>) | undefined,
  ) {
    this.#next = next
  }

  /** Whether another page may follow. The API does not say how many: the next one can be empty. */
  get hasNext(): boolean {
    return this.#next !== undefined
  }

  /** Asks for the next page; `undefined` after the last one. */
  async next(): Promise<Page<T> | undefined> {
    return this.#next?.()
  }

  /** The page's own items. */
  [Symbol.iterator](): Iterator<T> {
    return this.data[Symbol.iterator]()
  }

  /** The items of this page and of all that follow it, each page asked for when its first item is. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    yield* this.data
    for (let page = await this.next(); page; page = await page.next()) yield* page.data
  }
}

/**
 * A list that sends nothing until it is awaited (first page) or iterated (all items).
 * Its first page is asked for once, however often it is awaited; call the method again for a fresh one.
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
   * The first page, as of a promise.
   *
   * @param onFulfilled Is given the page.
   * @param onRejected Is given what went wrong.
   */
  then<A = Page<T>, B = never>(
    onFulfilled?: ((page: Page<T>) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#page().then(onFulfilled, onRejected)
  }

  /**
   * As of a promise of the first page.
   *
   * @param onRejected Is given what went wrong.
   */
  catch<B = never>(onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<Page<T> | B> {
    return this.#page().catch(onRejected)
  }

  /**
   * As of a promise of the first page.
   *
   * @param onFinally Is called when the page is there or could not be had.
   */
  finally(onFinally?: (() => void) | null): Promise<Page<T>> {
    return this.#page().finally(onFinally)
  }

  /** All pages, one request each, the next one sent when it is asked for. */
  async *pages(): AsyncGenerator<Page<T>, void, undefined> {
    for (let page: Page<T> | undefined = await this.#page(); page; page = await page.next()) yield page
  }

  /** All items of all pages, as an array: one request a page. */
  async toArray(): Promise<T[]> {
    const items: T[] = []
    for await (const { data } of this.pages()) items.push(...data)
    return items
  }

  /** The first item; `undefined` where the list is empty. */
  async first(): Promise<T | undefined> {
    for await (const item of this) return item
    return undefined
  }

  /** All items of all pages. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    yield* await this.#page()
  }
}
