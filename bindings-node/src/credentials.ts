/** A key that a function gives. */

import { stoppable } from './abort.js'
import { ClosedError, errorFrom } from './errors.js'

/** Gives the API key: asked before the first call, and again when the server refuses the key that it gave. */
export type ApiKeyFunction = () => string | Promise<string>

/** When a call began, as far as the key goes. */
export interface KeyState {
  /** Keys set so far. */
  readonly keys: number
  /** Answers that the function has given so far. */
  readonly answers: number
}

/**
 * Asks the function for keys, once for all calls that need one at the same time.
 *
 * @internal
 */
export class Credentials {
  readonly #give: ApiKeyFunction
  readonly #set: (key: string) => Promise<void>
  /** Private to the language: no inspection shows it. */
  #key: string | undefined
  #state: KeyState = { keys: 0, answers: 0 }
  #asking: Promise<void> | undefined

  constructor(give: ApiKeyFunction, set: (key: string) => Promise<void>) {
    this.#give = give
    this.#set = set
  }

  /** The state to hand to {@link renew} if the call that begins now is refused; asks for the first key. */
  async begin(signal?: AbortSignal): Promise<KeyState> {
    if (this.#state.keys === 0) await this.#ask(signal)
    return this.#state
  }

  /** Whether there is another key now than when a call began that was refused; asks unless that is known. */
  async renew(began: KeyState, signal?: AbortSignal): Promise<boolean> {
    // An answer since then has settled it, whether or not it was another key.
    if (this.#state.keys === began.keys && this.#state.answers === began.answers) await this.#ask(signal)
    return this.#state.keys !== began.keys
  }

  /** Takes a key that was set by hand. */
  async use(key: string): Promise<void> {
    await this.#set(key)
    this.#key = key
    this.#state = { ...this.#state, keys: this.#state.keys + 1 }
  }

  /** Joins the asking under way. A caller who goes away leaves it to the others. */
  async #ask(signal?: AbortSignal): Promise<void> {
    this.#asking ??= this.#answer().finally(() => (this.#asking = undefined))
    if (!signal) {
      await this.#asking
      return
    }
    let leave: () => void = () => undefined
    const left = new Promise<void>((resolve) => (leave = resolve))
    await stoppable(Promise.race([this.#asking, left]), signal, leave)
  }

  async #answer(): Promise<void> {
    try {
      const key = await this.#give()
      // JavaScript may call with anything, and what it is may be a key.
      if (typeof (key as unknown) !== 'string')
        throw new TypeError(`a ${typeof (key as unknown)} is no API key`)
      if (key !== this.#key) await this.use(key)
      this.#state = { ...this.#state, answers: this.#state.answers + 1 }
    } catch (cause) {
      if (cause instanceof ClosedError) throw cause
      const message = 'The function that gives the API key failed; nothing was sent.'
      throw errorFrom({ kind: 'authentication', message }, cause)
    }
  }
}
