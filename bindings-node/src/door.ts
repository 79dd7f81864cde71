/** Makes calls through the door: sends JSON to the core and returns a promise for the core's answer. */

import { cancelOnAbort, recordAborted, throwIfAborted } from './abort.js'
import { checkNames, checkSignal } from './checks.js'
import { isInKeyFunction, serveKeys, type ApiKeyFunction } from './credentials.js'
import { decode } from './decode.js'
import { encode } from './encode.js'
import { CancelledError } from './error-classes.js'
import type { Failure } from './errors.js'
import { errorFrom, failureOf } from './failures.js'
import {
  isObserved,
  observe,
  observeEnded,
  type CalledMethod,
  type CallHooks,
  type CallStart,
  type ToldRequest,
} from './hooks.js'
import { Json } from './json.js'
import type { CallOptions, Meta } from './meta.js'
import { CALL_OPTIONS, OPERATION_IDS } from './names.js'
import {
  isEventLoopUsable,
  loadNative,
  type Native,
  type NativeBridge,
  type NativeCancel,
  type NativeEngine,
  type Settled,
} from './native.js'

/**
 * The status and the headers of a raw answer, and what the core read from the body: either a value, or the failure that
 * the body reports.
 */
interface Answer {
  status: number
  headers: Record<string, string>
  value?: unknown
  failure?: Failure
}

/** A raw answer of the server. */
interface RawReply extends Pick<Answer, 'status' | 'headers'> {
  meta: Meta
  body: string
  /** Returns the value of the body, or throws the error that the body reports. */
  parse: () => unknown
}

/** The core's answer to one call. */
export interface Reply<T> {
  meta: Meta
  /** The token of the next page of a list, if more may follow. */
  next?: string
  /** For a list of a sync's runs: the id of the sync. */
  sync?: number
  value: T
}

/** The core's answer to one call, before its body is decoded. */
interface EncodedReply {
  encodedHead: string
  body: string
  texts?: Buffer | undefined
}

type Head = Pick<Reply<unknown>, 'meta' | 'next' | 'sync'>

/** The arguments of one call to the native bridge. */
interface NativeCall {
  engine: NativeEngine
  op: string
  args: string
  opts: string
  cancel?: NativeCancel | undefined
  /** Whether this call keeps the process alive until it ends. */
  keepsAlive: boolean
}

/**
 * Its method `then` schedules microtasks. `queueMicrotask` of Node.js takes longer, because it creates an
 * `AsyncResource` for each microtask.
 */
const RESOLVED = Promise.resolve()

/** The native bridge of this thread, and the calls that wait for its answers. */
class PendingCalls {
  readonly #pending = new Map<number, (settled: Settled) => void>()
  /**
   * Created at the first call. Closed while no door is open and no call is pending, because tools that look for open
   * handles would report an open bridge.
   */
  #bridge: NativeBridge | undefined
  #needsTurns = false
  #lastId = 0
  #turnsSoon = false
  #openDoors = 0

  constructor(readonly native: Native) {}

  /** Counts a door as open. Returns the function that counts the door as closed. */
  open(): () => void {
    this.#openDoors += 1
    let isOpen = true
    return () => {
      if (isOpen) this.#openDoors -= 1
      isOpen = false
      this.#closeIdle()
    }
  }

