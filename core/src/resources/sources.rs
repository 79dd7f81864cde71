//! Sources: where models read from.

use super::ListOrder;
use crate::call::{Id, call, call_on};
use crate::json::{Json, JsonObject};
use crate::model::Timestamp;
use crate::operation::{NoFields, PathId, number};
use crate::page::Row;
use crate::resources::{Pages, Pending};

model! {
    /// A source: a warehouse or another place that models read from.
    pub struct Source {
        /// Numeric id.
        required id = "id": i64,
        /// Name, for people.
        required name = "name": String,
        /// Slug, unique among the workspace's sources.
        required slug = "slug": String,
        /// Workspace that it belongs to.
        optional workspace_id = "workspaceId": i64,
        /// When it was made.
        optional created_at = "createdAt": Timestamp,
        /// When it was last changed.
        optional updated_at = "updatedAt": Timestamp,
        /// Settings of the connection; the shape depends on the type and may change at any time.
        optional configuration = "configuration": Json,
        /// Kind of connection, such as `snowflake` or `postgres`.
        optional type_ = "type": String,
    }
}

impl Row for Source {
    fn id(&self) -> String {
        self.id.to_string()
    }
}

request! {
    /// Which sources to list (operation `ListSource`).
    pub struct ListSources {
        /// Only sources with this name; whether a part of it is enough is not documented.
        query name = "name": String,
        /// Only the source with this slug; whether a part of it is enough is not documented.
        query slug = "slug": String,
        /// Sources to skip before the first page; 0 when left out.
        query offset = "offset": u32,
        /// Sources a page; 100 when left out. The server may give fewer.
        query limit = "limit": u32,
        /// Order of the list; by id when left out.
        query order_by = "orderBy": ListOrder,
    }
}

request! {
    /// A source to be made (operation `CreateSource`).
    pub struct SourceCreate {
        /// Name, for people.
        body(needed) name = "name": String,
        /// Slug, unique among the workspace's sources; one that is taken is a `conflict`.
        body(needed) slug = "slug": String,
        /// Kind of connection, such as `snowflake` or `postgres`.
        body(needed) type_ = "type": String,
        /// Settings of the connection; the shape depends on the type.
        body(needed) configuration = "configuration": JsonObject,
    }
}

request! {
    /// Changes to a source (operation `UpdateSource`); what is left out stays as it is.
    pub struct SourceUpdate {
        /// Name, for people.
        body name = "name": String,
        /// Settings of the connection. The vendor's example names one of them and keeps the others, which is not
        /// promised.
        body configuration = "configuration": JsonObject,
    }
}

const SOURCE: PathId = number("source", "source_id", "sourceId", &["The source's id."]);

operation! {
    /// Lists the workspace's sources, a page at a time, in the order of their ids unless asked otherwise.
    ListSourceOp = "ListSource", read GET "/sources" [] as "sources.list", takes ListSources, gives page Source
}

operation! {
    /// Reads one source.
    GetSourceOp = "GetSource", read GET "/sources/{sourceId}" [SOURCE] as "sources.get",
    takes NoFields, gives value Source
}

operation! {
    /// Makes a source. Sent once: it is repeated only when it certainly did not happen.
    CreateSourceOp = "CreateSource", write POST "/sources" [] as "sources.create",
    takes SourceCreate, gives value Source
}

operation! {
    /// Changes a source; what is left out stays as it is.
    UpdateSourceOp = "UpdateSource", write PATCH "/sources/{sourceId}" [SOURCE] as "sources.update",
    takes SourceUpdate, gives value Source
}

handle! {
    /// The operations on sources.
    Sources
}

impl Sources {
    /// Lists sources lazily, in pages (operation `ListSource`).
    #[must_use]
    pub fn list(&self, which: &ListSources) -> Pages<Source> {
        Pages::new(&self.sender, call::<ListSourceOp>(which))
    }

    /// Reads one source (operation `GetSource`).
    pub fn get(&self, source: i64) -> Pending<Source> {
        Pending::new(&self.sender, call_on::<GetSourceOp>(vec![Id::Int(source)], &NoFields))
    }

    /// Makes a source (operation `CreateSource`).
    pub fn create(&self, source: &SourceCreate) -> Pending<Source> {
        Pending::new(&self.sender, call::<CreateSourceOp>(source))
    }

    /// Changes a source (operation `UpdateSource`); what is left out stays as it is.
    pub fn update(&self, source: i64, changes: &SourceUpdate) -> Pending<Source> {
        Pending::new(&self.sender, call_on::<UpdateSourceOp>(vec![Id::Int(source)], changes))
    }
}
