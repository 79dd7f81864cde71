/** Following one run to its end. */

import { performance } from 'node:perf_hooks'

import type { Door } from './door.js'
import type { RunKind } from './ended.js'
import { errorFrom, RunFailedError } from './errors.js'
import { tell } from './hooks.js'
import type { IdentityGraphRun, SequenceRun, SyncRun } from './models.js'

/** What the door says of a run that it was asked to follow. */
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

/** How a run is waited for. */
export interface WaitOptions<State> {
  /**
   * Milliseconds, 0 or more, until the wait ends with {@link WaitTimeoutError}; the run goes on. Without it the wait has
   * no end of its own.
   */
  timeoutMs?: number | undefined
  /**
   * What a run that failed, or was cancelled or interrupted, does: `'raise'`, the default, rejects with
   * {@link RunFailedError}; `'return'` returns its last state.
   */
  onFailure?: 'raise' | 'return' | undefined
  /** The same for a run that ended with a warning; `'return'` is the default. */
  onWarning?: 'raise' | 'return' | undefined
  /**
   * Called at each change of the run's state, the last one included. Nothing that it does ends the wait: what it throws,
   * or rejects with, becomes a warning of the process.
   *
   * @param state The state.
   */
  progress?: ((state: State) => unknown) | undefined
  /** Ends the wait: it rejects with the signal's `reason`. The run goes on. */
  signal?: AbortSignal | undefined
}

/** What an option of `wait` may be; whether a signal is one, the call itself checks. */
const WAIT_OPTIONS: Record<string, [what: string, fits: (value: unknown) => boolean]> = {
  timeoutMs: [
    'a finite number of milliseconds, 0 or more',
    (value) => Number.isFinite(value) && Number(value) >= 0,
  ],
  onFailure: ["'raise' or 'return'", (value) => value === 'raise' || value === 'return'],
  onWarning: ["'raise' or 'return'", (value) => value === 'raise' || value === 'return'],
  progress: ['a function', (value) => typeof value === 'function'],
  signal: ['an AbortSignal', () => true],
}

/** @throws HightouchError (`invalid_request`) for an option that is unknown or wrong. */
function checkOptions(options: object, known: string[]): void {
  const wrong = (what: string): never => {
    throw errorFrom({ kind: 'invalid_request', message: `${what} Nothing was sent.` })
  }
  for (const [name, value] of Object.entries(options) as [string, unknown][]) {
    const option = known.includes(name) ? WAIT_OPTIONS[name] : undefined
    if (!option) return wrong(`options.${name}: unknown; known are ${known.join(', ')}.`)
    const [what, fits] = option
    if (value !== undefined && !fits(value)) wrong(`options.${name}: must be ${what}.`)
  }
}

/** A run that was started: follows this one and no other. */
export abstract class RunHandle<State> {
  readonly #door: Door

  /** What it is a run of. */
  abstract readonly kind: RunKind
  /** The run's id. */
  abstract readonly id: number | string
  /** Names this run anywhere: `client.run(token)` goes on following it, in any process and language. */
  readonly token: string
  /** Whether the answer to the trigger was lost and this run was found instead, as the only one it can be. */
  readonly adopted: boolean
  /** Whether the run was under way before: the trigger joined it (`ifRunning: 'join'`) and started none. */
  readonly joined: boolean

  /** @internal */
  constructor(door: Door, record: RunRecord) {
    this.#door = door
    this.token = record.token
    this.adopted = record.adopted
    this.joined = record.joined
  }

  /**
   * The run's states as they change, the last one included; never rejects because the run failed.
   *
   * @param options A signal that ends the iteration.
   * @throws {@link InvalidRequestError} for an option that is unknown or wrong.
   * @throws {@link HightouchError} when the run cannot be followed.
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
   * Waits for the run to end and gives its last state.
   *
   * @param options How long, and what becomes of a run that does not end well.
   * @throws {@link InvalidRequestError} for an option that is unknown or wrong.
   * @throws {@link RunFailedError} when it failed, or was cancelled or interrupted, unless `onFailure` is `'return'`.
   * @throws {@link WaitTimeoutError} when `timeoutMs` has passed; the error's `run` is the token to go on with.
   */
  async wait(options: WaitOptions<State> = {}): Promise<State> {
    checkOptions(options, Object.keys(WAIT_OPTIONS))
    const { timeoutMs, onFailure, onWarning, progress, signal } = options
    const report = (state: State): void => {
      tell(progress, state, 'The progress function of a wait')
    }
    const end = timeoutMs === undefined ? undefined : performance.now() + timeoutMs
    const left = (): object =>
      end === undefined ? {} : { timeoutMs: Math.max(0, Math.ceil(end - performance.now())), expire: true }
    let last: State | null = null
    try {
      for await (const step of this.#steps(() => ({ onFailure, onWarning, ...left() }), signal)) {
        last = step.state
        if (step.changed && step.state !== null) report(step.state)
      }
    } catch (error) {
      if (error instanceof RunFailedError) report(error.details?.value as State)
      throw error
    }
    // The core gives a state with every step that finishes.
    return last as State
  }

  async *#steps(args: () => object, signal?: AbortSignal): AsyncGenerator<RunStep<State>, void, undefined> {
    let step: RunStep<State> | undefined
    do {
      step = await this.#door.value<RunStep<State>>(
        'runs.next',
        { run: this.token, seen: step?.seen, ...args() },
        { signal },
      )
      yield step
    } while (!step.finished)
  }
}

/** A sync's run. */
export class SyncRunHandle extends RunHandle<SyncRun> {
  override readonly kind = 'sync'
  override readonly id: number
  /** The id of the sync that runs. */
  readonly syncId: number

  /** @internal */
  constructor(door: Door, record: RunRecord) {
    super(door, record)
    this.id = Number(record.id)
    this.syncId = Number(record.parent)
  }
}

/** A sequence's run. */
export class SequenceRunHandle extends RunHandle<SequenceRun> {
  override readonly kind = 'sequence'
  override readonly id: string
  /** The id of the sequence that runs. */
  readonly sequenceId: string

  /** @internal */
  constructor(door: Door, record: RunRecord) {
    super(door, record)
    this.id = record.id
    this.sequenceId = record.parent
  }
}

/** An identity graph's run. */
export class IdentityGraphRunHandle extends RunHandle<IdentityGraphRun> {
  override readonly kind = 'identity_graph'
  override readonly id: string
  /** The id of the identity graph that runs. */
  readonly graphId: string

  /** @internal */
  constructor(door: Door, record: RunRecord) {
    super(door, record)
    this.id = record.id
    this.graphId = record.parent
  }
}

/** A run of any kind, told apart by `kind`. */
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
