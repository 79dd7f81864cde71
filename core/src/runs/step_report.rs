//! The report of one step of following a run. The report contains the requests that read the run. It also contains
//! the step's requests for the list of syncs, which shows changes of all followed runs.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::attempt::Meta;
use crate::call::{Options, Spent};

/// The most attempts that a report keeps. A step may last for days, so the oldest attempts are forgotten.
const ATTEMPTS_KEPT: usize = 1000;

/// What the requests of a step have used so far. The record is behind a lock, because the requests that read the run
/// and the requests for the list of syncs are concurrent.
#[derive(Debug)]
pub(super) struct StepReport {
    call_id: String,
    headers: BTreeMap<String, String>,
    spent: Mutex<Spent>,
}

impl StepReport {
    pub(super) fn new(spent: Spent) -> Self {
        let (call_id, headers) = (spent.call_id().to_owned(), spent.options.headers.clone());
        Self { call_id, headers, spent: Mutex::new(spent) }
    }

    /// Returns `options` with the call id and the headers that all requests of the step share.
    pub(super) fn options(&self, options: &Options) -> Options {
        Options { call_id: Some(self.call_id.clone()), headers: self.headers.clone(), ..options.clone() }
    }

    /// Adds a request that read the run and that began at `started`.
    pub(super) fn look(&self, look: &Spent, started: Instant) {
        let mut spent = self.lock();
        spent.take(look.meta(), started);
        spent.forget_attempts(ATTEMPTS_KEPT);
    }

    /// Adds a request that read a page of the list of syncs and that began at `started`.
    pub(super) fn page(&self, page: &Spent, started: Instant) {
        let mut spent = self.lock();
        let own = spent.meta();
        spent.take(Meta { request_id: own.request_id, mended: own.mended, ..page.meta() }, started);
        spent.forget_attempts(ATTEMPTS_KEPT);
    }

    pub(super) fn meta(&self) -> Meta {
        self.lock().meta()
    }

    fn lock(&self) -> MutexGuard<'_, Spent> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
