//! Operations that list, create, change and delete syncs.

use super::{Schedule, Sync};
use crate::json::JsonObject;
use crate::model::Timestamp;
use crate::operation::{NoFields, SYNC};
use crate::resources::ListOrder;

request! {
    /// Filters, paging and order of a list of syncs (operation `ListSync`).
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
        /// Slug, unique in the workspace. A slug that is already taken is an error of kind `conflict`.
        body(needed) slug = "slug": String,
        /// Mappings and settings. Their structure depends on the kind of destination.
        body(needed) configuration = "configuration": JsonObject,
        /// Id of the destination that the sync writes to.
        body(needed) destination_id = "destinationId": i64,
        /// Id of the model that the sync reads.
        body(needed) model_id = "modelId": i64,
        /// Schedule of automatic runs. Without a schedule, the sync runs only when it is started by hand, by the API or
        /// in a sequence.
        body(nulled) schedule = "schedule": Schedule,
        /// Whether scheduled runs are switched off. Default: false.
        body(off) disabled = "disabled": bool,
    }
}

request! {
    /// Changes to a sync (operation `UpdateSync`). Fields that are left out keep their values; at least
    /// one must be set.
    pub struct SyncUpdate {
        /// Mappings and settings. Their structure depends on the kind of destination. The API does not document
        /// whether settings that are left out keep their values.
        body configuration = "configuration": JsonObject,
        /// Schedule of automatic runs. Null should remove the schedule, but this is not confirmed: in Hightouch's
        /// example, the server returns the old schedule.
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

    /// Creates a sync. A request that failed is sent again only if it certainly had no effect.
    CreateSyncOp = "CreateSync", write POST "/syncs" [] as "syncs.create", takes SyncCreate, gives value Sync;

    /// Changes a sync. Fields that are left out keep their values; at least one field must be given.
    UpdateSyncOp = "UpdateSync", write PATCH "/syncs/{syncId}" [SYNC] as "syncs.update",
    takes SyncUpdate, gives value Sync;

    /// Deletes a sync. Rows that the sync has sent stay in the destination. Hightouch's OpenAPI document does not list
    /// this operation yet. A server without the operation answers as if the sync did not exist.
    DeleteSyncOp = "DeleteSync", write DELETE "/syncs/{syncId}" [SYNC] as "syncs.delete",
    takes NoFields, gives nothing (), newer true;
}
