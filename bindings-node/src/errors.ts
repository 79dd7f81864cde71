/** The base classes of errors, and `RunFailedError`, which has members of its own. */

import { endedRun, type EndedRun } from './ended.js'
import type { Json } from './json.js'
import type { Meta } from './meta.js'
import type { ErrorKind, RunProblem, SyncRef, SyncRun } from './models.js'

/** A failure as the core sends it. */
export interface Failure {
  kind: ErrorKind
  code?: string | null
  message: string
  status?: number | null
  details?: Json | null
  operation?: string | null
  operationId?: string | null
  resource?: string | null
  retryAfterMs?: number | null
  hint?: string | null
  causes?: string[]
  meta?: Meta | null
  run?: string | null
  problem?: RunProblem | null
}

/**
 * The base class of all errors of this package. A call that an `AbortSignal` aborts rejects with the signal's `reason`
 * instead.
 */
export class HightouchError extends Error {
  /** The kind of error, for a `switch`. Each kind has one class. */
  declare readonly kind: ErrorKind
  /**
   * A finer reason than the kind, such as `bad_token`, `dns` or `key_function`; absent if no such reason is known.
   * {@link Finding} lists the codes. Later versions may add codes.
   */
  declare readonly code: string | undefined
  /** The HTTP status, if the server answered. */
  declare readonly status: number | undefined
  /**
   * What the server sent besides its message. For a {@link RunFailedError}, the last state of the run, or the items of
   * the batch that did not succeed. For an {@link OutcomeUnknownError} of a trigger, the member `candidates` may list
   * the runs that the trigger may have started.
   */
  declare readonly details: Json | undefined
  /** The method that failed, such as `syncs.list`; `run` for the methods `wait` and `states` of a handle. */
  declare readonly operation: string | undefined
  /** The API's own id of the operation, such as `ListSync`; absent if the method has none. */
  declare readonly operationId: string | undefined
  /** What the call was about, such as `sync 7`. */
  declare readonly resource: string | undefined
  /**
   * How many milliseconds to wait before another attempt, as the server asked or as the rate limit requires; absent if
   * unknown.
   */
  declare readonly retryAfterMs: number | undefined
  /** What to do about the error, in one or more sentences. The `message` ends with these sentences too. */
  declare readonly hint: string | undefined
  /** The requests of the call and their timing; may be absent if nothing was sent. */
  declare readonly meta: Meta | undefined
  /** The token of the run, if the error is about a run. `client.run(error.run)` returns a handle of the run. */
  declare readonly run: string | undefined

  /** @internal */
  constructor(failure: Failure, origin?: unknown) {
    const { message, causes, ...fields } = failure
    const cause = origin ?? causeOf(causes ?? [])
    const { hint } = fields
    super(hint ? `${message}\n${hint}` : message, cause === undefined ? undefined : { cause })
    // A field without a value is left out, so that logs do not show it as undefined.
    Object.assign(this, Object.fromEntries(Object.entries(fields).filter(([, value]) => value != null)))
  }

  /**
   * The id of the call's own request, sent as `X-Request-Id` with each attempt. Name this id when you ask Hightouch for
   * help. Absent if nothing was sent.
   */
  get requestId(): string | undefined {
    return this.meta?.requestId
  }

  /** Returns all fields that have a value, for `JSON.stringify`. */
  toJSON(): Record<string, unknown> {
    return { name: this.name, message: this.message, ...Object.fromEntries(Object.entries(this)) }
  }
}

/** The API refused the request, or failed. Also thrown if a call would have to wait too long for the rate limit. */
export class ApiError extends HightouchError {}
/** No connection to the API could be made, or the connection broke. */
export class ConnectionError extends HightouchError {}

/**
 * The run failed, was cancelled or was interrupted, or it ended with warnings and `onWarning` is `'raise'`.
 * The `wait` of a batch rejects with this error if at least one run of the batch ended in one of these ways, or if
 * at least one sync was not started. The message then names at most 20 of these syncs and says why.
 */
export class RunFailedError extends HightouchError {
  /** The items of the batch whose syncs did not succeed, in order; absent if the error is about one run. */
  declare readonly items: readonly BatchItem[] | undefined
  /**
   * Why the run did not succeed, and what to do; absent if the error is about a batch. `problemOf(item.state)` returns
   * the problem of an item.
   */
  declare readonly problem: RunProblem | undefined

  /**
   * The last state of the run. The `error` of this state is the error message of the run, if the run has one.
   * `undefined` if the error is about a batch; see `items`.
   */
  get result(): EndedRun | undefined {
    return this.run === undefined ? undefined : endedRun(this.run, this.details?.value as object)
  }
}

/** One sync of a batch, and what is known of its run. */
export interface BatchItem {
  /** The position of the sync in the batch, from 0. */
  readonly index: number
  /** The sync, as it was passed. */
  readonly sync: SyncRef
  /** The id of the sync; absent until its run was started. */
  readonly syncId?: number
  /** The id of the run; absent until it was started. */
  readonly runId?: number
  /** The token of the run; absent until the run was started. `client.run(token)` returns a handle of the run. */
  readonly runToken?: string
  /**
   * Whether the answer to the trigger was lost, and the client then found the run in the list of runs. The trigger
   * cannot have started any other run.
   */
  readonly adopted: boolean
  /**
   * Whether the run was already in progress and the trigger joined it (`ifRunning: 'join'`) instead of starting a run.
   */
  readonly joined: boolean
  /** The last state of the run that the client has read; absent until it has read one. */
  readonly state?: SyncRun
  /**
   * How the sync ended; absent while it waits or is in progress. `'failure'`: the run failed, was cancelled or was
   * interrupted. `'not_started'`: no run was started. `'unknown'`: a run may have been started, or how it ended could
   * not be read. In the last two cases `error` says why.
   */
  readonly outcome?: 'success' | 'warning' | 'failure' | 'not_started' | 'unknown'
  /** Why no run was started, or why it is not known how the run ended. If the run itself failed, see `state.error`. */
  readonly error?: HightouchError
}

/** Converts messages, the outermost first, to a chain of errors that are linked by `cause`. */
function causeOf(messages: string[]): Error | undefined {
  return messages.reduceRight<Error | undefined>(
    (cause, message) => new Error(message, cause && { cause }),
    undefined,
  )
}
