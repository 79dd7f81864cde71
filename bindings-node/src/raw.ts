/** Answers as they came. */

import type { Meta } from './meta.js'

/** The server's answer to one call, untouched. A status that is an error rejects as it always does. */
export class RawResponse<T> {
  readonly #parse: () => Promise<T>

  /** @internal */
  constructor(
    /** The HTTP status. */
    readonly status: number,
    /** The headers, their names in lower case. */
    readonly headers: Readonly<Record<string, string>>,
    /** The body's text; bytes that are not UTF-8 are replaced. */
    readonly body: string,
    /** How the call went. */
    readonly meta: Meta,
    parse: () => Promise<T>,
  ) {
    this.#parse = parse
  }

  /**
   * What the method would have given for this answer: its value, a list's rows, a run's handle. Sends nothing.
   *
   * @throws {@link HightouchError} as the method would have: an error that came under status 200, or an answer that
   * is not what the API documents.
   */
  async parse(): Promise<T> {
    return this.#parse()
  }
}
