/** Hooks, which the user passes to a client, and the function that calls hooks and other functions of the user. */

import type { HightouchError } from './errors.js'
import type { Meta } from './meta.js'

/** A call that starts. */
export interface CallStart {
  /** The method, such as `syncs.list`; `run` for each step of a handle's `wait` or `states`. */
  operation: string
  /** The API's own id of the operation, such as `ListSync`; absent if the method has none. */
  operationId?: string
}

/** A call that has ended. */
export interface CallEnd extends CallStart {
  /** The requests of the call and their timing; may be absent if nothing was sent. */
  meta?: Meta
  /** The error that the call failed with; absent if it succeeded. */
  error?: HightouchError
}

/**
 * Hooks: functions that a client calls before and after each call that may send requests. Each page of a list and each
 * step of following a run is a call. No hook is called if a call rejects before it starts, such as for an unknown
 * option or for a signal that has already aborted. A hook cannot change a call: if the hook throws or rejects, its
 * error is emitted as a process warning. The package writes no log; use `onEnd` to write one.
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
   * @param call The call.
   */
  onStart?: ((call: CallStart) => void) | undefined
  /**
   * Called after each call for which `onStart` was called, also if the call failed or was aborted.
   *
   * @param call The call and its outcome.
   */
  onEnd?: ((call: CallEnd) => void) | undefined
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
