/** Functions of the user's that are told of calls. */

import type { HightouchError } from './errors.js'
import type { Meta } from './meta.js'

/** A call that begins. */
export interface CallStart {
  /** The operation, such as `syncs.list`; following a run is `runs.next`. */
  op: string
}

/** A call that has ended. */
export interface CallEnd {
  /** The operation, as it began. */
  op: string
  /** How the call went; absent where it ended before anything could be sent. */
  meta?: Meta
  /** What it failed with; absent where it went well. */
  error?: HightouchError
}

/**
 * What is told of calls. Nothing that a hook does changes a call: what it throws becomes a warning of the process. The
 * package writes no log of its own; `onEnd` is the place to write one.
 *
 * ```ts
 * new Hightouch({
 *   onEnd({ op, meta, error }) {
 *     if (error) console.error(`${op}: ${error.message}`)
 *     for (const { allowed, closedMs } of meta?.cuts ?? [])
 *       console.warn(`${op}: the limit was cut to ${allowed} a window, after ${closedMs} ms`)
 *   },
 * })
 * ```
 */
export interface CallHooks {
  /**
   * Called before each call that may send requests.
   *
   * @param call What begins.
   */
  onStart?: ((call: CallStart) => void) | undefined
  /**
   * Called when such a call has ended, also where a signal stopped it.
   *
   * @param call What has ended, and how.
   */
  onEnd?: ((call: CallEnd) => void) | undefined
}

/**
 * Calls a function of the user's. What it throws, or rejects with, becomes a warning of the process.
 *
 * @internal
 */
export function tell<Event>(
  hook: ((event: Event) => unknown) | undefined,
  event: Event,
  name = 'A hook',
): void {
  if (!hook) return
  const warn = (thrown: unknown): void => {
    const what = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
    process.emitWarning(`${name} of hightouch-sdk failed: ${what}`, 'HightouchHookWarning')
  }
  try {
    // A hook may be async, whatever its type says: then its promise is nobody's but ours.
    Promise.resolve(hook(event)).catch(warn)
  } catch (thrown) {
    warn(thrown)
  }
}
