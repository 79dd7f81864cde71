//! How to run many syncs, and how to wait for them.

use std::path::PathBuf;
use std::time::Duration;

use crate::call::Options;
use crate::resources::TriggerSync;
use crate::runs::OnEnd;

/// The options of `run_many`: the options of each trigger and of each request, how many syncs run at a time, the
/// checkpoint, and what a resumed batch starts again.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct RunMany {
    /// The options of each trigger.
    pub trigger: TriggerSync,
    /// How many syncs may be in progress at a time, from the trigger to the end of the run. Default: 50.
    pub at_once: Option<usize>,
    /// The file that records what was started, so that a later batch can resume this one. Default: none.
    pub checkpoint: Option<PathBuf>,
    /// Whether a resumed batch starts syncs again if it cannot be known whether their runs were started.
    pub retry_unknown: bool,
    /// Whether a resumed batch starts syncs again if their runs failed, were cancelled or were interrupted.
    pub retry_failed: bool,
    /// The options of each request.
    pub options: Options,
}

impl RunMany {
    /// The defaults: ordinary runs without a full resync, 50 syncs at a time, and no checkpoint.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the options of each trigger.
    #[must_use]
    pub fn trigger(self, trigger: TriggerSync) -> Self {
        Self { trigger, ..self }
    }

    /// Sets how many syncs may be in progress at a time. 0 counts as 1.
    #[must_use]
    pub fn at_once(self, at_once: usize) -> Self {
        Self { at_once: Some(at_once), ..self }
    }

    /// Sets the file that records what was started. If the file exists, the batch that it records is resumed. A sync
    /// with a run that has ended is not run again, a run in progress is followed, and a sync without a run is started.
    /// If the earlier process ended while it sent a trigger, it is unknown whether the sync has a run, so the run is
    /// looked for in the list of runs. If the run cannot be identified, the item ends with an error of kind
    /// `outcome_unknown`.
    #[must_use]
    pub fn checkpoint(self, file: impl Into<PathBuf>) -> Self {
        Self { checkpoint: Some(file.into()), ..self }
    }

    /// Sets whether a resumed batch starts syncs again if it cannot be known whether their runs were started. A sync
    /// may then run twice.
    #[must_use]
    pub fn retry_unknown(self, retry_unknown: bool) -> Self {
        Self { retry_unknown, ..self }
    }

    /// Sets whether a resumed batch starts syncs again if their runs failed, were cancelled or were interrupted.
    #[must_use]
    pub fn retry_failed(self, retry_failed: bool) -> Self {
        Self { retry_failed, ..self }
    }

    /// Sets the options of each request.
    #[must_use]
    pub fn options(self, options: Options) -> Self {
        Self { options, ..self }
    }
}

/// The options of a wait for a batch: the timeout, and whether failures and warnings are errors.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WaitMany {
    /// How long to wait. `None` means no limit.
    pub timeout: Option<Duration>,
    /// What to do if a sync was not started, or its run failed, was cancelled or was interrupted.
    pub on_failure: OnEnd,
    /// What to do if a run finished with warnings.
    pub on_warning: OnEnd,
}

impl Default for WaitMany {
    fn default() -> Self {
        Self { timeout: None, on_failure: OnEnd::Raise, on_warning: OnEnd::Return }
    }
}

impl WaitMany {
    /// The defaults: no timeout, and an error if a sync failed.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how long to wait.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// Sets what to do if a sync failed.
    #[must_use]
    pub fn on_failure(self, on_failure: OnEnd) -> Self {
        Self { on_failure, ..self }
    }

    /// Sets what to do if a run finished with warnings.
    #[must_use]
    pub fn on_warning(self, on_warning: OnEnd) -> Self {
        Self { on_warning, ..self }
    }
}
