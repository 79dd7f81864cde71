/**
 * Hooks, which the user passes to a client; the channel for subscribers of the whole process; and the function that
 * calls the user's functions.
 */

import { tracingChannel } from 'node:diagnostics_channel'

import { HightouchError } from './errors.js'
import type { Meta } from './meta.js'

/** The name of a method that was called. */
export interface CalledMethod {
  /** The method, such as `syncs.list`; `run` for each step of a handle's `wait` or `states`. */
  operation: string
  /** The API's own id of the operation, such as `ListSync`; absent if the method has none. */
  operationId?: string
}

/** A call, as it is known before it starts. */
export interface CallInfo extends CalledMethod {
  /**
   * The id of the call: 32 hexadecimal digits. The start, the end and the {@link Meta} of a call have the same id. All
   * requests that the call needs share this id.
   */
  callId: string
  /** The resource that the call is about, such as `sync 7`; absent if the call is about no single resource. */
  resource?: string
  /** The sync that the call is about: the id or the slug that the caller passed. A run handle passes the id. */
  sync?: string
  /** The HTTP method, such as `GET`; absent if the call sends requests with several methods. */
  httpMethod?: string
  /** The path below the base URL, such as `/syncs/{syncId}`; absent if the call has no fixed path. */
  urlTemplate?: string
  /** The host name of the API, or of a gateway in front of the API. */
  serverAddress?: string
  /** The port of the server. */
  serverPort?: number
  /**
   * For a request that a batch has sent in the background: the id of the call `syncs.runMany` that started the batch;
   * absent for every other call. Hooks and subscribers get such a request only after it has ended, and only while the
   * program waits for the batch, iterates over it or stops it.
   */
  batchCallId?: string
  /** When the call began, in milliseconds since 1970. */
  startedMs: number
}

/** A call that starts. */
export interface CallStart extends CallInfo {
  /**
   * The headers to send in addition to the headers of the client. At first they are the option `headers` of the call.
   * Until a hook returns, it may add headers, such as `traceparent`, and change or remove headers. All requests of the
   * call send the headers. If a hook adds a header that the option may not contain, the call rejects with an
   * {@link InvalidRequestError}, and nothing is sent. All requests of a batch send the headers of the call
   * `syncs.runMany`. Changing the headers of a request of a batch has no effect.
   */
  headers: Record<string, string>
}

/** A call that has ended. */
export interface CallEnd extends CallInfo {
  /** The requests of the call and their timing; may be absent if nothing was sent. */
  meta?: Meta
  /** The error that the call failed with; absent if it succeeded. */
  error?: HightouchError
}

/**
 * The object that subscribers of the {@link https://nodejs.org/api/diagnostics_channel.html#class-tracingchannel |
 * tracing channel} `hightouch-sdk:call` get. All events of one call have the same object.
 */
export interface CallContext extends CallStart {
  /** The requests of the call and their timing, once the call has succeeded. */
  result?: Meta
  /** The error, once the call has failed. */
  error?: HightouchError
}

/**
 * Hooks: functions that a client calls before and after each call that may send requests. Each page of a list, each
 * step of following a run and each request of a batch is a call. No hook is called if a call rejects before it starts,
 * because of an unknown option or a signal that has already aborted. Apart from the headers, a hook cannot change a
 * call: if the hook throws or rejects, its error is emitted as a process warning. The package writes no log; use
 * `onEnd` to write one.
 *
 * ```ts
 * const ht = new Hightouch({
 *   onEnd({ operation, meta, error }) {
 *     if (error) console.error(`${operation}: ${error.message}`)
 *     for (const { allowed, closedMs } of meta?.cuts ?? [])
 *       console.warn(`${operation}: limit cut to ${allowed} requests per window, after ${closedMs} ms`)
 *   },
 * })
 * ```
 */
export interface CallHooks {
  /**
   * Called before each call.
   *
   * @param call The call. Its `headers` may be changed.
   */
  onStart?: ((call: CallStart) => void) | undefined
  /**
   * Called after each call for which `onStart` was called, even if the call failed or was aborted.
   *
   * @param call The call and its outcome.
   */
  onEnd?: ((call: CallEnd) => void) | undefined
}

const CHANNEL = tracingChannel<unknown, CallContext>('hightouch-sdk:call')

/**
 * Whether a client has hooks, or the tracing channel has subscribers.
 *
 * @internal
 */
export function isObserved({ onStart, onEnd }: CallHooks): boolean {
  return onStart !== undefined || onEnd !== undefined || CHANNEL.hasSubscribers
}

/**
 * Makes a call: calls the hooks before and after it, and publishes it on the tracing channel.
 *
 * @internal
 * @param send Sends the call with the headers that hooks and subscribers have changed.
 */
export async function observe<Reply extends { head: { meta: Meta } }>(
  { onStart, onEnd }: CallHooks,
  start: CallStart,
  send: (headers: Record<string, string>) => Promise<Reply>,
): Promise<Reply> {
  const { headers, ...call } = start
  notify(onStart, start)
  try {
    const reply = await traced({ ...call, headers }, send)
    notify(onEnd, { ...call, meta: reply.head.meta })
    return reply
  } catch (error) {
    if (error instanceof HightouchError) {
      notify(onEnd, { ...call, error, ...(error.meta && { meta: error.meta }) })
    }
    throw error
  }
}

/** An ended request of a batch, as the core reports the request. */
export interface ToldRequest {
  call: Omit<CallStart, 'startedMs'>
  startedAgoMs: number
  meta: Meta
}

/**
 * Calls the hooks for a request of a batch, and publishes the request on the tracing channel.
 *
 * @internal
 * @param error The error of the request, if it failed.
 */
export async function observeEnded(
  hooks: CallHooks,
  { call, startedAgoMs, meta }: ToldRequest,
  error: HightouchError | undefined,
): Promise<void> {
  const start = { ...call, startedMs: Date.now() - startedAgoMs }
  const ended = observe(hooks, start, () =>
    error ? Promise.reject(error) : Promise.resolve({ head: { meta } }),
  )
  await ended.catch(() => undefined)
}

async function traced<Reply extends { head: { meta: Meta } }>(
  context: CallContext,
  send: (headers: Record<string, string>) => Promise<Reply>,
): Promise<Reply> {
  if (!CHANNEL.hasSubscribers) return send(context.headers)
  const replies: Reply[] = []
  await CHANNEL.tracePromise(async () => {
    const reply = await send(context.headers)
    replies.push(reply)
    return reply.head.meta
  }, context)
  const [reply] = replies
  if (!reply) throw new Error('the tracing channel did not run the call')
  return reply
}

/**
 * Calls a function of the user. If the function throws or rejects, its error is emitted as a process warning.
 *
 * @internal
 */
export function notify<Event>(
  callback: ((event: Event) => unknown) | undefined,
  event: Event,
  name = 'A hook',
): void {
  if (!callback) return
  const warn = (thrown: unknown): void => {
    const what = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
    process.emitWarning(`${name} of hightouch-sdk failed: ${what}`, 'HightouchHookWarning')
  }
  try {
    // The callback may be async, although its type does not say so.
    Promise.resolve(callback(event)).catch(warn)
  } catch (thrown) {
    warn(thrown)
  }
}
