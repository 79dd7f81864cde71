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
        /// Name, for people.
        required name = "name": String,
        /// Slug, unique among the workspace's destinations.
        required slug = "slug": String,
        /// Workspace that it belongs to.
        optional workspace_id = "workspaceId": i64,
        /// When it was made.
        optional created_at = "createdAt": Timestamp,
        /// When it was last changed.
        optional updated_at = "updatedAt": Timestamp,
        /// Settings of the connection; the shape depends on the type and may change at any time.
        optional configuration = "configuration": Json,
        /// Kind of connection, such as `salesforce` or `hubspot`.
        optional type_ = "type": String,
        /// Ids of the syncs that write to it.
        defaulted syncs = "syncs": Vec<i64>,
    }
}

impl Row for Destination {
    fn id(&self) -> String {
        self.id.to_string()
    }
}

request! {
    /// Which destinations to list (operation `ListDestination`).
    pub struct ListDestinations {
        /// Only destinations with this name; whether a part of it is enough is not documented.
        query name = "name": String,
        /// Only the destination with this slug; whether a part of it is enough is not documented.
        query slug = "slug": String,
        /// Destinations to skip before the first page; 0 when left out.
        query offset = "offset": u32,
        /// Destinations a page; 100 when left out. The server may give fewer.
        query limit = "limit": u32,
        /// Order of the list; by id when left out.
        query order_by = "orderBy": ListOrder,
    }
}

request! {
    /// A destination to be made (operation `CreateDestination`).
    pub struct DestinationCreate {
        /// Name, for people.
        body(needed) name = "name": String,
        /// Slug, unique among the workspace's destinations; one that is taken is a `conflict`.
        body(needed) slug = "slug": String,
        /// Kind of connection, such as `salesforce` or `hubspot`.
        body(needed) type_ = "type": String,
        /// Settings of the connection; the shape depends on the type.
        body(needed) configuration = "configuration": JsonObject,
    }
}

request! {
    /// Changes to a destination (operation `UpdateDestination`); what is left out stays as it is.
    pub struct DestinationUpdate {
        /// Name, for people.
        body name = "name": String,
        /// Settings of the connection. Whether those that are not named stay is not documented.
        body configuration = "configuration": JsonObject,
    }
}

const DESTINATION: PathId =
    number("destination", "destination_id", "destinationId", &["The destination's id."]);

operation! {
    /// Lists the workspace's destinations, a page at a time, in the order of their ids unless asked otherwise.
    ListDestinationOp = "ListDestination", read GET "/destinations" [] as "destinations.list", takes ListDestinations, gives page Destination
}

operation! {
    /// Reads one destination.
    GetDestinationOp = "GetDestination", read GET "/destinations/{destinationId}" [DESTINATION] as "destinations.get",
    takes NoFields, gives value Destination
}

operation! {
    /// Makes a destination. Sent once: it is repeated only when it certainly did not happen.
    CreateDestinationOp = "CreateDestination", write POST "/destinations" [] as "destinations.create",
    takes DestinationCreate, gives value Destination
}

operation! {
    /// Changes a destination; what is left out stays as it is.
    UpdateDestinationOp = "UpdateDestination", write PATCH "/destinations/{destinationId}" [DESTINATION] as "destinations.update",
    takes DestinationUpdate, gives value Destination
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

    /// Makes a destination (operation `CreateDestination`).
    pub fn create(&self, destination: &DestinationCreate) -> Pending<Destination> {
        Pending::new(&self.sender, call::<CreateDestinationOp>(destination))
    }

    /// Changes a destination (operation `UpdateDestination`); what is left out stays as it is.
    pub fn update(&self, destination: i64, changes: &DestinationUpdate) -> Pending<Destination> {
        Pending::new(&self.sender, call_on::<UpdateDestinationOp>(vec![Id::Int(destination)], changes))
    }
}
