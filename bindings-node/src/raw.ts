/** Raw responses. */

import type { Meta } from './meta.js'

/**
 * The unchanged response of the server to one call, and the value in it. An error status rejects the call here too.
 */
export class RawResponse<T> {
  readonly #parse: () => T

  /** @internal */
  constructor(
    /** The HTTP status. */
    readonly status: number,
    /** The headers. Their names are in lower case. */
    readonly headers: Readonly<Record<string, string>>,
    /** The body as text. Bytes that are not UTF-8 are replaced with `U+FFFD`. */
    readonly body: string,
    /** What happened during the call. */
    readonly meta: Meta,
    parse: () => T,
  ) {
    this.#parse = parse
  }

  /**
   * Returns the value of the response. Sends nothing, and works after the client is closed.
   *
   * @returns What the method without `withRawResponse` returns; for a list, the items of the page.
   * @throws {@link HightouchError} if the body is an error that came with status 200, or is not what the API documents.
   */
  async parse(): Promise<T> {
    return Promise.resolve(this.#parse())
  }
}
