//! Destinations: where syncs write to.

use super::ListOrder;
use crate::call::{Id, call, call_on};
use crate::json::{Json, JsonObject};
use crate::model::Timestamp;
use crate::operation::{NoFields, PathId, number};
use crate::page::Row;
use crate::resources::{Pages, Pending};

model! {
    /// A destination: a tool or another place that syncs write to.
    pub struct Destination {
        /// Numeric id.
        required id = "id": i64,
        /// Display name.
        required name = "name": String,
        /// Slug, unique among the workspace's destinations.
        required slug = "slug": String,
        /// Id of the workspace that the destination belongs to.
        optional workspace_id = "workspaceId": i64,
        /// Time of creation.
        optional created_at = "createdAt": Timestamp,
        /// Time of the last change.
        optional updated_at = "updatedAt": Timestamp,
        /// Settings of the connection. Their structure depends on the type and may change at any time.
        optional configuration = "configuration": Json,
        /// Kind of connection, such as `salesforce` or `hubspot`.
        optional type_ = "type": String,
        /// Ids of the syncs that write to the destination.
        defaulted syncs = "syncs": Vec<i64>,
    }
}

impl Row for Destination {
    fn id(&self) -> String {
        self.id.to_string()
    }
}

request! {
    /// Filters, paging and order of a list of destinations (operation `ListDestination`).
    pub struct ListDestinations {
        /// Only destinations with this name. The API does not document whether a part of the name matches.
        query name = "name": String,
        /// Only the destination with this slug. The API does not document whether a part of the slug matches.
        query slug = "slug": String,
        /// Number of destinations to skip before the first page. Default: 0.
        query offset = "offset": u32,
        /// Destinations per page, at least 1. Default: 100. The server may return fewer.
        query limit = "limit": u32,
        /// Order of the list. Default: by id.
        query order_by = "orderBy": ListOrder,
    }
}

request! {
    /// A destination to create (operation `CreateDestination`).
    pub struct DestinationCreate {
        /// Display name.
        body(needed) name = "name": String,
        /// Slug, unique among the workspace's destinations. A slug that is already taken is an error of kind
        /// `conflict`.
        body(needed) slug = "slug": String,
        /// Kind of connection, such as `salesforce` or `hubspot`.
        body(needed) type_ = "type": String,
        /// Settings of the connection. Their structure depends on the type.
        body(needed) configuration = "configuration": JsonObject,
    }
}

request! {
    /// Changes to a destination (operation `UpdateDestination`). Fields that are left out keep their values; at least
    /// one must be set.
    pub struct DestinationUpdate {
        /// Display name.
        body name = "name": String,
        /// Settings of the connection. The API does not document whether settings that are left out keep their
        /// values.
        body configuration = "configuration": JsonObject,
    }
}

const DESTINATION: PathId =
    number("destination", "destination_id", "destinationId", &["The destination's id."]);

operations! {
    /// Lists the destinations of the workspace, a page at a time, ordered by id unless `order_by` says otherwise.
    ListDestinationOp = "ListDestination", read GET "/destinations" [] as "destinations.list", takes ListDestinations, gives page Destination;

    /// Reads one destination.
    GetDestinationOp = "GetDestination", read GET "/destinations/{destinationId}" [DESTINATION] as "destinations.get",
    takes NoFields, gives value Destination;

    /// Creates a destination. A request that failed is sent again only if it certainly had no effect.
    CreateDestinationOp = "CreateDestination", write POST "/destinations" [] as "destinations.create",
    takes DestinationCreate, gives value Destination;

    /// Changes a destination. Fields that are left out keep their values; at least one field must be given.
    UpdateDestinationOp = "UpdateDestination", write PATCH "/destinations/{destinationId}" [DESTINATION] as "destinations.update",
    takes DestinationUpdate, gives value Destination;
}

handle! {
    /// The operations on destinations.
    Destinations
}

impl Destinations {
    /// Lists destinations lazily, in pages (operation `ListDestination`).
    #[must_use]
    pub fn list(&self, which: &ListDestinations) -> Pages<Destination> {
        Pages::new(&self.sender, call::<ListDestinationOp>(which))
    }

    /// Reads one destination (operation `GetDestination`).
    pub fn get(&self, destination: i64) -> Pending<Destination> {
        Pending::new(&self.sender, call_on::<GetDestinationOp>(vec![Id::Int(destination)], &NoFields))
    }

    /// Creates a destination (operation `CreateDestination`).
    pub fn create(&self, destination: &DestinationCreate) -> Pending<Destination> {
        Pending::new(&self.sender, call::<CreateDestinationOp>(destination))
    }

    /// Changes a destination (operation `UpdateDestination`). Fields that are left out keep their values.
    pub fn update(&self, destination: i64, changes: &DestinationUpdate) -> Pending<Destination> {
        Pending::new(&self.sender, call_on::<UpdateDestinationOp>(vec![Id::Int(destination)], changes))
    }
}
