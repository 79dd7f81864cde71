//! The resources of the API: types, operations and handles. Each resource has one file or folder.

#[macro_use]
mod declared;
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
pub(crate) use declared::Visitor;
pub use destinations::*;
pub use event_contracts::*;
pub use event_domains::*;
pub use events::*;
pub use identity_graphs::*;
pub use models::*;
pub use pages::Pages;
pub use pending::{Pending, RawAnswer};
pub(crate) use pending::{latest, looked_up, read_into};
pub use sources::*;
pub use sync_sequences::*;
pub use syncs::*;

/// Visits every operation of every resource.
pub(crate) fn operations(visitor: &mut impl Visitor) {
    sources::operations(visitor);
    destinations::operations(visitor);
    models::operations(visitor);
    syncs::operations(visitor);
    sync_sequences::operations(visitor);
    identity_graphs::operations(visitor);
    campaigns::operations(visitor);
    decision_engine::operations(visitor);
    event_contracts::operations(visitor);
    event_domains::operations(visitor);
}

choice! {
    /// The order of a list of sources, models, destinations or syncs. The API does not document whether the order is
    /// ascending or descending.
    pub enum ListOrder {
        /// By id.
        Id = "id",
        /// By name. Syncs have no name.
        Name = "name",
        /// By slug.
        Slug = "slug",
        /// By creation time.
        CreatedAt = "createdAt",
        /// By the time at which it was last changed.
        UpdatedAt = "updatedAt",
    }
}

#[cfg(test)]
mod round_trip;
