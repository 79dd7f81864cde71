/** The last state of a run, with the kind of the run. */

import type { IdentityGraphRun, SequenceRun, SyncRun } from './models.js'

/** The kind of a run: whether a sync, a sequence or an identity graph ran. */
export type RunKind = 'sync' | 'sequence' | 'identity_graph'

/** Adds the kind of a run to its last state, so that {@link EndedRun} can be narrowed by `kind`. */
export interface OfKind<Kind extends RunKind> {
  /** The kind of the run. */
  kind: Kind
}

/** The last state of a run; `kind` says which type it has. */
export type EndedRun =
  | (OfKind<'sync'> & SyncRun)
  | (OfKind<'sequence'> & SequenceRun)
  | (OfKind<'identity_graph'> & IdentityGraphRun)

/** Adds the kind of a run to its last state. The kind is in the run's token, which is JSON in base64url. */
export function endedRun(token: string, state: object): EndedRun {
  const { kind } = JSON.parse(Buffer.from(token, 'base64url').toString()) as { kind: RunKind }
  return { kind, ...state } as EndedRun
}
