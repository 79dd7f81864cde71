/** Calls functions that the user passed. */

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
  /** The requests of the call and their timing; absent if the call failed before it could send one. */
  meta?: Meta
  /** The error that the call failed with; absent if it succeeded. */
  error?: HightouchError
}

/**
 * Functions that are called for each call of a client. A hook cannot change a call: an error that it throws is emitted
 * as a process warning. The package writes no log; use `onEnd` to write one.
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
   * Called before each call that may send requests.
   *
   * @param call The call.
   */
  onStart?: ((call: CallStart) => void) | undefined
  /**
   * Called after each call that may send requests, also if it was aborted.
   *
   * @param call The call and its outcome.
   */
  onEnd?: ((call: CallEnd) => void) | undefined
}

/**
 * Calls a function of the user. If it throws or rejects, the error is emitted as a process warning.
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
