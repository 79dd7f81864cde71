/** Batches: runs of many syncs. The core starts and follows the runs in the background. */

import { fileURLToPath } from 'node:url'

import { cancelOnAbort, listen, recordAborted, throwIfAborted, unlisten } from './abort.js'
import { checkSignal } from './checks.js'
import type { Door } from './door.js'
import { RunFailedError, type BatchItem, type Failure } from './errors.js'
import { CancelledError } from './error-classes.js'
import { awaitShared, errorFrom, withFramesOfCaller } from './failures.js'
import type { CallOptions } from './meta.js'
import type { SyncRef, SyncRun } from './models.js'
import { observeBatch, type ProgressFunction } from './progress.js'
import { checkOptions, WAIT_OPTIONS } from './runs.js'

/** An item as the core returns it. */
interface ItemRecord {
  index: number
  run: string | null
  syncId: string | null
  runId: string | null
  adopted: boolean
  joined: boolean
  state: SyncRun | null
  outcome: BatchItem['outcome'] | null
  failure: Failure | null
}

/** The items that have changed since the last answer. */
interface Changes {
  items: ItemRecord[]
  finished: boolean
  /** The requests of the batch that have ended, if the client has hooks or the tracing channel has subscribers. */
  told?: Parameters<Door['tell']>[0]
}

/** A request in progress that asks the core for changes. */
interface ChangesRequest {
  answer: Promise<void>
  /** Aborts the request while it waits for changes; absent if the core answers the request at once. */
  abort?: AbortController
}

/** Options of {@link SyncBatch.wait}. */
export interface BatchWaitOptions {
  /**
   * How long to wait, in milliseconds, 0 or more; without a limit by default. When the time is over, `wait` rejects
   * with {@link WaitTimeoutError}, and the batch continues.
   */
  timeoutMs?: number | undefined
  /**
   * What `wait` does if a sync was not started, or its run failed, was cancelled or was interrupted: `'raise'`, the
   * default, rejects with {@link RunFailedError} when all syncs have ended; `'return'` returns the items.
   */
  onFailure?: 'raise' | 'return' | undefined
  /**
   * What `wait` does if a run ended with warnings: `'return'`, the default, returns the items; `'raise'` rejects with
   * {@link RunFailedError}.
   */
  onWarning?: 'raise' | 'return' | undefined
  /**
   * Shows the progress on standard error; `false` by default. `true` shows one line with the number of syncs that have
   * ended, and one line for each sync in progress. These lines change in place. They are shown only if standard error
   * is a terminal. `'log'` writes a new line for each item that changes.
   *
   * A function is called with each item that changes while `wait` is pending. The function cannot end the wait: if it
   * throws or rejects, its error is emitted as a process warning.
   */
  progress?: boolean | 'log' | ProgressFunction<BatchItem> | undefined
  /**
   * Stops the batch like {@link SyncBatch.stop}; `wait` then rejects with the signal's `reason`. The runs that were
   * started continue: {@link stoppedCalls} returns one error for each of these runs, with its token.
   */
  signal?: AbortSignal | undefined
}

/**
 * The fewest requests and the least time that a batch needs. A run that is still in progress when it is first read
 * needs more requests.
 */
export interface BatchEstimate {
  /**
   * Requests that prepare triggers: one for each slug, unless the client remembers the id; one for each sync with
   * `ifRunning: 'join'`; and one if a checkpoint needs the server's time.
   */
  lookups: number
  /** Requests that start runs: one for each sync. */
  triggers: number
  /** Requests that read how runs ended: one for each sync. */
  looks: number
  /** The sum of `lookups`, `triggers` and `looks`. */
  requests: number
  /**
   * The least time until the last run has ended, in milliseconds, given the rate limit and `runTimeMs`.
   */
  durationMs: number
}

/** The longest delay that `setTimeout` accepts, in milliseconds. With a longer delay, the timer would fire at once. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1

/** Calls the function that a batch registered, once the batch is garbage-collected. */
const collected = new FinalizationRegistry<() => void>((close) => {
  close()
})

/**
 * The runs of many syncs. `for await` yields each item when its sync has ended, in any order. Every loop
 * starts with the items that have already ended. Leaving a loop does not stop the batch.
 */
export class SyncBatch implements AsyncIterable<BatchItem> {
  readonly #door: Door
  readonly #id: number
  readonly #signal: AbortSignal | undefined
  readonly #items: BatchItem[]
  readonly #ended: BatchItem[] = []
  readonly #listeners = new Set<(item: BatchItem) => void>()
  #isFinished = false
  #request: ChangesRequest | undefined
  /** How many calls of `wait` and iterations need the answer to `#request`. */
  #waiting = 0
  #stopped: Promise<void> | undefined
  /** The signal that stopped the batch. */
  #stoppedBy: AbortSignal | undefined
  readonly #forgetSignal: () => void

