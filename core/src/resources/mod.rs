//! The resources: their types, their operations, their handles. One file each.

#[macro_use]
mod request;
mod syncs;

pub(crate) use request::{Argument, Placed, present};
pub use syncs::{
    CronRule, DbtAccount, DbtJob, DbtRule, ExternalSegment, Interval, IntervalRule, ListSyncs, RowCounts,
    Schedule, ScheduleRule, Sync, SyncReference, SyncRun, SyncRunStatus, SyncStatus, Syncs, TriggerSync,
    VisualDays, VisualExpression, VisualRule,
};
pub(crate) use syncs::{LIST, Started, TRIGGER, list_call, run_call, trigger, trigger_call};

use crate::operation::Operation;

/// Every operation of the API that this crate knows.
pub(crate) const OPERATIONS: &[&Operation] =
    &[&syncs::LIST, &syncs::TRIGGER, &syncs::TRIGGER_BY_SLUG, &syncs::RUNS];
