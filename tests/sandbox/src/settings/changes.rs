//! Rows that are inserted and deleted while a list is read.

use serde::Deserialize;

use crate::script::When;

/// Rows to insert into a list of the API and to delete from it, after a request or when the world is created.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    /// The request after which the change happens. Without `after` the change happens when the world is created.
    #[serde(default)]
    pub(crate) after: Option<When>,
    pub(crate) of: Collection,
    /// The rows to delete, by their numbers in the order of the seed. Numeric ids are equal to these numbers.
    #[serde(default)]
    pub(crate) delete: Vec<u64>,
    /// The rows to insert, by the same numbers: rows that were deleted before, or new rows.
    #[serde(default)]
    pub(crate) insert: Vec<u64>,
}

/// A list of the API in which a [`Change`] inserts and deletes rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Collection {
    Sources,
    Destinations,
    Models,
    Syncs,
    Contracts,
    Domains,
    Flows,
    /// The messages of the first flow.
    Messages,
    /// The runs of the first graph.
    GraphRuns,
}
