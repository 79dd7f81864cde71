/** A function that gives keys as a scenario says. */

import { setTimeout } from 'node:timers/promises'

import type { Hightouch } from 'hightouch-sdk'

/** What it does when it is asked: gives a key, perhaps late, or fails. */
export type KeyEntry = string | { fails?: string; usesClient?: true; delayMs?: number; key?: string }

export class KeyFunction {
  asked = 0
  readonly #entries: KeyEntry[]
  readonly #ended = new AbortController()

  constructor(entries: KeyEntry[]) {
    this.#entries = [...entries]
  }

  /** The key that is next, of the function of this client. */
  async key(client: Hightouch): Promise<string> {
    this.asked += 1
    const [entry = ''] = this.#entries.length > 1 ? this.#entries.splice(0, 1) : this.#entries
    if (typeof entry === 'string') return entry
    if (entry.delayMs !== undefined) {
      await setTimeout(entry.delayMs, undefined, { signal: this.#ended.signal })
    }
    if (entry.fails !== undefined) throw new Error(entry.fails)
    if (entry.usesClient) await client.syncs.get(1)
    return entry.key ?? ''
  }

  /** Ends a delay, so that nothing outlives its scenario. */
  end(): void {
    this.#ended.abort()
  }
}
