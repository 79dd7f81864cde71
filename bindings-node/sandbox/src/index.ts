/// <reference types="node" preserve="true" />

/** Helps to test programs that use hightouch-sdk, with a local server that implements the Hightouch API. */

export {
  Faults,
  type AnswerOptions,
  type FailOptions,
  type LimitOptions,
  type LoseOptions,
  type RunPlan,
  type SyncName,
  type Times,
  type WarnOptions,
} from './faults.js'
export type { MethodName } from './methods.js'
export { programPath } from './program.js'
export type { WorldRequest } from './requests.js'
export { Sandbox, type SandboxOptions } from './server.js'
export { World, WorldError, type Keys, type WaitForRequestsOptions, type WorldOptions } from './world.js'
