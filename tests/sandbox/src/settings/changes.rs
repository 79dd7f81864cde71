//! Rows that come and go while a list is read.

use serde::Deserialize;

use crate::script::When;

/// What happens to a collection once a request has been answered, or before the first one.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    /// Which request comes before it; without it the world begins so.
    #[serde(default)]
    pub(crate) after: Option<When>,
    pub(crate) of: Collection,
    /// Numbers of rows in the order of the seed; for numeric ids they are the ids.
    #[serde(default)]
    pub(crate) delete: Vec<u64>,
    /// Numbers of rows that were deleted before, or that are new.
    #[serde(default)]
    pub(crate) insert: Vec<u64>,
}

/// What can be listed.
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
    /// Of the first flow.
    Messages,
    /// Of the first graph.
    GraphRuns,
}
