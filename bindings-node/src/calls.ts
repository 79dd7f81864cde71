/** Makes the calls of the resources, for their values or for raw answers. */

import type { Door } from './door.js'
import { Json, type JsonInput } from './json.js'
import type { CallOptions } from './meta.js'
import { Listing } from './pages.js'
import { RawResponse } from './raw.js'
import type { Calls } from './resource.js'
import { handleOf, type AnyRunHandle, type RunRecord } from './runs.js'

/** Makes calls for their values. */
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

  list<T>(op: string, args: object, options: CallOptions): Listing<T> {
    return new Listing<T>(this.#door, op, args, options)
  }

  async run<Handle extends AnyRunHandle>(op: string, args: object, options: CallOptions): Promise<Handle> {
    return handleOf(this.#door, await this.#door.value<RunRecord>(op, args, options)) as Handle
  }
}

type RawCall = (op: string, args: object, options: CallOptions) => Promise<RawResponse<unknown>>

/** Makes the same calls for their raw answers, as {@link WithRawResponse} types them. */
export function rawCalls(door: Door): Calls {
  const giving = (shape: (parsed: unknown) => unknown): RawCall => {
    return async (op, args, options) => {
      // The caller may go on to use the object for something else; what was asked for stays what it was.
      const asked = new Json(args as JsonInput)
      const { meta, body } = await door.raw(op, asked, options)
      const { status = 0, headers = {}, ...rest } = meta
      const parse = async (): Promise<unknown> =>
        shape(await door.value('parse', { op, args: asked, status, headers, body }))
      return new RawResponse(status, headers, body, rest, parse)
    }
  }
  const value = giving((parsed) => parsed)
  const calls: Record<keyof Calls, RawCall> = {
    value,
    list: value,
    nothing: giving(() => undefined),
    run: giving((parsed) => handleOf(door, parsed as RunRecord)),
  }
  return calls as unknown as Calls
}
