/** The Hightouch REST API for Node. */

export { Hightouch, type HightouchOptions, type RequestArgs } from './client.js'
export type { ApiKeyFunction } from './credentials.js'
export type { Attempt, CallOptions, Meta } from './door.js'
export {
  ApiError,
  AuthenticationError,
  CancelledError,
  ClosedError,
  ConfigError,
  ConflictError,
  ConnectError,
  ConnectionError,
  HightouchError,
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
  type EndedRun,
  type OfKind,
} from './errors.js'
export type { CallEnd, CallHooks, CallStart } from './hooks.js'
export { Json, type JsonInput, type JsonValue } from './json.js'
export type * from './models.js'
export { Listing, Page } from './pages.js'
export { RawResponse } from './raw.js'
export type { Diagnosis, Finding, Negotiated, Stats, Waiting } from './reports.js'
export type * from './resources.js'
export type { RawMethod, Resource, WithRawResponse } from './resource.js'
export {
  IdentityGraphRunHandle,
  RunHandle,
  SequenceRunHandle,
  SyncRunHandle,
  type AnyRunHandle,
  type RunKind,
  type WaitOptions,
} from './runs.js'
