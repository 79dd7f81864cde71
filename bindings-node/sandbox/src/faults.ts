/** Plans the faults of a world, such as an answer with an error or a lost connection. */

import {
  BOOLEAN,
  HEADERS,
  LARGEST,
  STATUS,
  TEXT,
  checkArgument,
  checkOptions,
  number,
  oneOf,
  or,
  wholeNumber,
  type Rule,
  type Rules,
} from './checks.js'
import type { MethodName } from './methods.js'
import { METHOD, operationsOf } from './requests.js'

/** How often a fault is used. */
export interface Times {
  /** How many requests or runs have the fault; `Infinity` for all from now on. */
  times?: number | undefined
}

/** Options of {@link Faults.failNext}. */
export interface FailOptions extends Times {
  /** The message in the answer. */
  message?: string | undefined
  /** The value of the header `Retry-After`, in seconds of the world. By default the answer has no such header. */
  retryAfter?: number | undefined
  /** Whether the requests have their effect in spite of the error; false by default. */
  performed?: boolean | undefined
}

/** Options of {@link Faults.loseAnswer}. */
export interface LoseOptions extends Times {
  /** Whether the requests have their effect; true by default. */
  performed?: boolean | undefined
}

/** Options of {@link Faults.answerNext}. */
export interface AnswerOptions extends Times {
  /** The status of the answer, 200 to 599; 200 by default. */
  status?: number | undefined
  /** Headers of the answer. */
  headers?: Readonly<Record<string, string>> | undefined
}

/** How runs go. Members that are left out have the values of the world's settings. */
export interface RunPlan extends Times {
  /** The status with which the run ends. */
  status?: 'success' | 'warning' | 'failed' | 'cancelled' | 'interrupted' | undefined
  /** The error text of the run. */
  error?: string | undefined
  /** How long the run takes, in seconds of the world. */
  seconds?: number | undefined
  /** How many of the 150 rows of a run the destination rejects, 0 to 150. */
  rejected?: number | undefined
}

/** Options of {@link Faults.warnNextRun}. */
export type WarnOptions = Pick<RunPlan, 'error' | 'rejected' | 'times'>

/** Options of {@link Faults.setLimit}. */
export interface LimitOptions {
  /** How many requests of other programs count towards the limit in each second of the world. */
  othersPerSecond?: number | undefined
  /**
   * The value of the header `Retry-After` of a refusal, in seconds of the world. By default a refusal has no such
   * header.
   */
  retryAfter?: number | undefined
}

/** The sync whose runs a test plans: its id or its slug; null for all syncs. */
export type SyncName = number | string | null

// The largest number means `Infinity` to the server.
const TIMES: Rules<Times> = { times: or(wholeNumber(0, LARGEST - 1), Infinity) }
const FAIL: Rules<FailOptions> = {
  message: TEXT,
  retryAfter: wholeNumber(0),
  performed: BOOLEAN,
  ...TIMES,
}
const LOSE: Rules<LoseOptions> = { performed: BOOLEAN, ...TIMES }
const ANSWER: Rules<AnswerOptions> = { status: STATUS, headers: HEADERS, ...TIMES }
const WARN: Rules<WarnOptions> = { error: TEXT, rejected: wholeNumber(0, 150), ...TIMES }
const PLAN: Rules<RunPlan> = {
  status: oneOf('success', 'warning', 'failed', 'cancelled', 'interrupted'),
  seconds: number(0),
  ...WARN,
}
const LIMIT: Rules<LimitOptions> = { othersPerSecond: number(0.001, 10_000), retryAfter: wholeNumber(0) }
const SYNC: Rule = [
  'the id or the slug of a sync, or null for all syncs',
  (value) => value === null || typeof value === 'string' || Number.isSafeInteger(value),
]

/**
 * The methods with which a test plans the answers of a world and the ends of its runs, and sets its rate limit.
 *
 * A fault applies to the next requests of one method of a client, such as `syncs.trigger`, or of any method if the
 * method is null. Faults for one method are used in the order in which they were planned. The methods of this class
 * reject with a TypeError if a client has no method with the given name, if the world does not have the given sync, or
 * if another argument is wrong.
 */
export abstract class Faults {
  readonly #armed: { kind: 'script' | 'runs'; index: number; text: string; times: number }[] = []
  #limited = false

  /** @internal */
  protected abstract control(method: string, path: string, body?: unknown): Promise<unknown>

  /**
   * Answers the next requests of a method with an error.
   *
   * @param method The method; null for any.
   * @param status The status of the answer, 200 to 599.
   * @param options How many requests fail, 1 by default, and details of the answer.
   */
  async failNext(method: MethodName | null, status = 502, options: FailOptions = {}): Promise<void> {
    checkArgument('failNext', 'status', status, STATUS)
    checkOptions('failNext', options, FAIL)
    const { times, message = 'armed by the test', retryAfter, performed = false } = options
    const headers = retryAfter === undefined ? {} : { headers: { 'retry-after': String(retryAfter) } }
    const answer = { status, body: { message }, apply: performed, ...headers }
    await this.#arm('failNext', method, answer, times, `(${shown(method)}, ${String(status)})`)
  }

  /**
   * Breaks the connection before the answers to the next requests of a method.
   *
   * @param method The method; null for any.
   * @param options How many answers are lost, 1 by default, and whether the requests have their effect.
   */
  async loseAnswer(method: MethodName | null, options: LoseOptions = {}): Promise<void> {
    checkOptions('loseAnswer', options, LOSE)
    const answer = { reset: 'before-headers', apply: options.performed ?? true }
    await this.#arm('loseAnswer', method, answer, options.times)
  }

