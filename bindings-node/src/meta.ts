/** What a call may be given, and how it went. */

import type { CallSettings } from './models.js'

/** What may be set for one call; it wins over what the client was made with. */
export interface CallOptions extends CallSettings {
  /**
   * Stops the call: the request is given up, and the promise rejects with the signal's `reason`.
   * {@link stoppedCalls} tells what the call may have left behind.
   */
  signal?: AbortSignal | undefined
}

/** One try of one request. */
export interface Attempt {
  /** The HTTP status, where there was an answer. */
  status?: number
  /** The kind of failure, where there was none. */
  failure?: string
  /** How long it took, in milliseconds. */
  ms: number
}

/** One cut of the rate limit: the server refused a request (429), and all clients of the workspace slow down. */
export interface Cut {
  /** Requests that are let through in a window from now on. */
  allowed: number
  /** Milliseconds for which nothing is let through. */
  closedMs: number
}

/** How a call went. */
export interface Meta {
  /** The id that was sent as `X-Request-Id`. */
  requestId: string
  /** The operation, such as `syncs.list`. */
  operation: string
  /** Milliseconds spent waiting for the rate limit. */
  waitedMs: number
  /** Milliseconds of the whole call. */
  durationMs: number
  /** Paths in the answer that were missing and were filled with a default. */
  mended: string[]
  /** One entry for each time a request was tried. */
  attempts: Attempt[]
  /** Cuts of the limit that refusals of this call's requests (429) caused; absent where there were none. */
  cuts?: Cut[]
}