  /** @internal */
  constructor(door: Door, id: number, syncs: readonly SyncRef[], signal: AbortSignal | undefined) {
    this.#door = door
    this.#id = id
    this.#signal = signal
    this.#items = syncs.map((sync, index) => ({ index, sync, adopted: false, joined: false }))
    // Neither the signal nor the registry `collected` may keep the batch from being garbage-collected.
    const self = new WeakRef(this)
    const onAbort = (): void => {
      const batch = self.deref()
      if (batch && signal) batch.#stopFor(signal)
    }
    const forgetSignal = (): void => {
      if (signal) unlisten(signal, onAbort)
    }
    if (signal) listen(signal, onAbort)
    this.#forgetSignal = forgetSignal
    const close = (): void => {
      forgetSignal()
      door.value('batch.close', { batch: id }).catch(() => undefined)
    }
    collected.register(this, close)
  }

  /** @internal */
  static async start(
    door: Door,
    syncs: readonly SyncRef[],
    args: object,
    options: CallOptions,
  ): Promise<SyncBatch> {
    const given: unknown = syncs
    // The array is copied, because the caller may change it before the core answers. The core refuses a value that is
    // not an array.
    const copy = Array.isArray(given) ? [...syncs] : syncs
    const { batch } = await door.value<{ batch: number }>(
      'syncs.run_many',
      { ...withPath(args), syncs: copy, tellCalls: door.isObserved },
      options,
    )
    const { signal } = options
    const started = new SyncBatch(door, batch, copy, signal)
    if (signal?.aborted) started.#stopFor(signal)
    return started
  }

