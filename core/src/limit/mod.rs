//! Keeps within the server's rate limit: a pure state, and an asynchronous gate that waits on it.
//!
//! The server counts every request that reaches it, and does not document how. The rule in [`window`] therefore keeps
//! within exact sliding windows, fixed windows and two-bucket estimates at once, wherever their buckets begin and
//! however long the network takes.
//!
//! * [`window`]: the requests in flight, when the others ended, and when one more may be sent.
//! * [`backoff`]: what a refusal (429) changes; [`recovery`]: how the limit grows back afterwards.
//! * [`state`]: both together, and what happens to a request; no clock, no waiting, no randomness.
//! * [`line`]: who waits and who goes next; [`looks`]: the same for requests that look at runs.
//! * [`turn`]: the line and the limit together: which request goes now, and when to check again.
//! * `sync`: the locks, clock and wake-ups of the gate; in proofs, those of a model that explores every order of
//!   events.
//! * [`gate`], [`waiter`], [`look`], [`permit`], [`stats`]: one lock around all this, shared by the clients of a
//!   workspace.

// The proofs build these files as public modules; in the core the module is private.
#![allow(unreachable_pub)]

pub mod backoff;
pub mod gate;
pub mod line;
pub mod look;
pub mod looks;
pub mod permit;
pub mod quota;
pub mod recovery;
pub mod state;
pub mod stats;
mod sync;
pub mod turn;
pub mod waiter;
pub mod window;

#[cfg(limit_loom)]
pub use sync::{advance, explore};

pub use backoff::{Refusal, RefusedBy429};
pub use gate::Gate;
pub use line::Class;
pub use look::Look;
pub use looks::Urgency;
pub use permit::Permit;
pub use quota::Quota;
pub use state::Linger;
pub use stats::{LimitStats, Waiting};
pub use waiter::{Ask, NotGranted};

/// Nanoseconds since an origin that the owner chooses.
pub type Nanos = u64;

/// A time that never comes: what waits for it can go only after a request has ended.
pub const NEVER: Nanos = Nanos::MAX;
