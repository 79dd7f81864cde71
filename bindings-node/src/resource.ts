/** What the generated resources have in common: one method serves for values and for raw answers. */

import type { CallOptions } from './meta.js'
import type { Listing } from './pages.js'
import type { RawResponse } from './raw.js'
import type { AnyRunHandle } from './runs.js'

/**
 * How a resource's methods make their calls, by what they give.
 *
 * @internal
 */
export interface Calls {
  value<T>(op: string, args: object, options: CallOptions): Promise<T>
  nothing(op: string, args: object, options: CallOptions): Promise<void>
  list<T>(op: string, args: object, options: CallOptions): Listing<T>
  run<Handle extends AnyRunHandle>(op: string, args: object, options: CallOptions): Promise<Handle>
}

/** A method as it is among those that give raw answers: the same parameters, the answer as it came. */
export type RawMethod<Method> = Method extends (...args: infer Args) => Listing<infer Row>
  ? (...args: Args) => Promise<RawResponse<Row[]>>
  : Method extends (...args: infer Args) => Promise<infer Value>
    ? (...args: Args) => Promise<RawResponse<Value>>
    : never

/** The methods of a resource, each giving the server's answer as it came instead of its value. */
export type WithRawResponse<Methods> = {
  readonly [Name in keyof Methods as Exclude<Name, 'withRawResponse'>]: RawMethod<Methods[Name]>
}

/** One resource of the API. */
export abstract class Resource {
  /** @internal */
  protected readonly calls: Calls

  /**
   * The same methods, each giving a {@link RawResponse}: status, headers and body as they came, and `parse()` for the
   * value. A list gives its first page.
   */
  declare readonly withRawResponse: WithRawResponse<this>

  /** @internal */
  constructor(calls: Calls, raw?: Calls) {
    this.calls = calls
    if (!raw) return
    const Raw = this.constructor as new (calls: Calls) => Resource
    this.withRawResponse = new Raw(raw) as unknown as WithRawResponse<this>
  }
}
