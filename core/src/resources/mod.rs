//! The resources: their types, their operations, their handles. One file or folder each.

#[macro_use]
mod request;
#[macro_use]
mod endpoint;
mod campaigns;
mod decision_engine;
mod destinations;
mod event_contracts;
mod event_domains;
mod events;
mod identity_graphs;
mod models;
mod sources;
mod sync_sequences;
mod syncs;

pub use campaigns::*;
pub use decision_engine::*;
pub use destinations::*;
pub use event_contracts::*;
pub use event_domains::*;
pub use events::*;
pub use identity_graphs::*;
pub use models::*;
pub use sources::*;
pub use sync_sequences::*;
pub use syncs::*;

pub(crate) use endpoint::{NoFields, call, call_on};
pub(crate) use request::{Argument, Fields, Placed, Placing};

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
