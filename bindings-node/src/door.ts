/** Calls through the door: JSON out, JSON back, one promise each. */

import { abortable } from './abort.js'
import { errorFrom, failureOf } from './errors.js'
import type { CallSettings } from './models.js'
import { loadNative, type Native, type NativeBridge, type NativeEngine, type Settled } from './native.js'

/** What may be set for one call; it wins over what the client was made with. */
export interface CallOptions extends CallSettings {
  /** Stops the call: the promise rejects with the signal's `reason` and the request is given up. */
  signal?: AbortSignal | undefined
}

/** One try of one request. */
export interface Attempt {
  /** The HTTP status, where there was an answer. */
  status?: number
  /** The kind of failure, where there was none. */
  failure?: string
  /** How long it took, in milliseconds. */
  ms: number
}

/** How a call went. */
export interface Meta {
  /** The id that was sent as `X-Request-Id`. */
  requestId: string
  /** The operation, such as `syncs.list`. */
  operation: string
  /** Milliseconds spent waiting for the rate limit. */
  waitedMs: number
  /** Milliseconds of the whole call. */
  durationMs: number
  /** Paths in the answer that were missing and were filled with a default. */
  mended: string[]
  /** One entry for each time a request was tried. */
  attempts: Attempt[]
}

/** What the door gave for one call. */
export interface Reply<T> {
  meta: Meta
  /** The token of the next page. */
  next?: string
  value: T
}

/** One environment's bridge and the calls that wait behind it. */
class Exchange {
  readonly #pending = new Map<number, (settled: Settled) => void>()
  readonly #bridge: NativeBridge
  #last = 0

  constructor(readonly native: Native) {
    this.#bridge = new native.Bridge((batch) => {
      for (const settled of batch) {
        const settle = this.#pending.get(settled[0])
        this.#pending.delete(settled[0])
        settle?.(settled)
      }
      if (this.#pending.size === 0) this.#bridge.hold(false)
    })
  }

  async send(
    engine: NativeEngine,
    op: string,
    args: string,
    opts: string,
    signal?: AbortSignal,
  ): Promise<Settled> {
    const cancel = signal && new this.native.Cancel()
    do this.#last = (this.#last + 1) >>> 0
    while (this.#pending.has(this.#last))
    const id = this.#last
    this.#bridge.call(engine, id, op, args, opts, cancel)
    if (this.#pending.size === 0) this.#bridge.hold(true)
    const settled = new Promise<Settled>((resolve) => this.#pending.set(id, resolve))
    if (!signal || !cancel) return settled
    return abortable(settled, signal, () => {
      cancel.cancel()
    })
  }
}

let exchange: Exchange | undefined

/** A client behind the door; what the host's classes share. */
export class Door {
  readonly #exchange: Exchange
  readonly #engine: NativeEngine

  /** @throws HightouchError (`config`) when the settings are not right. */
  constructor(settings: object) {
    this.#exchange = exchange ??= new Exchange(loadNative())
    const engine = this.#exchange.native.open(encode(settings, 'settings'))
    if (typeof engine === 'string') throw errorFrom(failureOf(engine))
    this.#engine = engine
  }

  /** Makes one call. */
  async call<T>(op: string, args: object = {}, options: CallOptions = {}): Promise<Reply<T>> {
    const { signal, ...opts } = options
    signal?.throwIfAborted()
    const sent = this.#exchange.send(
      this.#engine,
      op,
      encode(args, 'arguments'),
      encode(opts, 'options'),
      signal,
    )
    // Made after the await, the error's stack shows who called.
    const [, ok, head, body] = await sent
    if (!ok) throw errorFrom(failureOf(head))
    return { ...(JSON.parse(head) as { meta: Meta; next?: string }), value: JSON.parse(body) as T }
  }

  /** Makes one call and keeps only its value. */
  async value<T>(op: string, args?: object, options?: CallOptions): Promise<T> {
    return (await this.call<T>(op, args, options)).value
  }
}

/** JSON of what was given; what JSON would drop or change in silence is refused. */
function encode(value: object, what: 'arguments' | 'options' | 'settings'): string {
  try {
    return JSON.stringify(value, (name, member: unknown) => {
      const strange =
        typeof member === 'number'
          ? !Number.isFinite(member)
          : ['bigint', 'function', 'symbol'].includes(typeof member)
      // Its name and type only: what it holds may be a key.
      if (strange) throw new TypeError(`${name}, a ${typeof member}, cannot be sent as JSON`)
      return member
    })
  } catch (cause) {
    const message = `the ${what} are not JSON: ${cause instanceof Error ? cause.message : typeof cause}`
    throw errorFrom({ kind: what === 'settings' ? 'config' : 'invalid_request', message }, cause)
  }
}
