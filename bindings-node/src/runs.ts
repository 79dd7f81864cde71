/** Handles that follow runs. */

import { checkNames, refusal } from './checks.js'
import type { Door } from './door.js'
import type { RunKind } from './ended.js'
import { RunFailedError } from './errors.js'
import type { IdentityGraphRun, SequenceRun, SyncRun } from './models.js'
import { isProgress, observeRun, type ProgressFunction } from './progress.js'

/** A run as the core describes it, after a trigger or from a token. */
export interface RunRecord {
  token: string
  kind: RunKind
  id: string
  parent: string
  adopted: boolean
  joined: boolean
}

interface RunStep<State> {
  state: State | null
  seen: string
  changed: boolean
  finished: boolean
}

/** Options of `wait`. */
export interface WaitOptions<State> {
  /**
   * How long to wait, in milliseconds, 0 or more; unlimited by default. If the run has not ended by then, `wait`
   * rejects with {@link WaitTimeoutError}, and the run continues.
   */
  timeoutMs?: number | undefined
  /**
   * What `wait` does if the run failed, was cancelled or was interrupted: `'raise'`, the default, rejects with
   * {@link RunFailedError}; `'return'` returns the last state.
   */
  onFailure?: 'raise' | 'return' | undefined
  /**
   * What `wait` does if the run ended with warnings: `'return'`, the default, returns the last state; `'raise'` rejects
   * with {@link RunFailedError}.
   */
  onWarning?: 'raise' | 'return' | undefined
  /**
   * Shows the progress on standard error; `false` by default. `true` shows one line with the run, its status, its rows
   * and the time. The line changes in place. It is shown only if standard error is a terminal. `'log'` writes a new
   * line for each new state.
   *
   * A function is called with each new state of the run, the last one included. The function cannot end the wait: if it
   * throws or rejects, its error is emitted as a process warning.
   */
  progress?: boolean | 'log' | ProgressFunction<State> | undefined
  /** Ends the wait: `wait` rejects with the signal's `reason`. The run continues. */
  signal?: AbortSignal | undefined
}

type WaitOption = [expected: string, isValid: (value: unknown) => boolean]

const POLICY: WaitOption = ["'raise' or 'return'", (value) => value === 'raise' || value === 'return']

/** The condition that each option must meet. Any `signal` is accepted, because the call itself checks the signal. */
export const WAIT_OPTIONS: Record<string, WaitOption> = {
  timeoutMs: [
    'a finite number of milliseconds, 0 or more',
    (value) => Number.isFinite(value) && Number(value) >= 0,
  ],
  onFailure: POLICY,
  onWarning: POLICY,
  progress: ["true, false, 'log' or a function", isProgress],
  signal: ['an AbortSignal', () => true],
}

/** @throws HightouchError (`invalid_request`) if an option is unknown or wrong. */
export function checkOptions(options: object, known: string[]): void {
  checkNames('option', options, known)
  for (const [name, value] of Object.entries(options) as [string, unknown][]) {
    const [expected, isValid] = WAIT_OPTIONS[name] ?? []
    if (value === undefined || !isValid || isValid(value)) continue
    throw refusal('option', `the option \`${name}\` must be ${String(expected)}.`)
  }
}

/** A handle that follows one run and no other. */
export abstract class RunHandle<State> {
  readonly #door: Door

  /** The kind of the run: whether a sync, a sequence or an identity graph runs. */
  abstract readonly kind: RunKind
  /** The run's id. */
  abstract readonly id: number | string
  /** @internal */
  protected abstract readonly parentName: string
  /**
   * A string that identifies the run and holds no API key. In any process, `client.run(token)` returns a handle of the
   * run.
   */
  readonly token: string
  /**
   * Whether the answer to the trigger was lost, and the client then found the run in the list of runs. The trigger
   * cannot have started any other run.
   */
  readonly adopted: boolean
  /**
   * Whether the run was already in progress and the trigger joined it (`ifRunning: 'join'`) instead of starting a run.
   */
  readonly joined: boolean

  /** @internal */
  constructor(door: Door, record: RunRecord) {
    this.#door = door
    this.token = record.token
    this.adopted = record.adopted
    this.joined = record.joined
  }

  /**
   * Reads the run once. Unlike `wait`, `state` rejects during an outage of the API, and does not reject if the run
   * failed.
   *
   * @param options Only `signal`.
   * @returns The state of the run.
   * @throws {@link InvalidRequestError} if an option is unknown or wrong.
   * @throws {@link NotFoundError} if the server does not list the run. A new run may not be listed yet.
   * @throws {@link HightouchError} if the run cannot be read for another reason.
   */
  async state(options: { signal?: AbortSignal | undefined } = {}): Promise<State> {
    checkOptions(options, ['signal'])
    return this.#door.value<State>('run.state', { run: this.token }, options)
  }