  send({ engine, op, args, opts, cancel, keepsAlive }: NativeCall): Promise<Settled> {
    do this.#lastId = (this.#lastId + 1) >>> 0
    while (this.#pending.has(this.#lastId))
    const id = this.#lastId
    const bridge = (this.#bridge ??= this.#openBridge())
    bridge.call(engine, id, keepsAlive, op, args, opts, cancel)
    if (this.#needsTurns && !this.#turnsSoon) {
      // All calls that are made in the same tick begin together.
      this.#turnsSoon = true
      void RESOLVED.then(this.#turn)
    }
    return new Promise<Settled>((resolve) => this.#pending.set(id, resolve))
  }

  readonly #turn = (): void => {
    this.#turnsSoon = false
    if (this.#bridge) this.#settle(this.#bridge.turn())
  }

  #openBridge(): NativeBridge {
    const bridge = new this.native.Bridge((settled) => {
      this.#settle(settled ?? bridge.take())
    }, isEventLoopUsable())
    this.#needsTurns = bridge.needsTurns
    return bridge
  }

  #settle(batch: Settled[]): void {
    for (const settled of batch) {
      const settle = this.#pending.get(settled[0])
      this.#pending.delete(settled[0])
      settle?.(settled)
    }
    this.#closeIdle()
  }

  #closeIdle(): void {
    if (this.#openDoors > 0 || this.#pending.size > 0) return
    this.#bridge?.close()
    this.#bridge = undefined
  }
}

let pendingCalls: PendingCalls | undefined

/** Operations that send no request themselves. Hooks are not called for them. */
const LOCAL = new Set([
  'runs.open',
  'syncs.estimate_many',
  'batch.next',
  'batch.stop',
  'batch.close',
  'client.stats',
  'client.setKey',
  'client.close',
])

const KNOWN_OPTIONS = [...CALL_OPTIONS, 'signal']

/** What to call once a door is garbage-collected. */
interface Left {
  /** Cancels the pending call `client.keyWanted`. */
  cancel?: NativeCancel
  /** Counts the door as closed. */
  closed: () => void
}

const collected = new FinalizationRegistry<Left>(({ cancel, closed }) => {
  cancel?.cancel()
  closed()
})

/**
 * The connection to one engine of the core. A client shares the connection with its resources, lists and run handles.
 */
export class Door {
  readonly #calls: PendingCalls
  readonly #engine: NativeEngine
  readonly #hooks: CallHooks
  /** Counts this door as closed in `#calls`. */
  readonly #closed: () => void
  /** What the key function threw last. */
  readonly #keyFailure: { cause?: unknown } = {}

  /** @throws HightouchError (`config`) if a setting is wrong. */
  constructor(settings: object, hooks: CallHooks = {}, keyFunction?: ApiKeyFunction) {
    this.#calls = pendingCalls ??= new PendingCalls(loadNative())
    const engine = this.#calls.native.open(
      encode({ ...settings, jsonText: true, ...(keyFunction && { keyLater: true }) }, 'setting'),
    )
    if (typeof engine === 'string') throw errorFrom(failureOf(engine))
    this.#engine = engine
    this.#hooks = hooks
    this.#closed = this.#calls.open()
    const cancel = keyFunction && this.#serveKeys(keyFunction)
    collected.register(this, { closed: this.#closed, ...(cancel && { cancel }) })
  }

  /** Closes the engine. */
  async close(): Promise<void> {
    await this.value('client.close')
    this.#closed()
  }

  #serveKeys(keyFunction: ApiKeyFunction): NativeCancel {
    // The closures below must not hold `this`. They live while `client.keyWanted` waits, so they would keep the door
    // from being garbage-collected.
    const [calls, engine, keyFailure] = [this.#calls, this.#engine, this.#keyFailure]
    const cancel = new calls.native.Cancel()
    const send = async (op: string, args: object = {}): Promise<void> => {
      const keepsAlive = op !== 'client.keyWanted'
      const call = { engine, op, args: encode(args, 'argument'), opts: '', cancel, keepsAlive }
      const [, ok, head] = await calls.send(call)
      if (!ok) throw errorFrom(failureOf(head))
    }
    void serveKeys(keyFunction, send, (cause) => (keyFailure.cause = cause))
    return cancel
  }

  /** Makes one call. */
  async call<T>(op: string, args: object = {}, options: CallOptions = {}): Promise<Reply<T>> {
    const { encodedHead, body, texts } = await this.#call(op, args, options)
    const reply = JSON.parse(encodedHead) as Reply<T>
    reply.value = decode(body, texts) as T
    return reply
  }

  /** Makes one call and returns only its value. */
  async value<T>(op: string, args: object = {}, options: CallOptions = {}): Promise<T> {
    const { body, texts } = await this.#call(op, args, options)
    return decode(body, texts) as T
  }

  /** Whether the client has hooks, or the tracing channel has subscribers. */
  get isObserved(): boolean {
    return isObserved(this.#hooks)
  }

  /** Calls the hooks for requests that the core has sent in the background. */
  async tell(requests: readonly (ToldRequest & { failure: Failure | null })[]): Promise<void> {
    for (const request of requests) {
      const { failure } = request
      await observeEnded(
        this.#hooks,
        request,
        failure ? errorFrom(failure, this.#causeOf(failure)) : undefined,
      )
    }
  }

  /** Makes one call and returns its answer as opaque JSON. */
  async json<T>(op: string, args: object, options: CallOptions = {}): Promise<Json<T>> {
    return new Json<T>(undefined, (await this.#call(op, args, options)).body)
  }

  /** Makes one call and returns the server's answer unchanged. */
  async raw(op: string, args: object, options: CallOptions): Promise<RawReply> {
    const { encodedHead, body } = await this.#call(op, args, options, { raw: true })
    const { meta } = JSON.parse(encodedHead) as Head
    // The head is decoded again for each call of `parse`, because the user may change the value that `parse` returned.
    const answer = (): Answer => (decode(encodedHead) as { answer: Answer }).answer
    const parse = (): unknown => {
      const { failure, value } = answer()
      if (failure) throw errorFrom(failure)
      return value
    }
    const { status, headers } = answer()
    return { status, headers, meta, body, parse }
  }

  /** Encodes and makes a call. May also throw at once, so only asynchronous methods may call this method. */
  #call(
    op: string,
    args: object,
    { signal, ...options }: CallOptions,
    internalOptions = {},
  ): Promise<EncodedReply> {
    const call = calledMethod(op)
    checkNames('option', options, KNOWN_OPTIONS, { call })
    checkSignal(signal, call)
    throwIfAborted(signal)
    // The arguments are encoded before the first await, so that later changes to the objects are not sent.
    const encodedArgs = encode(args, 'argument', call)
    const inKeyFunction = isInKeyFunction() && { inKeyFunction: true }
    const allOptions = { ...options, ...internalOptions, ...inKeyFunction }
    const encodedOptions = encode(allOptions, 'option', call)
    const isPlain = !signal && (LOCAL.has(op) || !isObserved(this.#hooks))
    return isPlain
      ? this.#send(op, encodedArgs, encodedOptions)
      : this.#observe(call, op, encodedArgs, encodedOptions, allOptions, signal)
  }

  /** Makes a call that has a signal or hooks. */
  async #observe(
    call: CalledMethod,
    op: string,
    encodedArgs: string,
    encodedOptions: string,
    options: Omit<CallOptions, 'signal'>,
    signal: AbortSignal | undefined,
  ): Promise<EncodedReply> {
    // The call waits for a microtask, so that nothing is sent if the caller aborts in the same tick.
    if (signal) await Promise.resolve()
    throwIfAborted(signal)
    if (LOCAL.has(op)) return await this.#send(op, encodedArgs, encodedOptions, signal)
    try {
      if (!isObserved(this.#hooks)) return await this.#send(op, encodedArgs, encodedOptions, signal)
      const announced = JSON.parse(this.#engine.announce(op, encodedArgs)) as Omit<
        CallStart,
        'headers' | 'startedMs'
      >
      const { callId } = announced
      const start = { ...announced, startedMs: Date.now(), headers: { ...options.headers } }
      return await observe(this.#hooks, start, async (headers) => {
        const opts = encode({ ...options, callId, headers }, 'option', call)
        const reply = await this.#send(op, encodedArgs, opts, signal)
        return { ...reply, head: JSON.parse(reply.encodedHead) as Head }
      })
    } catch (error) {
      if (signal && error instanceof CancelledError) {
        recordAborted(signal, error)
        throwIfAborted(signal)
      }
      throw error
    }
  }

  async #send(op: string, args: string, opts: string, signal?: AbortSignal): Promise<EncodedReply> {
    const cancel = signal && new this.#calls.native.Cancel()
    const sent = this.#calls.send({ engine: this.#engine, op, args, opts, cancel, keepsAlive: true })
    // The error is created after this await and not where the result arrives, so that the error's stack contains the
    // caller.
    const [, ok, head, body, texts] = await (signal && cancel
      ? cancelOnAbort(sent, signal, () => {
          cancel.cancel()
        })
      : sent)
    if (ok) return { encodedHead: head, body, texts }
    const failure = failureOf(head)
    throw errorFrom(failure, this.#causeOf(failure, signal))
  }

  /** Returns the cause that the core cannot know: the reason of an abort, or what the key function threw. */
  #causeOf({ kind, code }: Failure, signal?: AbortSignal): unknown {
    if (kind === 'cancelled') return signal?.reason
    // A call from inside a key function also fails with `key_function`, although no key function threw.
    return code === 'key_function' && !isInKeyFunction() ? this.#keyFailure.cause : undefined
  }
}

/**
 * Converts the name of an operation at the door, such as `sync_sequences.trigger`, to the name of its method,
 * `syncSequences.trigger`, and adds the API's own id of the operation.
 */
function calledMethod(op: string): CalledMethod {
  let known = CALLED_METHODS.get(op)
  if (!known) {
    const operation = op
      .replace(/^client\./, '')
      .replace(/_(.)/g, (_match, letter: string) => letter.toUpperCase())
    const operationId = OPERATION_IDS[op]
    known = { operation, ...(operationId !== undefined && { operationId }) }
    CALLED_METHODS.set(op, known)
  }
  return known
}

const CALLED_METHODS = new Map<string, CalledMethod>()
