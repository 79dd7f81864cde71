//! The API keys of a client: the current key, earlier keys, and the function that may return another key.

use std::error::Error as StdError;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, RwLock};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::{Sender, lock, spans};
use crate::config::Key;
use crate::error::{Error, Kind};
use crate::message::Style;
use crate::reason::Reason;
use crate::tasks::spawn;

/// How many API keys are remembered. Remembered keys are removed from all texts that are shown.
const KEYS_KEPT: usize = 8;

/// The result of a key function: a key, or why the function returned no key.
pub(crate) type Given = Result<String, Box<dyn StdError + Send + Sync>>;
type Ask = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Given> + Send>> + Send + Sync>;

/// Where a client gets an API key if the settings have no key, or if the server refuses the current key.
#[derive(Clone)]
pub(crate) enum KeySource {
    /// No key function exists, so a refusal of the key is final.
    Nowhere,
    /// A key function of the user returns the key.
    Function(Ask),
    /// The host language provides the key. It waits for [`Sender::key_wanted`] and answers with [`Sender::use_key`] or
    /// [`Sender::key_failed`].
    Host,
}

pub(crate) struct Keys {
    /// The last key is the current key. Earlier keys are kept, so that they can be removed from late answers.
    known: RwLock<Vec<Key>>,
    source: KeySource,
    /// The latest result of asking for a key. A call holds the lock while it asks, so that other calls wait for the new
    /// result and share the result.
    asked: tokio::sync::Mutex<Option<Asked>>,
    desk: Desk,
}

/// The result of asking for a key.
struct Asked {
    at: Instant,
    /// The digest of the key that was refused; `None` if there was no key yet.
    about: Option<[u8; 32]>,
    failure: Option<Error>,
}

/// Asks a host language for a key, and passes the host's answer to the calls that wait for the key.
#[derive(Default)]
struct Desk {
    state: Mutex<Wants>,
    changed: Notify,
}

#[derive(Default)]
struct Wants {
    /// How many times a key was requested.
    wanted: u64,
    /// How many requests for a key were passed to a host.
    told: u64,
    /// How many requests for a key have been answered.
    answered: u64,
    failure: Option<String>,
}

tokio::task_local! {
    /// Set while a key function runs, and in calls that a host makes from inside a key function.
    static ASKING: ();
}

/// Runs a key function, or a call that a host makes from inside a key function. Clients with a key function refuse
/// calls that come from inside it; see [`Sender::refuse_inside_key_function`].
pub(crate) async fn asking<F: Future>(inside: F) -> F::Output {
    ASKING.scope((), inside).await
}

/// Spawns a task in the current span. If a key function spawns the task, clients with a key function refuse calls from
/// the task too; see [`asking`].
pub(crate) fn spawn_alike(task: impl Future<Output = ()> + Send + 'static) {
    let task = spans::in_current(task);
    if ASKING.try_with(|()| ()).is_ok() {
        spawn(asking(task));
    } else {
        spawn(task);
    }
}

impl Keys {
    pub(super) fn new(first: Option<Key>, source: KeySource) -> Self {
        let known = RwLock::new(first.into_iter().collect());
        Self { known, source, asked: tokio::sync::Mutex::new(None), desk: Desk::default() }
    }

    pub(super) fn current(&self) -> Option<Key> {
        self.known.read().unwrap_or_else(std::sync::PoisonError::into_inner).last().cloned()
    }

    /// The key in use; `None` if another thread was changing the key when this process was forked.
    pub(super) fn current_in_a_fork(&self) -> Option<Key> {
        self.known.try_read().ok().and_then(|known| known.last().cloned())
    }

    pub(super) fn source_again(&self) -> KeySource {
        self.source.clone()
    }

    pub(super) fn replace(&self, key: Key) {
        let mut known = self.known.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        if known.last().is_none_or(|last| last.digest() != key.digest()) {
            known.retain(|known| known.digest() != key.digest());
            known.push(key);
            // Every remembered key makes `scrub` slower, and old keys occur in answers only for minutes.
            let old = known.len().saturating_sub(KEYS_KEPT);
            known.drain(..old);
        }
        drop(known);
        self.desk.answer(None);
    }

    pub(super) fn scrub(&self, text: &str) -> String {
        let known = self.known.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        known.iter().fold(text.to_owned(), |text, key| key.scrub(&text))
    }

    /// Whether there is a key function to ask.
    pub(super) fn can_ask(&self) -> bool {
        !matches!(self.source, KeySource::Nowhere)
    }

    fn digest(&self) -> Option<[u8; 32]> {
        self.current().map(|key| key.digest())
    }
}

impl Desk {
    /// Answers all calls that wait for a key. `failure` says why there is no key; if `failure` is `None`, a new key has
    /// already been set.
    fn answer(&self, failure: Option<String>) {
        let mut wants = lock(&self.state);
        if wants.answered < wants.wanted {
            wants.answered = wants.wanted;
            wants.told = wants.wanted;
            wants.failure = failure;
        }
        drop(wants);
        self.changed.notify_waiters();
    }

