//! The types of syncs and of their runs.

use std::collections::BTreeMap;

use super::Schedule;
use crate::json::Json;
use crate::model::Timestamp;
use crate::page::Row;

model! {
    /// A sync: maps a model to a destination. Each run sends the rows that changed since the previous run.
    pub struct Sync {
        /// Numeric id.
        required id = "id": i64,
        /// Slug, unique in the workspace.
        required slug = "slug": String,
        /// Id of the workspace that the sync belongs to.
        optional workspace_id = "workspaceId": i64,
        /// Time of creation.
        optional created_at = "createdAt": Timestamp,
        /// Time of the last change.
        optional updated_at = "updatedAt": Timestamp,
        /// Id of the destination that the sync writes to.
        optional destination_id = "destinationId": i64,
        /// Id of the model that the sync reads.
        optional model_id = "modelId": i64,
        /// Mappings and settings. Their structure depends on the kind of destination and may change at any time.
        optional configuration = "configuration": Json,
        /// Schedule of automatic runs. Absent if the sync is started only by hand, by the API or in a sequence.
        optional schedule = "schedule": Schedule,
        /// Status of the sync, usually the status of its latest run.
        optional status = "status": SyncStatus,
        /// Whether scheduled runs are switched off. Triggered runs still start.
        optional disabled = "disabled": bool,
        /// Start time of the latest run. Absent before the first run.
        optional last_run_at = "lastRunAt": Timestamp,
        /// Columns of the source that the sync uses.
        defaulted referenced_columns = "referencedColumns": Vec<String>,
        /// Column that identifies a row in the source.
        optional primary_key = "primaryKey": String,
        /// List or audience that the sync created in the destination. Absent, or without an id, if the sync created
        /// none.
        optional external_segment = "externalSegment": ExternalSegment,
        /// Tags, as a map from name to value.
        optional tags = "tags": BTreeMap<String, String>,
    }
}

impl Row for Sync {
    fn id(&self) -> String {
        self.id.to_string()
    }
}

model! {
    /// A list or an audience in a destination.
    pub struct ExternalSegment {
        /// Id in the destination. Absent if the sync created no list or audience.
        optional id = "id": String,
    }
}

open_enum! {
    /// Status of a sync.
    pub enum SyncStatus {
        /// The sync is switched off.
        Disabled = "disabled",
        /// No run has been scheduled yet.
        Pending = "pending",
        /// The latest run was cancelled.
        Cancelled = "cancelled",
        /// The latest run failed.
        Failed = "failed",
        /// A run waits to write to the destination.
        Queued = "queued",
        /// The latest run succeeded.
        Success = "success",
        /// The latest run finished with warnings, such as rejected rows.
        Warning = "warning",
        /// A run reads the model.
        Querying = "querying",
        /// A run writes to the destination.
        Processing = "processing",
        /// A run writes its report.
        Reporting = "reporting",
        /// The latest run was interrupted.
        Interrupted = "interrupted",
    }
}

open_enum! {
    /// Status of a run of a sync.
    pub enum SyncRunStatus {
        /// The run waits for an earlier run, or waits to write to the destination.
        Queued = "queued",
        /// The run reads the model.
        Querying = "querying",
        /// The run writes to the destination.
        Processing = "processing",
        /// The run writes its report.
        Reporting = "reporting",
        /// The run succeeded.
        Success = "success",
        /// The run finished with warnings, such as rejected rows.
        Warning = "warning",
        /// The run failed.
        Failed = "failed",
        /// The run was cancelled.
        Cancelled = "cancelled",
        /// The run was interrupted. A later run continues its work.
        Interrupted = "interrupted",
    }
}

model! {
    /// One run of a sync.
    pub struct SyncRun {
        /// Numeric id.
        required id = "id": i64,
        /// Status of the run. The status tells whether the run has ended; `completion_ratio` does not.
        required status = "status": SyncRunStatus,
        /// Time at which the run was requested. Earlier than `started_at` if the run waited for another run.
        optional created_at = "createdAt": Timestamp,
        /// Start time.
        optional started_at = "startedAt": Timestamp,
        /// End time.
        optional finished_at = "finishedAt": Timestamp,
        /// Number of rows that the query returned.
        defaulted query_size = "querySize": i64,
        /// Progress as a ratio. The range is not documented, and a successful run may end below 1.
        defaulted completion_ratio = "completionRatio": f64,
        /// Rows that the run planned to send.
        defaulted planned_rows = "plannedRows": RowCounts,
        /// Rows that the destination accepted.
        defaulted successful_rows = "successfulRows": RowCounts,
        /// Rows that the destination rejected. Rows that the run did not try to send are not counted.
        defaulted failed_rows = "failedRows": RowCounts,
        /// Error message of a run that did not succeed.
        optional error = "error": String,
    }
}

impl Row for SyncRun {
    fn id(&self) -> String {
        self.id.to_string()
    }
}

model! {
    /// Row counts by kind of change.
    pub struct RowCounts {
        /// Number of additions.
        defaulted added_count = "addedCount": i64,
        /// Number of changes.
        defaulted changed_count = "changedCount": i64,
        /// Number of removals.
        defaulted removed_count = "removedCount": i64,
    }
}

impl RowCounts {
    /// The sum of the three counts.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.added_count.saturating_add(self.changed_count).saturating_add(self.removed_count)
    }
}

#[expect(clippy::derivable_impls, reason = "the declaration derives for all models alike")]
impl Default for RowCounts {
    fn default() -> Self {
        Self { added_count: 0, changed_count: 0, removed_count: 0 }
    }
}
