/** Cancels calls when an `AbortSignal` aborts. */

import type { CancelledError } from './error-classes.js'

/**
 * What to do when a signal aborts. Calls that share a signal share one listener: Node warns of a leak when a signal
 * has more than ten.
 */
const callbacks = new WeakMap<AbortSignal, Set<() => void>>()

function onAbort(this: AbortSignal): void {
  const waiting = callbacks.get(this) ?? []
  callbacks.delete(this)
  for (const cancel of waiting) cancel()
}

function listen(signal: AbortSignal, cancel: () => void): void {
  const waiting = callbacks.get(signal)
  if (waiting) {
    waiting.add(cancel)
  } else {
    callbacks.set(signal, new Set([cancel]))
    signal.addEventListener('abort', onAbort, { once: true })
  }
}

function unlisten(signal: AbortSignal, cancel: () => void): void {
  const waiting = callbacks.get(signal)
  if (waiting?.delete(cancel) && waiting.size === 0) {
    callbacks.delete(signal)
    signal.removeEventListener('abort', onAbort)
  }
}

/**
 * Calls `cancel` if `signal` aborts before `work` settles. Leaves nothing on the signal afterwards, and never sets its
 * `onabort`, which belongs to the user.
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
 * Throws the signal's reason if it has aborted, as `fetch` does.
 *
 * @throws whatever was passed to `abort()`.
 */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw signal.reason
}

/** A bound for processes that abort with the same reason for as long as they run. The oldest errors are dropped. */
const MAX_ERRORS = 1000

/** The errors of calls that were aborted, by signal and by reason. */
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
 * Returns what aborted calls may have left behind. An aborted call rejects with the signal's `reason`, which cannot
 * say so itself.
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
 * pass the signal: a primitive does not identify one abort.
 * @returns One error for each call that was aborted, the oldest first, at most the latest 1,000. The `hint` of an error
 * says whether a request had been sent and may still take effect, its `run` is the token of the run that the call
 * waited for, and its `meta` describes the call's requests. The array is empty if no call was aborted for this reason,
 * or if every call was aborted before it started. The errors are kept as long as the reason or the signal is.
 */
export function stoppedCalls(reason: unknown): readonly CancelledError[] {
  return isWeakKey(reason) ? [...(aborted.get(reason) ?? [])] : []
}

function isWeakKey(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}
