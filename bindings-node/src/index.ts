/// <reference types="node" preserve="true" />

/** A client of the Hightouch REST API. */

export { stoppedCalls } from './abort.js'
export { SyncBatch, type BatchEstimate, type BatchWaitOptions } from './batch.js'
export { Hightouch, type HightouchOptions, type LimitScope, type RequestArgs } from './client.js'
export type { ApiKeyFunction } from './credentials.js'
export type { EndedRun, OfKind, RunKind } from './ended.js'
export * from './error-classes.js'
export { ApiError, ConnectionError, HightouchError, type BatchItem } from './errors.js'
export type { CallContext, CalledMethod, CallEnd, CallHooks, CallInfo, CallStart } from './hooks.js'
export { Json, JsonChange, JsonDiff, type JsonEdit, type JsonInput } from './json.js'
export type { Frozen, FrozenJson, JsonValue, Path } from './jsontext.js'
export type { Attempt, CallOptions, Cut, Meta, Priority, ScopeChange } from './meta.js'
export type * from './models.js'
export { Listing, Page } from './pages.js'
export { problemOf } from './problem.js'
export type { ProgressFunction } from './progress.js'
export { tables } from './records.js'
export type * from './records.js'
export { RawResponse } from './raw.js'
export type { Diagnosis, Finding, Negotiated, Stats, Waiting } from './reports.js'
export type * from './resources.js'
export { Table, type Column, type CSVOptions, type JSONLOptions, type Records } from './table.js'
export type { RunManyArgs, SyncsBase } from './run-many.js'
export type { RawMethod, Resource, WithRawResponse } from './resource.js'
export {
  IdentityGraphRunHandle,
  RunHandle,
  SequenceRunHandle,
  SyncRunHandle,
  type AnyRunHandle,
  type WaitOptions,
} from './runs.js'
