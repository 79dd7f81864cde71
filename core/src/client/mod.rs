//! The client, and the one request loop: grant, attempt, classify, repeat or return.

mod call;
mod diagnose;
mod limits;
mod meta;
mod options;
mod request;
mod send;

pub(crate) use call::Call;
pub use diagnose::{Diagnosis, Finding};
pub use meta::{Attempt, Meta};
pub use options::Options;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use crate::auth::Key;
use crate::config::{Config, Settings};
use crate::error::{Error, Kind};
use crate::limit::{Gate, GateHandle, LimitStats};
use crate::model::{self, Mended, Model};
use crate::retry::Budget;
use crate::transport::Http;

/// How many slugs a client remembers the ids of; past it the memory starts anew.
const SLUGS_KEPT: usize = 10_000;

/// A client of one workspace. Cloning is cheap, and clones are one client.
#[derive(Clone)]
pub struct Client(Arc<Shared>);

struct Shared {
    config: Config,
    key: Mutex<Key>,
    gate: GateHandle,
    http: Http,
    budget: Mutex<Budget>,
    slugs: Mutex<HashMap<String, i64>>,
    closed: CancellationToken,
}

/// A whole, successful answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub body: Bytes,
    pub meta: Meta,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Client {
    /// A client made from settings; does no I/O but reading the key's file, where one is named.
    ///
    /// # Errors
    /// Kind `config`, naming the setting.
    pub fn new(settings: &Settings) -> Result<Self, Error> {
        let config = settings.check()?;
        let gate = Gate::shared(&config.origin, config.key.digest(), config.quota);
        Ok(Self(Arc::new(Shared {
            gate: gate.with_share(config.share.unwrap_or(1.0)),
            key: Mutex::new(config.key.clone()),
            http: Http::new(config.clone()),
            budget: Mutex::new(Budget::new()),
            slugs: Mutex::new(HashMap::new()),
            closed: CancellationToken::new(),
            config,
        })))
    }

    /// Uses another key from the next request on. The limit is the workspace's and stays as it is.
    ///
    /// # Errors
    /// Kind `config` where it is no key.
    pub fn set_api_key(&self, key: &str) -> Result<(), Error> {
        *lock(&self.0.key) = Key::new(key)?;
        Ok(())
    }

    /// How the limit stands.
    #[must_use]
    pub fn stats(&self) -> LimitStats {
        self.0.gate.gate().stats()
    }

    /// Ends every call under way and refuses further ones with kind `closed`. Runs go on at the server.
    pub fn close(&self) {
        self.0.closed.cancel();
    }

    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    pub(crate) fn origin(&self) -> &str {
        &self.0.config.origin
    }

    pub(crate) fn http(&self) -> &Http {
        &self.0.http
    }

    /// Now, in milliseconds since 1970: for tokens, which outlive the process; never for measuring.
    #[expect(clippy::unused_self, reason = "the clock is the client's to give")]
    pub(crate) fn now_millis(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    /// A wait of ours as long as it is here.
    pub(crate) fn scaled(&self, wait: Duration) -> Duration {
        wait.div_f64(self.0.config.scale)
    }

    pub(crate) fn known_slug(&self, slug: &str) -> Option<i64> {
        lock(&self.0.slugs).get(slug).copied()
    }

    pub(crate) fn learn_slug(&self, slug: &str, id: i64) {
        let mut slugs = lock(&self.0.slugs);
        if slugs.len() >= SLUGS_KEPT {
            slugs.clear();
        }
        slugs.insert(slug.to_owned(), id);
    }

    /// Takes the key, and a proxy's password, out of a text.
    pub(crate) fn scrub(&self, text: &str) -> String {
        let text = lock(&self.0.key).scrub(text);
        match self.0.config.proxy.as_ref().and_then(|proxy| proxy.password.as_ref()) {
            Some(password) if !password.expose().is_empty() => text.replace(password.expose(), "[password]"),
            _ => text,
        }
    }

    /// Makes a call and reads its answer as a `T`.
    pub(crate) async fn value<T: Model>(&self, call: &Call, options: &Options) -> Result<(T, Meta), Error> {
        let Answer { body, meta } = self.send(call, options).await?;
        self.read(call, &body, meta)
    }

    /// Reads the body of an answer as a `T`; after a write an unreadable answer leaves the outcome unknown.
    pub(crate) fn read<T: Model>(
        &self,
        call: &Call,
        body: &[u8],
        mut meta: Meta,
    ) -> Result<(T, Meta), Error> {
        let mut mended = Mended::default();
        match model::read(body, &mut mended) {
            Ok(value) => {
                meta.mended = mended.into_paths();
                Ok((value, meta))
            }
            Err(why) => {
                let error = Error::new(Kind::Protocol, format!("the answer cannot be read: {why}"));
                let error = if call.is_write() { unknown(error) } else { error };
                Err(error.at(call).with_meta(meta).scrubbed(|text| self.scrub(text)))
            }
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Client").field("base", &self.0.config.base.as_str()).finish_non_exhaustive()
    }
}

/// A failure after which a write may or may not have happened.
fn unknown(error: Error) -> Error {
    let what = format!("it was sent, and whether it happened cannot be known: {}", error.what());
    error
        .with_what(what)
        .with_kind(Kind::OutcomeUnknown)
        .hint("Look at what the workspace shows before you send it again; it may have happened.")
}
