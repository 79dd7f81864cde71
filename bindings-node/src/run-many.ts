/** The methods of `syncs` that are about many syncs at once. */

import type { BatchEstimate, SyncBatch } from './batch.js'
import type { CallOptions } from './meta.js'
import type { SyncRef } from './models.js'
import { withPath } from './batch.js'
import { Resource } from './resource.js'

/**
 * Arguments of `syncs.runMany`: the arguments of `syncs.trigger`, which apply to every sync, and the arguments of the
 * batch.
 */
export type RunManyArgs<TriggerArgs> = TriggerArgs & {
  /**
   * How many syncs may be in progress at a time, 1 or more; 50 by default. A sync is in progress from its
   * trigger to the end of its run.
   */
  atOnce?: number | undefined
  /**
   * The path or the `file:` URL of the file that records what was started. If the file exists, the batch in it
   * is resumed: a run that has ended is not repeated, a run in progress is followed, and a sync that was not started is
   * started. If it cannot be known whether a run was started, the item has the outcome `'unknown'`.
   */
  checkpoint?: string | URL | undefined
  /**
   * Whether a resumed batch starts a sync again if it cannot be known whether its run was started; false by default.
   * The sync may then run twice.
   */
  retryUnknown?: boolean | undefined
  /**
   * Whether a resumed batch starts a sync again if its run failed, was cancelled or was interrupted; false by default.
   */
  retryFailed?: boolean | undefined
}

/** The base class of `syncs`. */
export abstract class SyncsBase<TriggerArgs extends object> extends Resource {
  /**
   * Starts a run of each sync and follows all of them in the background. A sync that fails does not affect the others,
   * but after a failure that would affect every sync, such as a refused key, no more syncs are started. If a slug is
   * unknown, this call succeeds, and the item of that slug has the error. Hooks are called for this call, and for each
   * request of the batch once the request has ended.
   *
   * ```ts
   * const batch = await ht.syncs.runMany(['orders-to-salesforce', 2, 3], { atOnce: 2 })
   * for await (const { sync, outcome } of batch) console.log(sync, outcome)
   * const items = await batch.wait()
   * ```
   *
   * @param syncs The ids or slugs of the syncs; an all-digit string is an id.
   * @param args Arguments by name, the same for each sync.
   * @param options Options of each request of the batch. Its `signal` stops the batch: the runs that were started
   * continue, and every wait and iteration rejects with the signal's `reason`.
   * @returns The batch. Keep it until it has ended: a batch that is garbage-collected starts no more syncs, and a batch
   * that nobody waits for does not keep the process alive.
   * @throws {@link InvalidRequestError} if an argument or an option is wrong, or if the checkpoint cannot be used; then
   * `code` is `'checkpoint'`. Nothing was sent.
   * @throws {@link ClosedError} if the client is closed.
   */
  async runMany(
    syncs: readonly SyncRef[],
    args: RunManyArgs<TriggerArgs> = {} as RunManyArgs<TriggerArgs>,
    options: CallOptions = {},
  ): Promise<SyncBatch> {
    return this.calls.batch(syncs, args, options)
  }
  /**
   * Returns the fewest requests and the least time that {@link SyncsBase.runMany} needs for the same arguments. Sends
   * nothing.
   *
   * @param syncs The ids or slugs of the syncs.
   * @param args The arguments of `runMany`, and `runTimeMs`: the time that you expect one run to take, in milliseconds;
   * 0 by default. The file of a checkpoint is not read.
   * @returns The numbers of requests, and the time.
   * @throws {@link InvalidRequestError} if an argument is wrong.
   * @throws {@link ClosedError} if the client is closed.
   */
  async estimateMany(
    syncs: readonly SyncRef[],
    args: RunManyArgs<TriggerArgs> & { runTimeMs?: number | undefined } = {} as RunManyArgs<TriggerArgs>,
  ): Promise<BatchEstimate> {
    return this.calls.value<BatchEstimate>('syncs.estimate_many', { ...withPath(args), syncs }, {})
  }
}
