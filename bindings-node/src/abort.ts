/** What an `AbortSignal` does to calls. */

import type { CancelledError } from './errors.js'

/**
 * What each signal stops. A signal has one listener of ours however many calls share it: with one for each,
 * Node warns of a leak at the eleventh.
 */
const stops = new WeakMap<AbortSignal, Set<() => void>>()

function stopAll(this: AbortSignal): void {
  const waiting = stops.get(this) ?? []
  stops.delete(this)
  for (const stop of waiting) stop()
}

function listen(signal: AbortSignal, stop: () => void): void {
  const waiting = stops.get(signal)
  if (waiting) {
    waiting.add(stop)
  } else {
    stops.set(signal, new Set([stop]))
    signal.addEventListener('abort', stopAll, { once: true })
  }
}

function unlisten(signal: AbortSignal, stop: () => void): void {
  const waiting = stops.get(signal)
  if (waiting?.delete(stop) && waiting.size === 0) {
    stops.delete(signal)
    signal.removeEventListener('abort', stopAll)
  }
}

/**
 * Calls `stop` when `signal` is raised before `work` has ended. Once it has, nothing is left on the signal, whose own
 * `onabort` is never touched.
 */
export async function stoppable<T>(work: Promise<T>, signal: AbortSignal, stop: () => void): Promise<T> {
  listen(signal, stop)
  try {
    return await work
  } finally {
    unlisten(signal, stop)
  }
}

/**
 * Rejects once the signal is raised, with its reason, as `fetch` does.
 *
 * @throws whatever the caller of `abort` chose.
 */
export function throwIfRaised(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw signal.reason
}

/** One reason may stop calls for as long as a process runs; the oldest errors are dropped. */
const KEPT = 1000

/** The errors of stopped calls, by the signal that stopped them and by its reason. */
const stopped = new WeakMap<WeakKey, CancelledError[]>()

/** Notes the error of a call that `signal` has stopped. */
export function noteStopped(signal: AbortSignal, error: CancelledError): void {
  const reason: unknown = signal.reason
  for (const key of isWeakKey(reason) ? [signal, reason] : [signal]) {
    const errors = stopped.get(key) ?? []
    errors.push(error)
    if (errors.length > KEPT) errors.shift()
    stopped.set(key, errors)
  }
}

/**
 * Tells what an abort may have left behind: an abort rejects with the signal's own `reason`, which cannot say it.
 *
 * ```ts
 * try {
 *   await ht.syncs.trigger('orders-to-salesforce', {}, { signal })
 * } catch (reason) {
 *   for (const { message, run } of stoppedCalls(reason)) console.warn(message, run)
 *   throw reason
 * }
 * ```
 *
 * @param reason What a call rejected with, or the signal. A reason that is a string, a number or another primitive
 * names no single abort: give the signal then.
 * @returns One error for each call that was stopped, the oldest first, at most the latest 1,000. Its `hint` says
 * whether a request had left and may take effect, its `run` is the token of the run that was waited for, its `meta`
 * says how the call went. Empty where the reason stopped no call, or stopped it before anything was handed over. The
 * errors are kept for as long as the reason or the signal itself is.
 */
export function stoppedCalls(reason: unknown): readonly CancelledError[] {
  return isWeakKey(reason) ? [...(stopped.get(reason) ?? [])] : []
}

function isWeakKey(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}
