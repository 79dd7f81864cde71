/** Calls through the door: JSON out, JSON back, one promise each. */

import { noteStopped, stoppable, throwIfRaised } from './abort.js'
import { giveKeys, isInKeyFunction, type ApiKeyFunction } from './credentials.js'
import { encode } from './encode.js'
import { CancelledError, errorFrom, failureOf, HightouchError, type Failure } from './errors.js'
import { tell, type CallHooks } from './hooks.js'
import { Json, opened } from './json.js'
import type { CallOptions, Meta } from './meta.js'
import {
  loadNative,
  type Native,
  type NativeBridge,
  type NativeCancel,
  type NativeEngine,
  type Settled,
} from './native.js'

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

/** What a call of the bridge is made with. */
interface Call {
  engine: NativeEngine
  op: string
  args: string
  opts: string
  cancel?: NativeCancel | undefined
  /** Whether the process stays for the answer. */
  held: boolean
}

/** One environment's bridge and the calls that wait behind it. */
class Exchange {
  readonly #pending = new Map<number, (settled: Settled) => void>()
  readonly #bridge: NativeBridge
  #last = 0
  /** Pending calls for which the process stays. */
  #held = 0

  constructor(readonly native: Native) {
    this.#bridge = new native.Bridge((batch) => {
      for (const settled of batch) {
        const settle = this.#pending.get(settled[0])
        this.#pending.delete(settled[0])
        settle?.(settled)
      }
    })
  }

  send({ engine, op, args, opts, cancel, held }: Call): Promise<Settled> {
    do this.#last = (this.#last + 1) >>> 0
    while (this.#pending.has(this.#last))
    const id = this.#last
    this.#bridge.call(engine, id, op, args, opts, cancel)
    if (held) this.#hold(1)
    return new Promise<Settled>((resolve) => {
      this.#pending.set(id, (settled) => {
        if (held) this.#hold(-1)
        resolve(settled)
      })
    })
  }

  #hold(change: 1 | -1): void {
    const before = this.#held
    this.#held += change
    if (before === 0 || this.#held === 0) this.#bridge.hold(this.#held > 0)
  }
}

let exchange: Exchange | undefined

/** Ops that never send: no hook is told of them. */
const LOCAL = new Set(['runs.open', 'parse', 'client.stats', 'client.setKey', 'client.close'])

/** Ends the wait of a client for being asked for a key, when nobody holds the client any more. */
const dropped = new FinalizationRegistry<NativeCancel>((cancel) => {
  cancel.cancel()
})

/** A client behind the door; what the host's classes share. */
export class Door {
  readonly #exchange: Exchange
  readonly #engine: NativeEngine
  readonly #hooks: CallHooks
  /** What the function that gives the key threw last. */
  readonly #thrown: { cause?: unknown } = {}

  /** @throws HightouchError (`config`) when the settings are not right. */
  constructor(settings: object, hooks: CallHooks = {}, give?: ApiKeyFunction) {
    this.#exchange = exchange ??= new Exchange(loadNative())
    const engine = this.#exchange.native.open(
      encode({ ...settings, jsonText: true, ...(give && { keyLater: true }) }, 'settings'),
    )
    if (typeof engine === 'string') throw errorFrom(failureOf(engine))
    this.#engine = engine
    this.#hooks = hooks
    if (give) this.#giveKeys(give)
  }

  #giveKeys(give: ApiKeyFunction): void {
    // None of this holds the door itself, or it would never be dropped.
    const [exchange, engine, thrown] = [this.#exchange, this.#engine, this.#thrown]
    const cancel = new exchange.native.Cancel()
    dropped.register(this, cancel)
    const send = async (op: string, args: object = {}): Promise<void> => {
      const held = op !== 'client.keyWanted'
      const [, ok, head] = await exchange.send({
        engine,
        op,
        args: encode(args, 'arguments'),
        opts: '',
        cancel,
        held,
      })
      if (!ok) throw errorFrom(failureOf(head))
    }
    void giveKeys(give, send, (cause) => (thrown.cause = cause))
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

  async #made(op: string, args: object, { signal, ...opts }: CallOptions): Promise<Text> {
    checkSignal(signal)
    throwIfRaised(signal)
    // At once: what the caller changes later is not sent.
    const asked = encode(args, 'arguments')
    const how = encode({ ...opts, ...(isInKeyFunction() && { inKeyFunction: true }) }, 'options')
    // Whoever aborts before they let go of the thread has sent nothing.
    if (signal) await Promise.resolve()
    throwIfRaised(signal)
    return await (LOCAL.has(op) ? this.#sent(op, asked, how, signal) : this.#told(op, asked, how, signal))
  }

  /** Sends between the hooks. */
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
    const cancel = signal && new this.#exchange.native.Cancel()
    const sent = this.#exchange.send({ engine: this.#engine, op, args, opts, cancel, held: true })
    // Made after the await, the error's stack shows who called.
    const [, ok, head, body] = await (signal && cancel
      ? stoppable(sent, signal, () => {
          cancel.cancel()
        })
      : sent)
    if (ok) return { head: JSON.parse(head) as Text['head'], body }
    const failure = failureOf(head)
    throw errorFrom(failure, this.#cause(failure, signal))
  }

  /** What the host alone knows of why a call failed. */
  #cause({ kind, code }: Failure, signal?: AbortSignal): unknown {
    if (kind === 'cancelled') return signal?.reason
    // A call from inside the function was refused before the function could fail.
    return code === 'key_function' && !isInKeyFunction() ? this.#thrown.cause : undefined
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
