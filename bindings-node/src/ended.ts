/** What a run is a run of, and how it ended. */

import type { IdentityGraphRun, SequenceRun, SyncRun } from './models.js'

/** What a run is a run of. */
export type RunKind = 'sync' | 'sequence' | 'identity_graph'

/** What tells apart the last states of runs. */
export interface OfKind<Kind extends RunKind> {
  /** What it was a run of. */
  kind: Kind
}

/** The last state of a run, told apart by `kind`. */
export type EndedRun =
  | (OfKind<'sync'> & SyncRun)
  | (OfKind<'sequence'> & SequenceRun)
  | (OfKind<'identity_graph'> & IdentityGraphRun)

/** Joins a run's last state with its kind, which only its token tells. */
export function endedRun(token: string, state: object): EndedRun {
  // A token is JSON, the same in every language.
  const { kind } = JSON.parse(Buffer.from(token, 'base64url').toString()) as { kind: RunKind }
  return { kind, ...state } as EndedRun
}
