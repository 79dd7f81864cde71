/** Cancels calls when an `AbortSignal` aborts, and keeps the errors of these calls. */

import type { CancelledError } from './error-classes.js'

/**
 * The functions to call when a signal aborts. All calls with the same signal share one listener, because Node.js warns
 * of a leak when a signal has more than ten listeners.
 */
const callbacks = new WeakMap<AbortSignal, Set<() => void>>()

function onAbort(this: AbortSignal): void {
  const waiting = callbacks.get(this) ?? []
  callbacks.delete(this)
  for (const cancel of waiting) cancel()
}

/** Calls `cancel` when `signal` aborts, until {@link unlisten} is called. */
export function listen(signal: AbortSignal, cancel: () => void): void {
  const waiting = callbacks.get(signal)
  if (waiting) {
    waiting.add(cancel)
  } else {
    callbacks.set(signal, new Set([cancel]))
    signal.addEventListener('abort', onAbort, { once: true })
  }
}

/** Ends {@link listen}: `cancel` is no longer called when `signal` aborts. */
export function unlisten(signal: AbortSignal, cancel: () => void): void {
  const waiting = callbacks.get(signal)
  if (waiting?.delete(cancel) && waiting.size === 0) {
    callbacks.delete(signal)
    signal.removeEventListener('abort', onAbort)
  }
}

/**
 * Waits for `work`, and calls `cancel` if `signal` aborts before `work` has ended. Leaves no listener on the signal
 * afterwards. Never sets `signal.onabort`, because the user may have set that property.
 */
export async function cancelOnAbort<T>(
  work: Promise<T>,
  signal: AbortSignal,
  cancel: () => void,
): Promise<T> {
  listen(signal, cancel)
  try {
    return await work
  } finally {
    unlisten(signal, cancel)
  }
}

/**
 * Throws the signal's `reason` if the signal has aborted, as `fetch` does.
 *
 * @throws The value that was passed to `abort()`; it can be of any type.
 */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw signal.reason
}

/**
 * The largest number of errors that are kept for one signal or reason; further errors replace the oldest ones. Without
 * this bound, the list would grow forever in a process that aborts with the same reason again and again.
 */
const MAX_ERRORS = 1000

/** The errors of aborted calls, by signal and by reason. */
const aborted = new WeakMap<WeakKey, CancelledError[]>()

/** Keeps the error of a call that `signal` aborted, for {@link stoppedCalls}. */
export function recordAborted(signal: AbortSignal, error: CancelledError): void {
  const reason: unknown = signal.reason
  for (const key of isWeakKey(reason) ? [signal, reason] : [signal]) {
    const errors = aborted.get(key) ?? []
    errors.push(error)
    if (errors.length > MAX_ERRORS) errors.shift()
    aborted.set(key, errors)
  }
}

/**
 * Returns the errors of aborted calls. These errors say what the calls may have left behind. An aborted call itself
 * rejects with the signal's `reason`, which says nothing about the call.
 *
 * ```ts
 * import { stoppedCalls } from 'hightouch-sdk'
 *
 * try {
 *   await ht.syncs.trigger('orders-to-salesforce', {}, { signal: AbortSignal.timeout(20_000) })
 * } catch (reason) {
 *   for (const { message, run } of stoppedCalls(reason)) console.warn(message, run)
 *   throw reason
 * }
 * ```
 *
 * @param reason The reason that a call rejected with, or the signal. If the reason is a primitive, such as a string,
 * pass the signal, because a primitive does not identify one abort.
 * @returns One error for each aborted call, and for each run that goes on after the abort stopped its batch.
 * The oldest error is the first, and only the latest 1,000 are returned. An error has a `hint` if a change
 * had been sent and may still take effect, or if a run goes on. The `run` of an error is the token of the
 * run, and the `meta` describes the requests of the call. The array is empty if no call was aborted for this
 * reason, or if every call was aborted before it started. The errors are kept for as long as the reason or
 * the signal is in memory.
 */
export function stoppedCalls(reason: unknown): readonly CancelledError[] {
  return isWeakKey(reason) ? [...(aborted.get(reason) ?? [])] : []
}

function isWeakKey(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}
