//! Lets the first request go ahead alone.
//!
//! The HTTP client opens a connection for each request that finds no free connection. So without a warm-up, a burst of
//! requests costs one handshake per request, even if one HTTP/2 connection could carry them all. Therefore the other
//! requests wait until the headers of the first answer have arrived, but for at most half a second.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::Version;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::timers::timeout;

const LONGEST_WAIT: Duration = Duration::from_millis(500);
/// A connection stops counting as warm this long before the end of its idle time, because the HTTP client is about to
/// close the connection.
const MARGIN: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Warmup {
    state: Mutex<WarmupState>,
    idle: Duration,
}

#[derive(Debug)]
struct WarmupState {
    phase: Phase,
    /// When a request last began or was answered.
    used: Instant,
    multiplexes: bool,
}

#[derive(Debug)]
enum Phase {
    Cold,
    Warming(watch::Receiver<()>),
    Warm,
}

/// The role of a request: the first request opens a connection, and the others wait for it. If the first request is
/// dropped, the next new request becomes the first.
#[derive(Debug)]
pub(super) struct Warming<'a> {
    warmup: &'a Warmup,
    /// Held by the first request. Dropping this sender wakes the requests that wait.
    first: Option<watch::Sender<()>>,
}

impl Warmup {
    pub(super) fn new(idle: Duration) -> Self {
        let state = WarmupState { phase: Phase::Cold, used: Instant::now(), multiplexes: false };
        Self { state: Mutex::new(state), idle: idle.saturating_sub(MARGIN) }
    }

    fn state(&self) -> MutexGuard<'_, WarmupState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the latest answer came over HTTP/2.
    pub(super) fn multiplexes(&self) -> bool {
        self.state().multiplexes
    }

    /// Forgets the open connection. The next request then opens a connection, and later requests wait for its answer.
    pub(super) fn cool(&self) {
        self.state().phase = Phase::Cold;
    }

    /// Waits for at most [`LONGEST_WAIT`] if another request is opening the connection.
    pub(super) async fn enter(&self) -> Warming<'_> {
        let mut ahead = {
            let mut state = self.state();
            if matches!(state.phase, Phase::Warm) && state.used.elapsed() > self.idle {
                state.phase = Phase::Cold;
            }
            state.used = Instant::now();
            match &state.phase {
                Phase::Warm => return Warming { warmup: self, first: None },
                Phase::Warming(ahead) => ahead.clone(),
                Phase::Cold => {
                    let (first, ahead) = watch::channel(());
                    state.phase = Phase::Warming(ahead);
                    return Warming { warmup: self, first: Some(first) };
                }
            }
        };
        // The sender of this channel never sends a value; dropping the sender is the signal. After a timeout, the
        // request goes on too.
        let _ = timeout(LONGEST_WAIT, ahead.changed()).await;
        Warming { warmup: self, first: None }
    }
}

impl Warming<'_> {
    /// Notes that the headers of an answer arrived, so the other requests can use the connection.
    pub(super) fn answered(mut self, version: Version) {
        let mut state = self.warmup.state();
        state.used = Instant::now();
        state.multiplexes = version > Version::HTTP_11;
        state.phase = Phase::Warm;
        self.first = None;
    }
}

impl Drop for Warming<'_> {
    fn drop(&mut self) {
        let Some(first) = &self.first else { return };
        let mut state = self.warmup.state();
        // In any other phase, another request has warmed the connection or is warming it, so the phase stays.
        if matches!(&state.phase, Phase::Warming(ahead) if ahead.same_channel(&first.subscribe())) {
            state.phase = Phase::Cold;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_others_wait_until_the_first_has_headers() {
        let warmup = Warmup::new(Duration::from_secs(20));
        let first = warmup.enter().await;
        let mut second = Box::pin(warmup.enter());
        assert!(timeout(Duration::from_millis(100), &mut second).await.is_err(), "the second must wait");
        first.answered(Version::HTTP_2);
        assert!(timeout(Duration::from_millis(1), second).await.is_ok(), "the second must be let go");
        assert!(warmup.multiplexes());
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_first_answer_holds_nobody_longer_than_half_a_second() {
        let warmup = Warmup::new(Duration::from_secs(20));
        let _first = warmup.enter().await;
        assert!(timeout(Duration::from_millis(600), warmup.enter()).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn when_the_first_fails_the_next_goes_ahead_alone() {
        let warmup = Warmup::new(Duration::from_secs(20));
        drop(warmup.enter().await);
        assert!(warmup.enter().await.first.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_long_silence_the_first_goes_ahead_alone_again() {
        let warmup = Warmup::new(Duration::from_secs(20));
        warmup.enter().await.answered(Version::HTTP_11);
        assert!(!warmup.multiplexes());
        assert!(warmup.enter().await.first.is_none());
        tokio::time::advance(Duration::from_secs(20)).await;
        assert!(warmup.enter().await.first.is_some());
    }
}
