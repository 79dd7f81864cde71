/**
 * The base class of the generated resources. The methods of a resource return values or raw responses, depending on the
 * `Calls` that the resource was created with.
 */

import { inspect } from 'node:util'

import type { SyncBatch } from './batch.js'
import type { CallOptions } from './meta.js'
import type { SyncRef } from './models.js'
import type { Listing } from './pages.js'
import type { RawResponse } from './raw.js'
import type { AnyRunHandle } from './runs.js'

/**
 * Makes the calls for the methods of a resource. The interface has one function for each type of result.
 *
 * @internal
 */
export interface Calls {
  value<T>(op: string, args: object, options: CallOptions): Promise<T>
  nothing(op: string, args: object, options: CallOptions): Promise<void>
  list<T, Rec extends object>(op: string, args: object, options: CallOptions): Listing<T, Rec>
  run<Handle extends AnyRunHandle>(op: string, args: object, options: CallOptions): Promise<Handle>
  latest<Handle extends AnyRunHandle>(op: string, args: object, options: CallOptions): Promise<Handle | null>
  batch(syncs: readonly SyncRef[], args: object, options: CallOptions): Promise<SyncBatch>
}

/** The type of a method that has the parameters of `Method` and returns the raw response. */
export type RawMethod<Method> = Method extends (...args: infer Args) => Listing<infer Row>
  ? (...args: Args) => Promise<RawResponse<Row[]>>
  : Method extends (...args: infer Args) => Promise<infer Value>
    ? (...args: Args) => Promise<RawResponse<Value>>
    : never

/**
 * The methods of a resource, each of which returns the raw response. `runMany` and `estimateMany` are
 * left out, because they have no single response.
 */
export type WithRawResponse<Methods> = {
  readonly [
    Name in keyof Methods as Exclude<Name, 'withRawResponse' | 'runMany' | 'estimateMany'>
  ]: RawMethod<Methods[Name]>
}

/** A resource of the API. */
export abstract class Resource {
  /** @internal */
  protected readonly calls: Calls

  /**
   * Methods of the same names that return a {@link RawResponse} with the status, the headers and the body. The method
   * of a list returns the response that contains the first page.
   */
  declare readonly withRawResponse: WithRawResponse<this>

  /** @internal */
  constructor(calls: Calls, raw?: Calls) {
    this.calls = calls
    if (!raw) return
    const Raw = this.constructor as new (calls: Calls) => Resource
    this.withRawResponse = new Raw(raw) as unknown as WithRawResponse<this>
  }

  /** @internal */
  [inspect.custom](): string {
    return `${this.constructor.name} {}`
  }
}
