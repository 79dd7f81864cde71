//! The resources: their types, their operations, their handles. One file or folder each.

#[macro_use]
mod handle;
mod any_run;
mod campaigns;
mod decision_engine;
mod destinations;
mod event_contracts;
mod event_domains;
mod events;
mod identity_graphs;
mod models;
mod pages;
mod pending;
mod sources;
mod sync_sequences;
mod syncs;

pub use any_run::AnyRun;
pub use campaigns::*;
pub use decision_engine::*;
pub use destinations::*;
pub use event_contracts::*;
pub use event_domains::*;
pub use events::*;
pub use identity_graphs::*;
pub use models::*;
pub use pages::Pages;
pub use pending::{Pending, RawAnswer};
pub(crate) use pending::{raw, value};
pub use sources::*;
pub use sync_sequences::*;
pub use syncs::*;

choice! {
    /// The order of a list of sources, models, destinations or syncs; the direction is not documented.
    pub enum ListOrder {
        /// By id.
        Id = "id",
        /// By name; syncs have none.
        Name = "name",
        /// By slug.
        Slug = "slug",
        /// By the time it was made.
        CreatedAt = "createdAt",
        /// By the time of its last change.
        UpdatedAt = "updatedAt",
    }
}

#[cfg(test)]
mod round_trip;