  /**
   * Iterates over the states of the run as they change, the last one included. Does not reject if the run fails.
   *
   * @param options Only `signal`. If the signal aborts, the iteration ends and rejects with the signal's `reason`.
   * @throws {@link InvalidRequestError} if an option is unknown or wrong.
   * @throws {@link NotFoundError} if the server has not listed the run for ten minutes.
   * @throws {@link HightouchError} if the state of the run cannot be read, and the reason is not an outage of the API.
   */
  states(options: { signal?: AbortSignal | undefined } = {}): AsyncGenerator<State, void, undefined> {
    checkOptions(options, ['signal'])
    return this.#states(options.signal)
  }

  async *#states(signal: AbortSignal | undefined): AsyncGenerator<State, void, undefined> {
    for await (const step of this.#steps(() => ({ onFailure: 'return', onWarning: 'return' }), signal)) {
      if (step.changed && step.state !== null) yield step.state
    }
  }

  /**
   * Waits until the run ends. Outages of the API do not end the wait.
   *
   * @param options How long to wait, and what to do if the run fails.
   * @returns The last state of the run.
   * @throws {@link InvalidRequestError} if an option is unknown or wrong.
   * @throws {@link RunFailedError} if the run failed, was cancelled or was interrupted, unless `onFailure` is
   * `'return'`; or if it ended with warnings and `onWarning` is `'raise'`.
   * @throws {@link WaitTimeoutError} if the run did not end within `timeoutMs`. The error's `run` is the run's token.
   * @throws {@link NotFoundError} if the server has not listed the run for ten minutes.
   * @throws {@link HightouchError} if the state of the run cannot be read, and the reason is not an outage of the API.
   */
  async wait(options: WaitOptions<State> = {}): Promise<State> {
    checkOptions(options, Object.keys(WAIT_OPTIONS))
    const { timeoutMs, onFailure, onWarning, progress, signal } = options
    const observer = observeRun(progress, { of: this.parentName, id: this.id })
    const end = timeoutMs === undefined ? undefined : performance.now() + timeoutMs
    const timeLeft = (): object =>
      end === undefined ? {} : { timeoutMs: Math.max(0, Math.ceil(end - performance.now())), expire: true }
    let last: State | null = null
    try {
      for await (const step of this.#steps(() => ({ onFailure, onWarning, ...timeLeft() }), signal)) {
        last = step.state
        if (step.changed && step.state !== null) observer.see(step.state)
      }
    } catch (error) {
      if (error instanceof RunFailedError) observer.see(error.details?.value as State)
      throw error
    } finally {
      observer.end()
    }
    // The loop ends with a step that has the final state of the run, so `last` is not null.
    return last as State
  }

  async *#steps(args: () => object, signal?: AbortSignal): AsyncGenerator<RunStep<State>, void, undefined> {
    let step: RunStep<State> | undefined
    do {
      step = await this.#door.value<RunStep<State>>(
        'run',
        { run: this.token, seen: step?.seen, ...args() },
        { signal },
      )
      yield step
    } while (!step.finished)
  }
}

/** Follows a run of a sync. */
export class SyncRunHandle extends RunHandle<SyncRun> {
  override readonly kind = 'sync'
  override readonly id: number
  /** The id of the sync. */
  readonly syncId: number

  /** @internal */
  protected override get parentName(): string {
    return `sync ${String(this.syncId)}`
  }

  /** @internal */
  constructor(door: Door, record: RunRecord) {
    super(door, record)
    this.id = Number(record.id)
    this.syncId = Number(record.parent)
  }
}

/** Follows a run of a sequence. */
export class SequenceRunHandle extends RunHandle<SequenceRun> {
  override readonly kind = 'sequence'
  override readonly id: string
  /** The id of the sequence. */
  readonly sequenceId: string

  /** @internal */
  protected override get parentName(): string {
    return `sequence ${this.sequenceId}`
  }

  /** @internal */
  constructor(door: Door, record: RunRecord) {
    super(door, record)
    this.id = record.id
    this.sequenceId = record.parent
  }
}

/** Follows a run of an identity graph. */
export class IdentityGraphRunHandle extends RunHandle<IdentityGraphRun> {
  override readonly kind = 'identity_graph'
  override readonly id: string
  /** The id of the identity graph. */
  readonly graphId: string

  /** @internal */
  protected override get parentName(): string {
    return `identity graph ${this.graphId}`
  }

  /** @internal */
  constructor(door: Door, record: RunRecord) {
    super(door, record)
    this.id = record.id
    this.graphId = record.parent
  }
}

/** A handle of a run of any kind; `kind` says which type it has. */
export type AnyRunHandle = SyncRunHandle | SequenceRunHandle | IdentityGraphRunHandle

const handles = {
  sync: SyncRunHandle,
  sequence: SequenceRunHandle,
  identity_graph: IdentityGraphRunHandle,
} as const satisfies Record<RunKind, new (door: Door, record: RunRecord) => AnyRunHandle>

/** @internal */
export function handleOf(door: Door, record: RunRecord): AnyRunHandle {
  return new handles[record.kind](door, record)
}