    /// Asks the host for a key and waits for the answer. Concurrent calls share one request to the host and its answer.
    async fn want(&self) -> Result<(), String> {
        let mine = {
            let mut wants = lock(&self.state);
            if wants.answered == wants.wanted {
                wants.wanted += 1;
            }
            wants.wanted
        };
        self.changed.notify_waiters();
        self.until(|wants| (wants.answered >= mine).then(|| wants.failure.clone().map_or(Ok(()), Err))).await
    }

    async fn until<R>(&self, mut look: impl FnMut(&mut Wants) -> Option<R>) -> R {
        loop {
            // Registers for changes before the check, so that no change between the check and the wait is missed.
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if let Some(found) = look(&mut lock(&self.state)) {
                return found;
            }
            changed.await;
        }
    }
}

impl Sender {
    /// Resolves once the host must provide a key. If several callers wait, each request for a key wakes only one
    /// caller.
    pub(crate) async fn key_wanted(&self) -> Result<(), Error> {
        let wanted = self.keys().desk.until(|wants| {
            let is_news = wants.told < wants.wanted;
            wants.told = wants.wanted;
            is_news.then_some(())
        });
        tokio::select! {
            biased;
            error = self.over() => Err(error),
            () = wanted => Ok(()),
        }
    }

    /// Notes that the key function of the host failed.
    pub(crate) fn key_failed(&self, why: &str) {
        self.keys().desk.answer(Some(self.scrub(why)));
    }

    /// Asks for another key, because the server refused the key with the digest `used` in a request sent at `since`.
    /// `used` is `None` if the client has no key yet. Returns whether the client has another key now. Fails with kind
    /// `timeout` at `until`.
    pub(super) async fn renew(
        &self,
        used: Option<[u8; 32]>,
        since: Instant,
        until: Option<Instant>,
    ) -> Result<bool, Error> {
        let late = async {
            match until {
                Some(until) => crate::timers::sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = late => Err(Error::new(Kind::Timeout, "the deadline passed while the key was asked for")),
            renewed = self.renewed(used, since) => renewed,
        }
    }

    async fn renewed(&self, used: Option<[u8; 32]>, since: Instant) -> Result<bool, Error> {
        let keys = self.keys();
        let mut asked = keys.asked.lock().await;
        if keys.digest() != used {
            return Ok(true);
        }
        // If another call asked for a key after `since`, this call takes over the result, but only if both calls ask
        // about the same refused key. The times alone do not show this: a request can use a new key just before
        // `last.at` is set. Then `last` is about the earlier key, although `last.at` is later than `since`.
        if let Some(last) = &*asked
            && last.about == used
            && last.at >= since
        {
            return last.failure.clone().map_or(Ok(false), Err);
        }
        let failure = self.ask().await.err();
        *asked = Some(Asked { at: Instant::now(), about: used, failure: failure.clone() });
        failure.map_or_else(|| Ok(keys.digest() != used), Err)
    }

    /// Asks the user's key function or the host for a key, once. If this function returns without an error, the new
    /// key is already in use.
    async fn ask(&self) -> Result<(), Error> {
        let failed = |cause: String| {
            let cause = self.scrub(&cause);
            let what = format!("the function that returns the key did not return a usable key: {cause}");
            Error::new(Kind::Authentication, what).with_reason(Reason::KeyFunction).with_causes(vec![cause])
        };
        match &self.keys().source {
            KeySource::Nowhere => Ok(()),
            KeySource::Host => self.keys().desk.want().await.map_err(failed),
            KeySource::Function(ask) => {
                let given = asking(ask()).await;
                let key = given.map_err(|cause| {
                    let cause: Arc<dyn StdError + Send + Sync> = cause.into();
                    failed(cause.to_string()).with_origin(cause)
                })?;
                // `from_outside` removes a line break at the end: functions often read the key from a file.
                self.use_key(
                    Key::from_outside(&key).map_err(|error| failed(error.what().in_style(Style::Rust)))?,
                );
                Ok(())
            }
        }
    }

    /// If this client has a key function, refuses a call from inside any key function, even that of another client.
    /// Otherwise, the call and the key function could wait for each other for ever.
    pub(super) fn refuse_inside_key_function(&self) -> Result<(), Error> {
        if self.keys().can_ask() && ASKING.try_with(|()| ()).is_ok() {
            let what = "the call comes from inside a function that returns a key, and its client gets the key from a \
                        function too. Nothing was sent";
            return Err(Error::new(Kind::Authentication, what)
                .with_reason(Reason::KeyFunction)
                .with_hint("Inside such a function, use only clients that were created with a key."));
        }
        Ok(())
    }
}
