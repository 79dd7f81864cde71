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
        /// Display name.
        required name = "name": String,
        /// Slug, unique among the workspace's sources.
        required slug = "slug": String,
        /// Id of the workspace that the source belongs to.
        optional workspace_id = "workspaceId": i64,
        /// Time of creation.
        optional created_at = "createdAt": Timestamp,
        /// Time of the last change.
        optional updated_at = "updatedAt": Timestamp,
        /// Settings of the connection. Their structure depends on the type and may change at any time.
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
    /// Filters, paging and order of a list of sources (operation `ListSource`).
    pub struct ListSources {
        /// Only sources with this name. The API does not document whether a part of the name matches.
        query name = "name": String,
        /// Only the source with this slug. The API does not document whether a part of the slug matches.
        query slug = "slug": String,
        /// Number of sources to skip before the first page. Default: 0.
        query offset = "offset": u32,
        /// Sources per page, at least 1. Default: 100. The server may return fewer.
        query limit = "limit": u32,
        /// Order of the list. Default: by id.
        query order_by = "orderBy": ListOrder,
    }
}

request! {
    /// A source to create (operation `CreateSource`).
    pub struct SourceCreate {
        /// Display name.
        body(needed) name = "name": String,
        /// Slug, unique among the workspace's sources. A slug that is already taken is an error of kind `conflict`.
        body(needed) slug = "slug": String,
        /// Kind of connection, such as `snowflake` or `postgres`.
        body(needed) type_ = "type": String,
        /// Settings of the connection. Their structure depends on the type.
        body(needed) configuration = "configuration": JsonObject,
    }
}

request! {
    /// Changes to a source (operation `UpdateSource`). Fields that are left out keep their values; at least
    /// one must be set.
    pub struct SourceUpdate {
        /// Display name.
        body name = "name": String,
        /// Settings of the connection. In Hightouch's example, settings that are left out keep their values, but this
        /// is not guaranteed.
        body configuration = "configuration": JsonObject,
    }
}

const SOURCE: PathId = number("source", "source_id", "sourceId", &["The source's id."]);

operations! {
    /// Lists the sources of the workspace, a page at a time, ordered by id unless `order_by` says otherwise.
    ListSourceOp = "ListSource", read GET "/sources" [] as "sources.list", takes ListSources, gives page Source;

    /// Reads one source.
    GetSourceOp = "GetSource", read GET "/sources/{sourceId}" [SOURCE] as "sources.get",
    takes NoFields, gives value Source;

    /// Creates a source. A request that failed is sent again only if it certainly had no effect.
    CreateSourceOp = "CreateSource", write POST "/sources" [] as "sources.create",
    takes SourceCreate, gives value Source;

    /// Changes a source. Fields that are left out keep their values; at least one field must be given.
    UpdateSourceOp = "UpdateSource", write PATCH "/sources/{sourceId}" [SOURCE] as "sources.update",
    takes SourceUpdate, gives value Source;
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

    /// Creates a source (operation `CreateSource`).
    pub fn create(&self, source: &SourceCreate) -> Pending<Source> {
        Pending::new(&self.sender, call::<CreateSourceOp>(source))
    }

    /// Changes a source (operation `UpdateSource`). Fields that are left out keep their values.
    pub fn update(&self, source: i64, changes: &SourceUpdate) -> Pending<Source> {
        Pending::new(&self.sender, call_on::<UpdateSourceOp>(vec![Id::Int(source)], changes))
    }
}
