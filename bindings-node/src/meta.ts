/** The options of one call, and what happened during it. */

import type { CallSettings } from './models.js'

/**
 * The priority of a call while it waits for the rate limit. Waiting calls with the priorities `trigger`, `poll`, `read`
 * and `bulk` share the limit in the ratio 8 : 4 : 2 : 1.
 */
export type Priority = 'trigger' | 'poll' | 'read' | 'bulk'

/** Options of one call. They take precedence over the settings of the client. */
export interface CallOptions extends Omit<CallSettings, 'priority'> {
  /**
   * The priority of the call while it waits for the rate limit. The default is `trigger` if the call starts something,
   * or is a `request` that is neither `GET` nor `HEAD`; `bulk` for the pages of a list after the first one; otherwise
   * `read`.
   */
  priority?: Priority | undefined
  /**
   * Aborts the call: its request ends, and the promise rejects with the signal's `reason`. {@link stoppedCalls} returns
   * what the call may have left behind.
   */
  signal?: AbortSignal | undefined
}

/** One attempt: one HTTP request of a call. An attempt has either a `status` or a `failure`. */
export interface Attempt {
  /** The HTTP status of the answer. */
  status?: number
  /** The kind of the failure, such as `timeout`, if no complete and readable answer came. */
  failure?: string
  /** Milliseconds from the start of the call to the start of the attempt. */
  atMs: number
  /** How long the attempt took, in milliseconds, without the wait for the rate limit. */
  ms: number
}

/** One cut: the server refused a request (429), so all who share the rate limit send fewer requests. */
export interface Cut {
  /** Requests allowed per window after the refusal, until successes raise the number again. */
  allowed: number
  /** How long no request is sent after the refusal, in milliseconds. */
  closedMs: number
}

/** A change in who shares the rate limit. */
export interface ScopeChange {
  /** Who shares the limit after the change; `scope` in {@link Stats} explains the values. */
  scope: 'process' | 'host' | 'fleet'
  /** Why the limit is not shared although `limitScope` asks for a shared limit; absent if it is shared again. */
  fallback?: string
}

/** What happened during a call. */
export interface Meta {
  /**
   * The id of the call: 32 hexadecimal digits. Hooks get the same id at the start and at the end of the call. All
   * requests that the call needs share this id.
   */
  callId: string
  /**
   * The id of the call's own request, sent as `X-Request-Id` with each attempt. Other requests of the call, such as the
   * look-up of a slug, have ids of their own.
   */
  requestId: string
  /** The method, such as `syncs.list`; `run` for each step of a handle's `wait` or `states`. */
  operation: string
  /** The API's own id of the operation, such as `ListSync`; absent if the method has none. */
  operationId?: string
  /** The resource that the call was about, such as `sync 7`; absent if it was about no single resource. */
  resource?: string
  /** The sync that the call is about: the id or the slug that the caller passed. A run handle passes the id. */
  sync?: string
  /** Milliseconds that the call waited for the rate limit. */
  waitedMs: number
  /** Milliseconds that the call took in all, with all attempts and waits. */
  durationMs: number
  /** Paths of values in the answer that were missing or unusable and got a default, such as `3.plannedRows`. */
  mended: string[]
  /** The attempts, the oldest first. */
  attempts: Attempt[]
  /** One entry for each refusal (429) of this call that cut the rate limit; absent if there was no cut. */
  cuts?: Cut[]
  /** The changes in who shares the rate limit, if this call was the first to notice them; absent if nothing changed. */
  scopeChanges?: ScopeChange[]
}