  /**
   * One item for each sync, in the order in which the syncs were passed. Shows what is known so far: the items are
   * updated during `wait`, an iteration, and `stop`.
   */
  get items(): BatchItem[] {
    return [...this.#items]
  }

  /** Iterates over the items as they end. Does not reject if a sync fails. */
  async *[Symbol.asyncIterator](): AsyncGenerator<BatchItem, void, undefined> {
    for (let next = 0; ; next += 1) {
      while (next >= this.#ended.length && !this.#isOver) await this.#changes()
      if (this.#stopped) await awaitShared(this.#stopped)
      if (this.#stoppedBy === this.#signal) throwIfAborted(this.#signal)
      const item = this.#ended[next]
      if (!item) return
      yield item
    }
  }

  /**
   * Waits until every sync has ended. Outages of the API do not end the wait. `wait` can be called again.
   *
   * @param options How long to wait, and what to do if a sync fails.
   * @returns One item for each sync, in the order in which the syncs were passed.
   * @throws {@link InvalidRequestError} if an option is unknown or wrong.
   * @throws {@link RunFailedError} if a sync was not started, or its run failed, was cancelled or was interrupted,
   * unless `onFailure` is `'return'`; or if a run ended with warnings and `onWarning` is `'raise'`. The message names
   * at most 20 of these syncs and says why, and the `items` of the error are all of them. If the client is closed, each
   * sync that had not ended is one of them.
   * @throws {@link WaitTimeoutError} if not all syncs ended within `timeoutMs`. The batch continues.
   * @throws {@link ClosedError} if the batch was stopped before every sync had ended.
   */
  async wait(options: BatchWaitOptions = {}): Promise<BatchItem[]> {
    checkOptions(options, Object.keys(WAIT_OPTIONS))
    const { timeoutMs = Infinity, onFailure = 'raise', onWarning = 'return', progress, signal } = options
    checkSignal(signal, { operation: 'syncs.runMany' })
    const end = performance.now() + timeoutMs
    const observer = observeBatch(progress, this.#items)
    const report = (item: BatchItem): void => {
      observer.see(item)
    }
    this.#listeners.add(report)
    try {
      while (!this.#isOver) {
        if (signal?.aborted) this.#stopFor(signal)
        else if (performance.now() < end) await this.#changes(end, signal)
        else await this.#ask({ timeoutMs: 0, expire: true })
      }
      // If the batch was stopped, its items are complete only after this await.
      if (this.#stopped) await awaitShared(this.#stopped)
      throwIfAborted(signal)
      if (this.#stoppedBy === this.#signal) throwIfAborted(this.#signal)
      // If `wait` must throw an error, the core answers with this error.
      await this.#ask({ onFailure, onWarning })
    } catch (error) {
      if (error instanceof RunFailedError) throw this.#withItems(error)
      throw error
    } finally {
      this.#listeners.delete(report)
      observer.end()
    }
    return this.items
  }

  /**
   * Starts no more syncs and ends every wait and iteration. The runs that were started continue; the `runToken` of an
   * item resumes its run with `client.run`. Triggers in progress end first, so that no run remains unknown.
   *
   * @returns One item for each sync. An item without an `outcome` was not started, or its run continues.
   */
  async stop(): Promise<BatchItem[]> {
    this.#stopped ??= this.#close()
    await this.#stopped
    return this.items
  }

  /** Stops the batch at the end of an `await using` block, like {@link SyncBatch.stop}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /** Returns the items, for `JSON.stringify`. */
  toJSON(): BatchItem[] {
    return this.items
  }

  /** Whether the batch has ended or is being stopped. From then on, only the answer to `batch.stop` brings changes. */
  get #isOver(): boolean {
    return this.#isFinished || this.#stopped !== undefined
  }

  async #close(): Promise<void> {
    this.#forgetSignal()
    await this.#apply(await this.#door.value<Changes>('batch.stop', { batch: this.#id }))
  }

  /** Stops the batch because `signal` aborted. Keeps the tokens of runs that go on, for `stoppedCalls`. */
  #stopFor(signal: AbortSignal): void {
    if (this.#stopped) return
    this.#stoppedBy = signal
    this.#stopped = this.#close().then(() => {
      for (const item of this.#items) {
        if (item.runToken === undefined || item.outcome !== undefined) continue
        const error = errorFrom(leftBehind(item), signal.reason)
        if (error instanceof CancelledError) recordAborted(signal, error)
      }
    })
    this.#stopped.catch(() => undefined)
  }

  /**
   * Waits until items have changed, the time `end` is reached, or the signal has aborted. All waits and iterations
   * share one request, because the core reports each change only once.
   */
  async #changes(end = Infinity, signal?: AbortSignal): Promise<void> {
    const isOwn = this.#request === undefined
    const request = (this.#request ??= this.#send({}, new AbortController()))
    let timer: NodeJS.Timeout | undefined
    let wake = (): void => undefined
    const woken = new Promise<void>((resolve) => {
      wake = resolve
      const timeLeft = Math.max(0, Math.ceil(end - performance.now()))
      if (end !== Infinity) timer = setTimeout(resolve, Math.min(timeLeft, LONGEST_TIMEOUT_MS))
    })
    this.#waiting += 1
    try {
      const work = Promise.race([request.answer, woken])
      await (signal ? cancelOnAbort(work, signal, wake) : work)
    } catch (error) {
      // Only the caller that sent the request throws the error of the request. If the request was aborted, or
      // if the batch has ended or was stopped meanwhile, no caller throws the error.
      if (isOwn && !request.abort?.signal.aborted && !this.#isOver) throw withFramesOfCaller(error)
    } finally {
      clearTimeout(timer)
      this.#waiting -= 1
      // A request that nobody waits for would keep the process alive.
      if (this.#waiting === 0) request.abort?.abort()
    }
  }

  /**
   * Asks for an answer at once. First aborts the request that waits for changes, because the core answers
   * the requests for a batch one at a time.
   */
  async #ask(args: object): Promise<void> {
    this.#request?.abort?.abort()
    this.#request = this.#send(args)
    await awaitShared(this.#request.answer)
  }

  #send(args: object, abort?: AbortController): ChangesRequest {
    const options = abort && { signal: abort.signal }
    const answer = this.#door
      .value<Changes>('batch.next', { batch: this.#id, ...args }, options)
      .then((changes) => this.#apply(changes))
      .finally(() => {
        if (this.#request === request) this.#request = undefined
      })
    const request: ChangesRequest = { answer, ...(abort && { abort }) }
    answer.catch(() => undefined)
    return request
  }

  async #apply({ items, finished, told = [] }: Changes): Promise<void> {
    for (const record of items) {
      const { sync, outcome } = this.#items[record.index] ?? {}
      // Skips an item that had ended before: the answer to `batch.stop` contains all items once more.
      if (sync === undefined || outcome !== undefined) continue
      const item = itemOf(record, sync)
      this.#items[record.index] = item
      if (item.outcome !== undefined) this.#ended.push(item)
      for (const report of this.#listeners) report(item)
    }
    this.#isFinished ||= finished
    if (finished) this.#forgetSignal()
    await this.#door.tell(told)
  }

  /** Sets `items` in the error that the core created for the batch. */
  #withItems(error: RunFailedError): RunFailedError {
    const failed = error.details?.value as { index: number }[]
    const items = failed.map(({ index }) => this.#items[index])
    return Object.assign(error, { items })
  }
}

/** Returns the arguments with a path in place of a file URL. */
export function withPath(args: { checkpoint?: string | URL | undefined }): object {
  const { checkpoint } = args
  return checkpoint instanceof URL ? { ...args, checkpoint: fileURLToPath(checkpoint) } : args
}

/** Describes, as a failure, a run that goes on after its batch was stopped. */
function leftBehind({ sync, runId, runToken }: BatchItem): Failure {
  const resource = typeof sync === 'number' ? `sync ${String(sync)}` : `sync "${sync}"`
  return {
    kind: 'cancelled',
    message: `syncs.runMany: the batch was stopped while run ${String(runId)} of ${resource} was in progress.`,
    hint: 'The run goes on. Resume it with its token.',
    operation: 'syncs.runMany',
    resource,
    run: runToken ?? null,
  }
}

function itemOf(record: ItemRecord, sync: SyncRef): BatchItem {
  const { index, run, syncId, runId, adopted, joined, state, outcome, failure } = record
  return {
    index,
    sync,
    ...(syncId !== null && { syncId: Number(syncId) }),
    ...(runId !== null && { runId: Number(runId) }),
    ...(run !== null && { runToken: run }),
    adopted,
    joined,
    ...(state && { state }),
    ...(outcome && { outcome }),
    ...(failure && { error: errorFrom(failure) }),
  }
}
