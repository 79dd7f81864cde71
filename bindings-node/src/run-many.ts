/** The method of `syncs` that runs many syncs at once. */

import type { SyncBatch } from './batch.js'
import type { CallOptions } from './meta.js'
import type { SyncRef } from './models.js'
import { Resource } from './resource.js'

/** Arguments of `syncs.runMany`: those of `syncs.trigger`, which hold for every sync, and `atOnce`. */
export type RunManyArgs<TriggerArgs> = TriggerArgs & {
  /**
   * How many syncs may be in progress at a time, 1 or more; 50 by default. A sync is in progress from its
   * trigger to the end of its run.
   */
  atOnce?: number | undefined
}

/** The base of `syncs`. */
export abstract class SyncsBase<TriggerArgs extends object> extends Resource {
  /**
   * Starts a run of each sync and follows all of them in the background. A sync that fails does not affect the others,
   * but after a failure that all would meet, such as a refused key, no more syncs are started. An unknown slug is not an
   * error of this call, but of its item. Hooks are not called for the requests of a batch.
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
   * @throws {@link InvalidRequestError} if an argument or an option is wrong. Nothing was sent.
   * @throws {@link ClosedError} if the client is closed.
   */
  async runMany(
    syncs: readonly SyncRef[],
    args: RunManyArgs<TriggerArgs> = {} as RunManyArgs<TriggerArgs>,
    options: CallOptions = {},
  ): Promise<SyncBatch> {
    return this.calls.batch(syncs, args, options)
  }
}
