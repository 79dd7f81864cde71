/** Two implementations of {@link Calls}: the first returns values, the second returns raw responses. */

import { SyncBatch } from './batch.js'
import { refusal } from './checks.js'
import type { Door } from './door.js'
import type { CallOptions } from './meta.js'
import type { SyncRef } from './models.js'
import { Listing } from './pages.js'
import { RawResponse } from './raw.js'
import type { Calls } from './resource.js'
import { handleOf, type AnyRunHandle, type RunRecord } from './runs.js'

/** The implementation that returns values and not raw responses. */
export class ValueCalls implements Calls {
  readonly #door: Door

  constructor(door: Door) {
    this.#door = door
  }

  async value<T>(op: string, args: object, options: CallOptions): Promise<T> {
    return this.#door.value<T>(op, args, options)
  }

  async nothing(op: string, args: object, options: CallOptions): Promise<void> {
    await this.#door.value(op, args, options)
  }

  list<T, Rec extends object>(op: string, args: object, options: CallOptions): Listing<T, Rec> {
    return new Listing<T, Rec>(this.#door, op, args, options)
  }

  async run<Handle extends AnyRunHandle>(op: string, args: object, options: CallOptions): Promise<Handle> {
    return handleOf(this.#door, await this.#door.value<RunRecord>(op, args, options)) as Handle
  }

  async latest<Handle extends AnyRunHandle>(
    op: string,
    args: object,
    options: CallOptions,
  ): Promise<Handle | null> {
    return latestOf(this.#door, await this.#door.value<RunRecord | null>(op, args, options)) as Handle | null
  }

  async batch(syncs: readonly SyncRef[], args: object, options: CallOptions): Promise<SyncBatch> {
    return SyncBatch.start(this.#door, syncs, args, options)
  }
}

function latestOf(door: Door, record: RunRecord | null): AnyRunHandle | null {
  return record && handleOf(door, record)
}

type RawCall = (op: string, args: object, options: CallOptions) => Promise<RawResponse<unknown>>

/**
 * Creates an implementation that returns raw responses. Its methods have other types than the methods of {@link Calls},
 * so the implementation is cast. Users see the types of {@link WithRawResponse}.
 */
export function rawCalls(door: Door): Calls {
  const rawCall = (convert: (parsed: unknown) => unknown): RawCall => {
    return async (op, args, options) => {
      const { status, headers, body, meta, parse } = await door.raw(op, args, options)
      return new RawResponse(status, headers, body, meta, () => convert(parse()))
    }
  }
  const value = rawCall((parsed) => parsed)
  const calls: Record<Exclude<keyof Calls, 'batch'>, RawCall> & Pick<Calls, 'batch'> = {
    value,
    list: value,
    nothing: rawCall(() => undefined),
    run: rawCall((parsed) => handleOf(door, parsed as RunRecord)),
    latest: rawCall((parsed) => latestOf(door, parsed as RunRecord | null)),
    batch: () =>
      Promise.reject(refusal('argument', 'a batch has no raw response.', { operation: 'syncs.runMany' })),
  }
  return calls as unknown as Calls
}
