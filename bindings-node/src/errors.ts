/** What goes wrong, as one tree of classes. */

import { endedRun, type EndedRun } from './ended.js'
import { opened, type Json } from './json.js'
import type { Meta } from './meta.js'
import type { ErrorKind } from './models.js'

/** A failure as the core describes it. */
export interface Failure {
  kind: ErrorKind
  code?: string | null
  message: string
  status?: number | null
  details?: Json | null
  operation?: string | null
  resource?: string | null
  retryAfterMs?: number | null
  hint?: string | null
  causes?: string[]
  meta?: Meta | null
  run?: string | null
}

/** Anything that this package rejects with, but for the `reason` of an `AbortSignal`. */
export class HightouchError extends Error {
  /** What went wrong, for code to switch over. */
  declare readonly kind: ErrorKind
  /**
   * The finer reason, where one is known: `bad_token`, `orphaned_creator`, `dns`, `key_function` and others. Later
   * versions may know more of them.
   */
  declare readonly code: string | undefined
  /** The HTTP status, where there was an answer. */
  declare readonly status: number | undefined
  /** What the server said beside its message, or what belongs to this kind of error. */
  declare readonly details: Json | undefined
  /** The operation, such as `syncs.list`. */
  declare readonly operation: string | undefined
  /** The thing that the call was about, such as `sync 7`. */
  declare readonly resource: string | undefined
  /** How long to wait before trying again, in milliseconds, where the server said so. */
  declare readonly retryAfterMs: number | undefined
  /** What to do about it. Also the end of `message`. */
  declare readonly hint: string | undefined
  /** How the call went: request id, waiting, one entry for each try. */
  declare readonly meta: Meta | undefined
  /** The token of the run that the call was about: `client.run(error.run)` goes on with it. */
  declare readonly run: string | undefined

  /** @internal */
  constructor(failure: Failure, origin?: unknown) {
    const { message, causes, ...fields } = failure
    const cause = origin ?? causeOf(causes ?? [])
    const { hint } = fields
    super(hint ? `${message}\n${hint}` : message, cause === undefined ? undefined : { cause })
    // What is not known is not there, rather than there and undefined: the fields are read in logs.
    Object.assign(this, Object.fromEntries(Object.entries(fields).filter(([, value]) => value != null)))
  }

  /** The id that was sent as `X-Request-Id`, for a question to the vendor. */
  get requestId(): string | undefined {
    return this.meta?.requestId
  }

  /** All fields, for a log. */
  toJSON(): Record<string, unknown> {
    return { name: this.name, message: this.message, ...Object.fromEntries(Object.entries(this)) }
  }
}

/** The API refused; `status` is there where it answered. */
export class ApiError extends HightouchError {}
/** Between here and the API no connection could be made, or it broke. */
export class ConnectionError extends HightouchError {}

/** A setting of the client is missing or wrong. */
export class ConfigError extends HightouchError {}
/** An argument or option is wrong and nothing was sent, or the server found the request malformed (400). */
export class InvalidRequestError extends HightouchError {}
/** The key is missing, wrong, or belongs to a user who is no longer an active Admin (401). */
export class AuthenticationError extends ApiError {}
/** The key may not do this (403). */
export class PermissionError extends ApiError {}
/** There is no such thing in this workspace (404). */
export class NotFoundError extends ApiError {}
/** It is at odds with what is there (409). */
export class ConflictError extends ApiError {}
/** The server found the values invalid; `details` says which and why (422, or a validation error under 200). */
export class ValidationError extends ApiError {}
/** The call would have to wait for the rate limit, or to wait after a 429, for longer than it may. */
export class RateLimitedError extends ApiError {}
/** The server failed (5xx, or "Internal Server Error" under 200). */
export class ServerError extends ApiError {}
/** The server could not be reached, or the connection broke. */
export class ConnectError extends ConnectionError {}
/** No trusted, modern enough TLS connection could be made. */
export class TlsError extends ConnectionError {}
/** The proxy could not be used. */
export class ProxyError extends ConnectionError {}
/** The time allowed for a try or for the call was over. */
export class TimeoutError extends HightouchError {}
/**
 * The call was stopped. Where an `AbortSignal` did it, the promise rejects with the signal's reason instead, and
 * {@link stoppedCalls} gives this error.
 */
export class CancelledError extends HightouchError {}
/** The answer is not what the API documents. */
export class ProtocolError extends HightouchError {}
/** Something was asked for that changes things, and whether it happened is not known. It may have. */
export class OutcomeUnknownError extends HightouchError {}
/** A run that was waited for did not end well. */
export class RunFailedError extends HightouchError {
  /** The run's last state, with its own account of what went wrong. */
  get result(): EndedRun {
    return endedRun(this.run ?? '', this.details?.value as object)
  }
}
/** A run has not ended within the time allowed for waiting. It goes on; `run` is its token. */
export class WaitTimeoutError extends TimeoutError {}
/** The client was closed. */
export class ClosedError extends HightouchError {}
/** A defect of this package. */
export class InternalError extends HightouchError {}

/** The one table that says which class a kind becomes. */
export const errorClasses = {
  config: ConfigError,
  invalid_request: InvalidRequestError,
  authentication: AuthenticationError,
  permission: PermissionError,
  not_found: NotFoundError,
  conflict: ConflictError,
  validation: ValidationError,
  rate_limited: RateLimitedError,
  server: ServerError,
  connect: ConnectError,
  tls: TlsError,
  proxy: ProxyError,
  timeout: TimeoutError,
  cancelled: CancelledError,
  protocol: ProtocolError,
  outcome_unknown: OutcomeUnknownError,
  run_failed: RunFailedError,
  wait_timeout: WaitTimeoutError,
  closed: ClosedError,
  internal: InternalError,
} as const satisfies Record<ErrorKind, typeof HightouchError>

// On the prototypes, so that an inspected error shows its name once; as keys, minifiers leave them alone.
const named = {
  HightouchError,
  ApiError,
  AuthenticationError,
  CancelledError,
  ClosedError,
  ConfigError,
  ConflictError,
  ConnectError,
  ConnectionError,
  InternalError,
  InvalidRequestError,
  NotFoundError,
  OutcomeUnknownError,
  PermissionError,
  ProtocolError,
  ProxyError,
  RateLimitedError,
  RunFailedError,
  ServerError,
  TimeoutError,
  TlsError,
  ValidationError,
  WaitTimeoutError,
}
for (const [name, { prototype }] of Object.entries(named)) {
  Object.defineProperty(prototype, 'name', { value: name, configurable: true, writable: true })
}

/** @internal */
export function errorFrom(failure: Failure, cause?: unknown): HightouchError {
  return new errorClasses[failure.kind](failure, cause)
}

/** @internal */
export function failureOf(json: string): Failure {
  return opened(json) as Failure
}

/** A chain of errors, outermost first. */
function causeOf(messages: string[]): Error | undefined {
  return messages.reduceRight<Error | undefined>(
    (cause, message) => new Error(message, cause && { cause }),
    undefined,
  )
}
