/** Why a run did not succeed. */

import type { IdentityGraphRun, RunProblem, SequenceRun, SyncRun } from './models.js'
import { callLocal } from './native.js'

/**
 * Returns why a run failed, was cancelled or was interrupted, or why it ended with warnings, and what to do. Sends
 * nothing.
 *
 * ```ts
 * import { problemOf } from 'hightouch-sdk'
 *
 * for await (const run of ht.syncs.runs('orders-to-salesforce')) console.log(run.id, problemOf(run)?.advice)
 * ```
 *
 * @param run The state of a run of any kind.
 * @returns The problem; `null` if the run succeeded or has not ended.
 */
export function problemOf(run: SyncRun | SequenceRun | IdentityGraphRun): RunProblem | null {
  return callLocal('run.problem', run, Error) as RunProblem | null
}
