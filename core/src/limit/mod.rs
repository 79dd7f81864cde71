//! Keeps requests within the server's rate limit. A pure state decides when a request may be sent, and an asynchronous
//! gate makes requests wait until then.
//!
//! The server counts every request that reaches it, but Hightouch does not document how the server counts. The rule in
//! [`window`] therefore satisfies three ways of counting at once: exact sliding windows, fixed windows, and estimates
//! from two buckets. The rule holds wherever the server's buckets begin, and however long the network takes.
//!
//! * [`quota`]: the declared limit.
//! * [`window`]: tracks the requests in flight and the ends of recent ones, and computes when one more may be sent.
//! * [`backoff`]: lowers the limit after a refusal (429); [`recovery`]: raises it again.
//! * [`state`]: the state of one limit, from `window` and `backoff`; no clock, no waiting, no randomness.
//! * [`line`]: the queue: which requests wait, and in which order they go; [`looks`]: the same for looks, the requests
//!   that read the state of a run.
//! * [`turn`]: the queue and the limit together: which request goes now, and when to check again.
//! * `sync`: the locks, clock and wake-ups of the gate. Under `--cfg limit_loom` they come from a model that explores
//!   the possible orders of events.
//! * `untold`: reports the end of a request to a shared limit by a note, or with the next change.
//! * `outside`: how the gate uses a store or a server.
//! * [`gate`], [`waiter`], [`look`], [`permit`], [`stats`]: one lock around the limit and its queue, shared by the
//!   clients of a workspace.
//! * [`pool`]: one process's side of a limit that a server keeps for several machines; [`errands`]: what the gate asks
//!   the server and reports to it.
//! * [`store`]: a place for a state that processes share, written as [`words`]; [`lease`]: how long a request counts if
//!   its process does not report its end.

// The items are `pub`, because the proofs (`core/limit-proofs`) build these files as a public module. In the core the
// module is private, and the lint would report the items.
#![allow(unreachable_pub)]

pub mod backoff;
mod clock;
mod end;
pub mod errands;
pub mod gate;
mod handover;
pub mod lease;
pub mod line;
pub mod look;
pub mod looks;
mod outside;
pub mod permit;
pub mod pool;
pub mod question;
pub mod quota;
pub mod recovery;
pub mod state;
pub mod stats;
pub mod store;
mod sync;
mod told;
pub mod turn;
mod untold;
pub mod waiter;
pub mod window;
pub mod words;

#[cfg(limit_loom)]
pub use sync::{advance, explore};

pub use backoff::{Refusal, RefusedBy429};
pub use errands::{Courier, Errand, Errands};
pub use gate::Gate;
pub use line::Class;
pub use look::Look;
pub use looks::{Urgency, looks_of};
pub use permit::Permit;
pub use quota::Quota;
pub use state::Linger;
pub use stats::{LimitStats, Scope, ScopeChange, ScopeListener, Waiting};
pub use store::{Store, Unavailable};
pub use waiter::{Ask, NotGranted};

/// A time or a duration in nanoseconds. The times of a gate count from its creation, or from the origin of its store's
/// clock.
pub type Nanos = u64;

/// A time that is never reached. If the earliest time for a request is `NEVER`, another request must end first.
pub const NEVER: Nanos = Nanos::MAX;