  /**
   * Delays the answers to the next requests of a method.
   *
   * @param method The method; null for any.
   * @param delayMs How long, in real milliseconds.
   * @param options How many answers are delayed; 1 by default.
   */
  async delayNext(method: MethodName | null, delayMs: number, options: Times = {}): Promise<void> {
    checkArgument('delayNext', 'delayMs', delayMs, number(0))
    checkOptions('delayNext', options, TIMES)
    const answer = { delayMs: Math.round(delayMs) }
    await this.#arm('delayNext', method, answer, options.times, `(${shown(method)}, ${String(delayMs)})`)
  }

  /**
   * Answers the next requests of a method with JSON. The requests have no effect.
   *
   * @param method The method; null for any.
   * @param body The JSON of the answer.
   * @param options How many requests get this answer, 1 by default, and its status and headers.
   */
  async answerNext(method: MethodName | null, body: unknown, options: AnswerOptions = {}): Promise<void> {
    checkOptions('answerNext', options, ANSWER)
    const answer = { status: options.status ?? 200, body, headers: options.headers ?? {} }
    await this.#arm('answerNext', method, answer, options.times)
  }

  /**
   * Plans how future runs of syncs go.
   *
   * @param sync The id or the slug of a sync; null for all syncs.
   * @param plan How the runs go, and how many runs follow the plan; by default all from now on.
   */
  async planRuns(sync: SyncName, plan: RunPlan): Promise<void> {
    checkOptions('planRuns', plan, PLAN)
    await this.#planRuns('planRuns', sync, plan)
  }

  async #planRuns(caller: string, sync: SyncName, plan: RunPlan): Promise<void> {
    checkArgument(caller, 'sync', sync, SYNC)
    const { times = Infinity, rejected, ...given } = plan
    const rows = rejected === undefined ? {} : { rows: rowsOf(rejected) }
    const asked = {
      plan: { ...given, ...rows },
      ...(sync === null ? {} : { sync }),
      ...(times === Infinity ? {} : { times }),
    }
    const index = firstEntry(await this.control('POST', '/arm/runs', asked))
    const text = `planRuns(${shown(sync)}, { status: ${shown(plan.status ?? null)} })`
    if (times !== Infinity) this.#armed.push({ kind: 'runs', index, text, times })
  }

  /**
   * Lets the next runs of a sync fail.
   *
   * @param sync The id or the slug of the sync; null for any.
   * @param error The error text of the run.
   * @param options How many runs fail; 1 by default.
   */
  async failNextRun(sync: SyncName = null, error = 'armed by the test', options: Times = {}): Promise<void> {
    checkArgument('failNextRun', 'error', error, TEXT)
    checkOptions('failNextRun', options, TIMES)
    await this.#planRuns('failNextRun', sync, { status: 'failed', error, times: options.times ?? 1 })
  }

  /**
   * Lets the next runs of a sync end with a warning.
   *
   * @param sync The id or the slug of the sync; null for any.
   * @param options How many of the 150 rows of a run the destination rejects, 1 by default; the error text of the run;
   * and how many runs end with a warning, 1 by default.
   */
  async warnNextRun(sync: SyncName = null, options: WarnOptions = {}): Promise<void> {
    checkOptions('warnNextRun', options, WARN)
    const { rejected = 1, error = 'armed by the test', times = 1 } = options
    await this.#planRuns('warnNextRun', sync, { status: 'warning', error, rejected, times })
  }

  /**
   * Sets the rate limit of the workspace. Clients do not know the new limit; they learn it from refusals (429).
   *
   * @param requests How many requests are allowed.
   * @param seconds In how many seconds of the world they are allowed; 10 by default.
   * @param options How much of the limit other programs use, and the header `Retry-After` of refusals.
   */
  async setLimit(requests: number, seconds = 10, options: LimitOptions = {}): Promise<void> {
    checkArgument('setLimit', 'requests', requests, wholeNumber(0))
    checkArgument('setLimit', 'seconds', seconds, number(0.001, 1_000_000))
    checkOptions('setLimit', options, LIMIT)
    const { othersPerSecond, retryAfter } = options
    const stranger = othersPerSecond === undefined ? undefined : { perSecond: othersPerSecond }
    await this.control('POST', '/arm/limit', { requests, seconds, stranger, retryAfter })
    this.#limited = true
  }

  /** @internal Whether {@link setLimit} was called. */
  protected get isLimited(): boolean {
    return this.#limited
  }

  /** @internal Returns a sentence for each fault that was used less often than planned. */
  protected unmet(left: Readonly<Record<'script' | 'runs', readonly number[]>>): string[] {
    return this.#armed.flatMap(({ kind, index, text, times }) => {
      const met = times - (left[kind][index] ?? 0)
      return met < times ? [`${text} was met ${String(met)} times instead of ${String(times)}.`] : []
    })
  }

  async #arm(
    caller: string,
    method: MethodName | null,
    answer: object,
    times = 1,
    shownArguments = `(${shown(method)})`,
  ): Promise<void> {
    checkArgument(caller, 'method', method, or(METHOD, null, 'null for any method'))
    const when = method === null ? {} : { operation: operationsOf(method) }
    const entry = { when, answer, times: times === Infinity ? LARGEST : times }
    const index = firstEntry(await this.control('POST', '/arm/script', [entry]))
    if (times !== Infinity) this.#armed.push({ kind: 'script', index, text: caller + shownArguments, times })
  }
}

function firstEntry(answer: unknown): number {
  return (answer as { entries: [number] }).entries[0]
}

function rowsOf(rejected: number): object {
  return { planned: { added: 150 }, successful: { added: 150 - rejected }, failed: { added: rejected } }
}

function shown(value: SyncName): string {
  return typeof value === 'string' ? `'${value}'` : String(value)
}
