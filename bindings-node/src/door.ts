/** Calls through the door: JSON out, JSON back, one promise each. */

import { noteStopped, stoppable, throwIfRaised } from './abort.js'
import { Credentials, type ApiKeyFunction } from './credentials.js'
import { encode } from './encode.js'
import { CancelledError, errorFrom, failureOf, HightouchError, type Failure } from './errors.js'
import { tell, type CallHooks } from './hooks.js'
import { Json, opened } from './json.js'
import type { CallOptions, Meta } from './meta.js'
import { loadNative, type Native, type NativeBridge, type NativeEngine, type Settled } from './native.js'

/** How a call went whose raw answer was asked for. */
interface RawMeta extends Meta {
  status?: number
  headers?: Record<string, string>
}

/** What the door gave for one call. */
export interface Reply<T> {
  meta: Meta
  /** The token of the next page. */
  next?: string
  value: T
}

/** What the door gave as it came. */
interface Text {
  head: { meta: RawMeta; next?: string }
  body: string
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
    return stoppable(settled, signal, () => {
      cancel.cancel()
    })
  }
}

let exchange: Exchange | undefined

/** Ops that never send: they need no key, and no hook is told of them. */
const LOCAL = new Set(['runs.open', 'parse', 'client.stats', 'client.setKey', 'client.close'])

/** A client behind the door; what the host's classes share. */
export class Door {
  readonly #exchange: Exchange
  readonly #engine: NativeEngine
  readonly #hooks: CallHooks
  readonly #credentials: Credentials | undefined

  /** @throws HightouchError (`config`) when the settings are not right. */
  constructor(settings: object, hooks: CallHooks = {}, give?: ApiKeyFunction) {
    this.#exchange = exchange ??= new Exchange(loadNative())
    const engine = this.#exchange.native.open(
      encode({ ...settings, jsonText: true, ...(give && { keyLater: true }) }, 'settings'),
    )
    if (typeof engine === 'string') throw errorFrom(failureOf(engine))
    this.#engine = engine
    this.#hooks = hooks
    this.#credentials = give && new Credentials(give, (op, args, signal) => this.#local(op, args, signal))
  }

  /** Makes one call. */
  async call<T>(op: string, args: object = {}, options: CallOptions = {}): Promise<Reply<T>> {
    const { head, body } = await this.#made(op, args, options)
    return { ...head, value: opened(body) as T }
  }

  /** Makes one call and keeps only its value. */
  async value<T>(op: string, args?: object, options?: CallOptions): Promise<T> {
    return (await this.call<T>(op, args, options)).value
  }

  /** Makes one call whose answer is JSON of any shape. */
  async json<T>(op: string, args: object, options?: CallOptions): Promise<Json<T>> {
    return new Json<T>(undefined, (await this.#made(op, args, options ?? {})).body)
  }

  /** Makes one call for the server's own answer. */
  async raw(op: string, args: object, options: CallOptions): Promise<{ meta: RawMeta; body: string }> {
    const { head, body } = await this.#made(op, args, { ...options, raw: true } as CallOptions)
    return { meta: head.meta, body }
  }

  /** Uses another key from the next request on. */
  async setKey(apiKey: string): Promise<void> {
    await this.value('client.setKey', { apiKey })
  }

  /** Makes one call that sends nothing. */
  async #local(op: string, args: object, signal?: AbortSignal): Promise<Text> {
    return this.#sent(op, encode(args, 'arguments'), '', signal)
  }

  /** Makes one call, while a function may give the key for it. */
  async #made(op: string, args: object, { signal, ...opts }: CallOptions): Promise<Text> {
    checkSignal(signal)
    throwIfRaised(signal)
    // At once: what the caller changes later is not sent.
    const asked = encode(args, 'arguments')
    const how = encode(opts, 'options')
    if (LOCAL.has(op)) return await this.#sent(op, asked, how, signal)
    // Whoever aborts before they let go of the thread has sent nothing.
    if (signal) await Promise.resolve()
    throwIfRaised(signal)
    const credentials = this.#credentials
    if (!credentials) return await this.#told(op, asked, how, signal)
    const inside = credentials.isAsking
    const options = inside ? encode({ ...opts, inKeyFunction: true }, 'options') : how
    return await credentials.during(() => this.#told(op, asked, options, signal))
  }

  /** Sends once, between the hooks. */
  async #told(op: string, args: string, opts: string, signal?: AbortSignal): Promise<Text> {
    const { onStart, onEnd } = this.#hooks
    tell(onStart, { op })
    try {
      const text = await this.#sent(op, args, opts, signal)
      if (onEnd) tell(onEnd, { op, meta: text.head.meta })
      return text
    } catch (error) {
      if (!(error instanceof HightouchError)) throw error
      if (onEnd) tell(onEnd, { op, error, ...(error.meta && { meta: error.meta }) })
      if (signal && error instanceof CancelledError) {
        noteStopped(signal, error)
        throwIfRaised(signal)
      }
      throw error
    }
  }

  async #sent(op: string, args: string, opts: string, signal?: AbortSignal): Promise<Text> {
    const sent = this.#exchange.send(this.#engine, op, args, opts, signal)
    // Made after the await, the error's stack shows who called.
    const [, ok, head, body] = await sent
    if (ok) return { head: JSON.parse(head) as Text['head'], body }
    const failure = failureOf(head)
    throw errorFrom(failure, this.#origin(failure, signal))
  }

  /** What made a call fail, as the user's own code threw it. */
  #origin(failure: Failure, signal?: AbortSignal): unknown {
    if (failure.kind === 'cancelled') return signal?.reason
    return failure.code === 'key_function' ? this.#credentials?.failure : undefined
  }
}

/** JavaScript may call with anything; an `AbortController` in the place of its signal would stop nothing. */
function checkSignal(signal: unknown): void {
  if (signal === undefined) return
  const { aborted, addEventListener } = (signal ?? {}) as Partial<AbortSignal>
  if (typeof aborted === 'boolean' && typeof addEventListener === 'function') return
  const message = 'options.signal: must be an AbortSignal. Nothing was sent.'
  throw errorFrom({ kind: 'invalid_request', message })
}
