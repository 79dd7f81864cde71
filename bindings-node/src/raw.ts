/** Raw responses. */

import type { Meta } from './meta.js'

/**
 * The server's unchanged response to one call, and the value in the response. If the response has an error status, the
 * call rejects, as without `withRawResponse`.
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
   * @throws {@link HightouchError} if the body reports an error in spite of the status 200, or is not what the API
   * documents.
   */
  async parse(): Promise<T> {
    return Promise.resolve(this.#parse())
  }
}
