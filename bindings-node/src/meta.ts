/** The options of one call, and what happened during it. */

import type { CallSettings } from './models.js'

/** A class of requests in the queue for the rate limit. Classes share the limit 8 : 4 : 2 : 1, in this order. */
export type Priority = 'trigger' | 'poll' | 'read' | 'bulk'

/** Options of one call. They override the settings of the client. */
export interface CallOptions extends Omit<CallSettings, 'priority'> {
  /** The call's class in the queue for the rate limit; by default `read`, or `trigger` if the call starts something. */
  priority?: Priority | undefined
  /**
   * Aborts the call: the request is closed, and the promise rejects with the signal's `reason`.
   * {@link stoppedCalls} returns what the call may have left behind.
   */
  signal?: AbortSignal | undefined
}

/** One attempt to send a request. */
export interface Attempt {
  /** The HTTP status; absent if the server did not answer. */
  status?: number
  /** The kind of the failure; absent if the server answered. */
  failure?: string
  /** How long the attempt took, in milliseconds. */
  ms: number
}

/** One cut of the rate limit: the server refused a request (429), so all clients of the workspace slow down. */
export interface Cut {
  /** Requests allowed per window from now on. */
  allowed: number
  /** Milliseconds during which no request is sent. */
  closedMs: number
}

/** What happened during a call. */
export interface Meta {
  /** The id that every request of the call sent as `X-Request-Id`. */
  requestId: string
  /** The method, such as `syncs.list`. */
  operation: string
  /** The API's own id of the operation, such as `ListSync`; absent if the method has none. */
  operationId?: string
  /** Milliseconds that the call waited for the rate limit. */
  waitedMs: number
  /** Milliseconds that the call took in all. */
  durationMs: number
  /** Paths that were missing in the answer and were set to a default. */
  mended: string[]
  /** One entry for each attempt to send a request. */
  attempts: Attempt[]
  /** Cuts of the rate limit because the server refused this call's requests (429); absent if there were none. */
  cuts?: Cut[]
}
