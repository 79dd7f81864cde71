/** A key that a function gives. */

import { AsyncLocalStorage } from 'node:async_hooks'

/** Gives the API key: asked before the first request, and again when the server refuses the key that it gave. */
export type ApiKeyFunction = () => string | Promise<string>

/** Makes one call that sends nothing; `signal` ends it. */
type LocalCall = (op: string, args: object, signal?: AbortSignal) => Promise<unknown>

/** The credentials whose function is running. */
const asking = new AsyncLocalStorage<Credentials>()

/**
 * Calls the function when the core wants a key.
 *
 * @internal
 */
export class Credentials {
  readonly #give: ApiKeyFunction
  readonly #call: LocalCall
  #inFlight = 0
  #ended = new AbortController()
  /** What the function threw when it was last called; `undefined` if it returned. */
  failure: unknown

  constructor(give: ApiKeyFunction, call: LocalCall) {
    this.#give = give
    this.#call = call
  }

  /** Whether the code that runs belongs to the function. */
  get isAsking(): boolean {
    return asking.getStore() === this
  }

  /** Answers the core while `work` goes on: with no call in flight nothing waits, and the process may end. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    if (this.#inFlight === 0) {
      this.#ended = new AbortController()
      void this.#serve(this.#ended.signal)
    }
    this.#inFlight += 1
    try {
      return await work()
    } finally {
      this.#inFlight -= 1
      if (this.#inFlight === 0) this.#ended.abort()
    }
  }

  async #serve(ended: AbortSignal): Promise<void> {
    try {
      for (;;) {
        await this.#call('client.keyWanted', {}, ended)
        await this.#answer()
      }
    } catch {
      // The last call has ended, or the client is closed.
    }
  }

  async #answer(): Promise<void> {
    try {
      const key: unknown = await asking.run(this, this.#give)
      // JavaScript may call with anything, and what it is may be a key.
      if (typeof key !== 'string') throw new TypeError(`a ${typeof key} is no API key`)
      await this.#call('client.setKey', { apiKey: key })
      this.failure = undefined
    } catch (thrown) {
      this.failure = thrown
      await this.#call('client.keyFailed', { message: String(thrown) })
    }
  }
}
