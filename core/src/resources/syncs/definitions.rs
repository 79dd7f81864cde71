//! Listing, creating, changing and deleting syncs.

use super::{Schedule, Sync};
use crate::json::JsonObject;
use crate::model::Timestamp;
use crate::operation::{NoFields, SYNC};
use crate::resources::ListOrder;

request! {
    /// Filters for a list of syncs (operation `ListSync`).
    pub struct ListSyncs {
        /// Only the sync with this slug.
        query slug = "slug": String,
        /// Only syncs of this model.
        query model_id = "modelId": i64,
        /// Only syncs that ran after this time.
        query after = "after": Timestamp,
        /// Only syncs that ran before this time.
        query before = "before": Timestamp,
        /// Number of syncs to skip before the first page. Default: 0.
        query offset = "offset": u32,
        /// Syncs per page, at least 1. Default: 100. The server may return fewer.
        query limit = "limit": u32,
        /// Order of the list. Default: by id.
        query order_by = "orderBy": ListOrder,
    }
}

request! {
    /// A sync to create (operation `CreateSync`).
    pub struct SyncCreate {
        /// Slug, unique in the workspace. A slug that is already taken is a `conflict`.
        body(needed) slug = "slug": String,
        /// Mappings and settings; the form depends on the kind of destination.
        body(needed) configuration = "configuration": JsonObject,
        /// Id of the destination that the sync writes to.
        body(needed) destination_id = "destinationId": i64,
        /// Id of the model that the sync reads.
        body(needed) model_id = "modelId": i64,
        /// Schedule of automatic runs. Null or left out for a sync that is only started by hand, by the API or in a
        /// sequence.
        body(nulled) schedule = "schedule": Schedule,
        /// Whether scheduled runs are switched off. Default: false.
        body(off) disabled = "disabled": bool,
    }
}

request! {
    /// Changes to a sync (operation `UpdateSync`); members that are left out stay as they are.
    pub struct SyncUpdate {
        /// Mappings and settings; the form depends on the kind of destination. Whether members that are left out keep
        /// their values is not documented.
        body configuration = "configuration": JsonObject,
        /// Schedule of automatic runs. Null is meant to remove the schedule, but whether the server does so is not
        /// proved: in the vendor's own example it answers with the old schedule.
        body(nullable) schedule = "schedule": Schedule,
        /// Whether scheduled runs are switched off.
        body disabled = "disabled": bool,
    }
}

operations! {
    /// Lists the syncs of the workspace, a page at a time, ordered by id unless `order_by` says otherwise.
    ListSyncOp = "ListSync", read GET "/syncs" [] as "syncs.list", takes ListSyncs, gives page Sync;

    /// Reads one sync.
    GetSyncOp = "GetSync", read GET "/syncs/{syncId}" [SYNC] as "syncs.get", takes NoFields, gives value Sync;

    /// Creates a sync. The request is repeated only if the first one certainly had no effect.
    CreateSyncOp = "CreateSync", write POST "/syncs" [] as "syncs.create", takes SyncCreate, gives value Sync;

    /// Changes a sync; members that are left out stay as they are.
    UpdateSyncOp = "UpdateSync", write PATCH "/syncs/{syncId}" [SYNC] as "syncs.update",
    takes SyncUpdate, gives value Sync;

    /// Deletes a sync. Rows that it has sent stay in the destination. Hightouch's OpenAPI document does not list this
    /// operation yet. If a server lacks it, the call fails as if the sync did not exist.
    DeleteSyncOp = "DeleteSync", write DELETE "/syncs/{syncId}" [SYNC] as "syncs.delete",
    takes NoFields, gives nothing (), newer true;
}
