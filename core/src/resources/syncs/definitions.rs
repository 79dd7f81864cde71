//! Syncs as they are defined: listing, making, changing and deleting them.

use super::{Schedule, Sync};
use crate::json::JsonObject;
use crate::model::Timestamp;
use crate::operation::{NoFields, SYNC};
use crate::resources::ListOrder;

request! {
    /// Which syncs to list (operation `ListSync`).
    pub struct ListSyncs {
        /// Only the sync with this slug.
        query slug = "slug": String,
        /// Only syncs of this model.
        query model_id = "modelId": i64,
        /// Only syncs that ran after this time.
        query after = "after": Timestamp,
        /// Only syncs that ran before this time.
        query before = "before": Timestamp,
        /// Syncs to skip before the first page; 0 when left out.
        query offset = "offset": u32,
        /// Syncs a page; 100 when left out. The server may give fewer.
        query limit = "limit": u32,
        /// Order of the list; by id when left out.
        query order_by = "orderBy": ListOrder,
    }
}

request! {
    /// A sync to be made (operation `CreateSync`).
    pub struct SyncCreate {
        /// Slug, unique in the workspace; one that is taken is a `conflict`.
        body(needed) slug = "slug": String,
        /// Mappings and settings; the shape depends on the kind of destination.
        body(needed) configuration = "configuration": JsonObject,
        /// Destination that it writes to.
        body(needed) destination_id = "destinationId": i64,
        /// Model that it reads from.
        body(needed) model_id = "modelId": i64,
        /// When runs start by themselves; null, or left out, for a sync that is only started by hand, by API or in a
        /// sequence.
        body(nulled) schedule = "schedule": Schedule,
        /// Whether scheduled runs are switched off; false when left out.
        body(off) disabled = "disabled": bool,
    }
}

request! {
    /// Changes to a sync (operation `UpdateSync`); what is left out stays as it is.
    pub struct SyncUpdate {
        /// Mappings and settings; the shape depends on the kind of destination. Whether those that are not named stay is
        /// not documented.
        body configuration = "configuration": JsonObject,
        /// When runs start by themselves; null switches that off.
        body(nullable) schedule = "schedule": Schedule,
        /// Whether scheduled runs are switched off.
        body disabled = "disabled": bool,
    }
}

operation! {
    /// Lists the workspace's syncs, a page at a time, in the order of their ids unless asked otherwise.
    ListSyncOp = "ListSync", read GET "/syncs" [] as "syncs.list", takes ListSyncs, gives page Sync
}

operation! {
    /// Reads one sync.
    GetSyncOp = "GetSync", read GET "/syncs/{syncId}" [SYNC] as "syncs.get", takes NoFields, gives value Sync
}

operation! {
    /// Makes a sync. Sent once: it is repeated only when it certainly did not happen.
    CreateSyncOp = "CreateSync", write POST "/syncs" [] as "syncs.create", takes SyncCreate, gives value Sync
}

operation! {
    /// Changes a sync; what is left out stays as it is.
    UpdateSyncOp = "UpdateSync", write PATCH "/syncs/{syncId}" [SYNC] as "syncs.update",
    takes SyncUpdate, gives value Sync
}

operation! {
    /// Deletes a sync; what it delivered stays delivered. Newer than the vendor's document that this SDK was made from: a
    /// workspace that does not know it answers `not_found`.
    DeleteSyncOp = "DeleteSync", write DELETE "/syncs/{syncId}" [SYNC] as "syncs.delete",
    takes NoFields, gives nothing (), newer true
}
