/** Shows the progress of waits on the terminal. */

import type { BatchItem } from './errors.js'
import { notify } from './hooks.js'
import type { IdentityGraphRun, RowCounts, SequenceRun, SyncRun } from './models.js'
import { LiveLines, type Line, type Terminal } from './terminal.js'

/**
 * A function that a wait calls with each change.
 *
 * @param change The new state of the run, or the item of the batch that changed.
 * @returns Ignored; a promise is not waited for.
 */
export type ProgressFunction<Change> = (change: Change) => unknown

/** The option `progress` of a wait. */
export type Progress<Change> = boolean | 'log' | ProgressFunction<Change>

/** Receives the changes that a wait reads, to show them or to pass them to the user's function. */
export interface Observer<Change> {
  see(change: Change): void
  /** Ends the observation. The text that was shown last stays visible. */
  end(): void
}

/** Whether a value is a {@link Progress}. */
export function isProgress(value: unknown): boolean {
  return typeof value === 'boolean' || value === 'log' || typeof value === 'function'
}

/** How a line names a run. */
export interface RunName {
  /** The resource that runs, such as `sync 7`. */
  of: string
  /** The id of the run. */
  id: number | string
}

type AnyState = SyncRun | SequenceRun | IdentityGraphRun

/** Observes the wait for one run. */
export function observeRun<State>(
  progress: Progress<State> | undefined,
  { of, id }: RunName,
  terminal: Terminal = process.stderr,
): Observer<State> {
  const text = (state: State): string => `run ${String(id)} of ${of}: ${describe(state as AnyState)}`
  return observer(
    progress,
    terminal,
    () => {
      const line = liveLines(terminal).add()
      return {
        see: (state) => {
          line.show(text(state))
        },
        end: () => {
          line.end()
        },
      }
    },
    text,
  )
}

/** Observes the wait for a batch. */
export function observeBatch(
  progress: Progress<BatchItem> | undefined,
  items: readonly BatchItem[],
  terminal: Terminal = process.stderr,
): Observer<BatchItem> {
  return observer(progress, terminal, () => new BatchLines(liveLines(terminal), items), describeItem)
}

function observer<Change>(
  progress: Progress<Change> | undefined,
  terminal: Terminal,
  live: () => Observer<Change>,
  text: (change: Change) => string,
): Observer<Change> {
  const end = (): void => undefined
  if (typeof progress === 'function') {
    const see = (change: Change): void => {
      notify(progress, change, 'The progress function of a wait')
    }
    return { see, end }
  }
  if (progress === 'log') {
    const log = liveLines(terminal)
    const see = (change: Change): void => {
      log.print(text(change))
    }
    return { see, end }
  }
  return progress === true && LiveLines.canShow(terminal) ? live() : { see: end, end }
}

/** The changing lines of each terminal. All waits in this process share them. */
const shared = new WeakMap<Terminal, LiveLines>()

function liveLines(terminal: Terminal): LiveLines {
  let lines = shared.get(terminal)
  if (!lines) shared.set(terminal, (lines = new LiveLines(terminal)))
  return lines
}

/**
 * The lines of a batch: a count, and one line per sync in progress. Syncs that did not succeed are printed above these
 * lines.
 */
class BatchLines implements Observer<BatchItem> {
  readonly #lines: LiveLines
  readonly #summary: Line
  readonly #inProgress = new Map<number, Line>()
  readonly #outcomes: BatchItem['outcome'][]

  constructor(lines: LiveLines, items: readonly BatchItem[]) {
    this.#lines = lines
    this.#outcomes = items.map(({ outcome }) => outcome)
    this.#summary = lines.add()
    for (const item of items) if (item.runToken !== undefined && item.outcome === undefined) this.#show(item)
    this.#summarize()
  }

  see(item: BatchItem): void {
    this.#outcomes[item.index] = item.outcome
    if (item.outcome === undefined) this.#show(item)
    else {
      this.#inProgress.get(item.index)?.remove()
      this.#inProgress.delete(item.index)
      if (item.outcome !== 'success') this.#lines.print(describeItem(item))
    }
    this.#summarize()
  }

  end(): void {
    for (const line of this.#inProgress.values()) line.remove()
    this.#summary.end()
  }

  #show(item: BatchItem): void {
    let line = this.#inProgress.get(item.index)
    if (!line) this.#inProgress.set(item.index, (line = this.#lines.add()))
    line.show(describeItem(item))
  }

  #summarize(): void {
    const ended = this.#outcomes.filter((outcome) => outcome !== undefined)
    const failed = ended.filter((outcome) => outcome !== 'success' && outcome !== 'warning')
    const parts = [`${String(ended.length)} of ${String(this.#outcomes.length)} syncs ended`]
    if (failed.length > 0) parts.push(`${String(failed.length)} of them failed`)
    parts.push(`${String(this.#inProgress.size)} in progress`)
    this.#summary.show(parts.join(', '))
  }
}

function describeItem({ sync, runId, state, outcome, error }: BatchItem): string {
  const name = typeof sync === 'number' ? `sync ${String(sync)}` : `sync "${sync}"`
  if (outcome === 'not_started' || outcome === 'unknown')
    return `${name}: ${outcome === 'unknown' ? 'outcome unknown' : 'not started'}: ${error?.message ?? ''}`
  if (runId === undefined) return `${name}: waiting`
  return `${name}, run ${String(runId)}: ${state ? describe(state) : 'started'}`
}

function describe(state: AnyState): string {
  const parts: string[] = [state.status]
  if ('plannedRows' in state) {
    const { plannedRows, successfulRows, failedRows } = state
    parts.push(`${total(successfulRows)} of ${total(plannedRows)} rows`)
    if (total(failedRows) !== '0') parts.push(`${total(failedRows)} rejected`)
  }
  if ('syncRuns' in state) {
    const ended = state.syncRuns.filter(({ finishedAt }) => finishedAt !== undefined)
    parts.push(`${String(ended.length)} of ${String(state.syncRuns.length)} syncs ended`)
  }
  if ('error' in state) parts.push(state.error)
  return parts.join(', ')
}

function total({ addedCount, changedCount, removedCount }: RowCounts): string {
  return (addedCount + changedCount + removedCount).toLocaleString('en-US')
}
