//! A key that a function of the caller's gives: asked for at the first call, and again when it was refused.

use std::error::Error as StdError;
use std::future::Future;
use std::pin::Pin;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::Client;
use crate::auth::Key;
use crate::config::Settings;
use crate::error::{Error, Kind};

type Given = Result<String, Box<dyn StdError + Send + Sync>>;
type Ask = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Given> + Send>> + Send + Sync>;

/// The function, and a lock that makes it be asked once for all callers.
pub(super) struct Credentials {
    ask: Ask,
    /// When it last answered.
    asking: Mutex<Option<Instant>>,
}

impl Client {
    /// A client whose key `credentials` gives: asked at the first call, and again when the server refused the key, once
    /// for all callers that met the refusal; a call is repeated once where the key has changed. `settings` need no key.
    ///
    /// # Errors
    /// Kind `config`, naming the setting. Calls fail with kind `authentication` where the function fails, with its error
    /// among the [`causes`](Error::causes). The function must not call this client: it would wait for itself.
    pub fn with_credentials<F>(
        settings: &Settings,
        credentials: impl Fn() -> F + Send + Sync + 'static,
    ) -> Result<Self, Error>
    where
        F: Future<Output = Given> + Send + 'static,
    {
        let settings = Settings { key_later: Some(true), ..settings.clone() };
        let ask: Ask = Box::new(move || Box::pin(credentials()));
        Self::build(&settings, Some(Credentials { ask, asking: Mutex::new(None) }))
    }

    /// The digest of the key in use, where there is one.
    pub(super) fn key_digest(&self) -> Option<[u8; 32]> {
        self.key().ok().map(|(key, _)| key.digest())
    }

    /// After a refusal of the key that was `used` in a call that `began` then: whether there is another one now. Whoever
    /// met the refusal while somebody else asked shares the answer.
    pub(super) async fn renewed(&self, used: Option<[u8; 32]>, began: Instant) -> Result<bool, Error> {
        let Some(credentials) = &self.0.credentials else { return Ok(false) };
        let mut answered = credentials.asking.lock().await;
        if self.key_digest() != used {
            return Ok(true);
        }
        if answered.is_some_and(|answered| answered >= began) {
            return Ok(false);
        }
        let failed = |causes: Vec<String>| {
            Error::new(Kind::Authentication, "the function that gives the key failed").with_causes(causes)
        };
        let key = (credentials.ask)().await;
        *answered = Some(Instant::now());
        let key = key.map_err(|cause| failed(vec![self.scrub(&cause.to_string())]))?;
        // Read from a file as often as not, with a line break that is not the key's.
        let key = Key::from_outside(&key).map_err(|error| failed(vec![error.to_string()]))?;
        self.use_key(key);
        Ok(self.key_digest() != used)
    }
}
