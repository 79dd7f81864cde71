/** An API key function (the setting `apiKey` of a client), as a scenario describes it. */

import { setTimeout } from 'node:timers/promises'

import type { Hightouch } from 'hightouch-sdk'

/**
 * What one call of the key function does: it returns a key, perhaps late; it fails; or it makes a call with the client
 * that has this function.
 */
export type KeyEntry = string | { fails?: string; usesClient?: true; delayMs?: number; key?: string }

export class KeyFunction {
  calls = 0
  readonly #entries: KeyEntry[]
  readonly #ended = new AbortController()

  constructor(entries: KeyEntry[]) {
    this.#entries = [...entries]
  }

  /**
   * Does what the next entry says; the last entry is used for all further calls. `client` is the client that has this
   * function.
   */
  async key(client: Hightouch): Promise<string> {
    this.calls += 1
    const [entry = ''] = this.#entries.length > 1 ? this.#entries.splice(0, 1) : this.#entries
    if (typeof entry === 'string') return entry
    if (entry.delayMs !== undefined) {
      await setTimeout(entry.delayMs, undefined, { signal: this.#ended.signal })
    }
    if (entry.fails !== undefined) throw new Error(entry.fails)
    if (entry.usesClient) await client.syncs.get(1)
    return entry.key ?? ''
  }

  /** Ends a delay that is in progress, so that nothing runs after the scenario. */
  end(): void {
    this.#ended.abort()
  }
}
