/** The base classes of errors, and the class that has members of its own. */

import { endedRun, type EndedRun } from './ended.js'
import type { Json } from './json.js'
import type { Meta } from './meta.js'
import type { ErrorKind } from './models.js'

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
}

/** The base class of all errors. A call that was aborted rejects with the reason of its `AbortSignal` instead. */
export class HightouchError extends Error {
  /** The kind of error, for a `switch`. Each kind has one class. */
  declare readonly kind: ErrorKind
  /** A finer reason, such as `bad_token`, `dns` or `key_function`, if one is known. Later versions may add codes. */
  declare readonly code: string | undefined
  /** The HTTP status, if the server answered. */
  declare readonly status: number | undefined
  /** What the server sent beside its message, or what belongs to this kind of error. */
  declare readonly details: Json | undefined
  /** The method, such as `syncs.list`. */
  declare readonly operation: string | undefined
  /** The API's own id of the operation, such as `ListSync`, if the method has one. */
  declare readonly operationId: string | undefined
  /** What the call was about, such as `sync 7`. */
  declare readonly resource: string | undefined
  /** How long to wait before the next attempt, in milliseconds, if the server said so. */
  declare readonly retryAfterMs: number | undefined
  /** What to do about the error. The `message` ends with it too. */
  declare readonly hint: string | undefined
  /** The requests of the call and their timing. */
  declare readonly meta: Meta | undefined
  /** The token of the run that the call was about. `client.run(error.run)` returns its handle. */
  declare readonly run: string | undefined

  /** @internal */
  constructor(failure: Failure, origin?: unknown) {
    const { message, causes, ...fields } = failure
    const cause = origin ?? causeOf(causes ?? [])
    const { hint } = fields
    super(hint ? `${message}\n${hint}` : message, cause === undefined ? undefined : { cause })
    // A field that is not known is left out, so that logs do not show it as undefined.
    Object.assign(this, Object.fromEntries(Object.entries(fields).filter(([, value]) => value != null)))
  }

  /** The id that every request of the call sent as `X-Request-Id`. Name it when you ask Hightouch for help. */
  get requestId(): string | undefined {
    return this.meta?.requestId
  }

  /** Returns all fields, for a log. */
  toJSON(): Record<string, unknown> {
    return { name: this.name, message: this.message, ...Object.fromEntries(Object.entries(this)) }
  }
}

/** The API refused the request. */
export class ApiError extends HightouchError {}
/** No connection to the API could be made, or it broke. */
export class ConnectionError extends HightouchError {}

/** The run failed, was cancelled or was interrupted, or it ended with warnings and `onWarning` is `'raise'`. */
export class RunFailedError extends HightouchError {
  /** The last state of the run, with its own error text. */
  get result(): EndedRun {
    return endedRun(this.run ?? '', this.details?.value as object)
  }
}

/** Converts messages, the outermost first, to a chain of errors. */
function causeOf(messages: string[]): Error | undefined {
  return messages.reduceRight<Error | undefined>(
    (cause, message) => new Error(message, cause && { cause }),
    undefined,
  )
}
