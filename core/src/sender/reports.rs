//! Reports of finished requests. The core sends the requests of a batch without asking the host. The host gets these
//! reports and calls its hooks afterwards.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::attempt::Meta;
use crate::call::Call;
use crate::error::Error;

/// A request that has ended, with all its attempts.
#[derive(Clone, Debug)]
pub(crate) struct RequestReport {
    pub http_method: String,
    pub url_template: Option<&'static str>,
    /// When the request began. Its waits for a key and for the limit come after this time.
    pub began: Instant,
    pub meta: Meta,
    pub error: Option<Error>,
}

impl RequestReport {
    pub(super) fn of(call: &Call, meta: &Meta, error: Option<&Error>) -> Self {
        let now = Instant::now();
        Self {
            http_method: call.method().to_string(),
            url_template: call.operation().map(|operation| operation.path),
            began: now.checked_sub(Duration::from_millis(meta.duration_ms)).unwrap_or(now),
            meta: meta.clone(),
            error: error.cloned(),
        }
    }
}

/// Receives the reports of the requests of a task.
pub(crate) type Reporter = Arc<dyn Fn(RequestReport) + Send + Sync>;

tokio::task_local! {
    static REPORTER: Reporter;
}

/// Runs a task and reports its requests to `reporter`.
pub(crate) async fn with_reporter<T>(reporter: Reporter, task: impl Future<Output = T>) -> T {
    REPORTER.scope(reporter, task).await
}

/// Reports a request of the current task, if the task has a reporter.
pub(super) fn report(of: impl FnOnce() -> RequestReport) {
    let _ = REPORTER.try_with(|reporter| reporter(of()));
}
