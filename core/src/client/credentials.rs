//! A key that a function of the caller's gives: asked for at the first call, and again when it was refused.

use std::error::Error as StdError;
use std::future::Future;
use std::pin::Pin;

use tokio::sync::Mutex;

use super::Client;
use crate::config::Settings;
use crate::error::{Error, Kind};

type Given = Result<String, Box<dyn StdError + Send + Sync>>;
type Ask = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Given> + Send>> + Send + Sync>;

/// The function, and a lock that makes it be asked once for all callers.
pub(super) struct Credentials {
    ask: Ask,
    asking: Mutex<()>,
}

impl Client {
    /// A client whose key `credentials` gives: asked at the first call, and again when the server refused the key, once
    /// for all callers that met the refusal; a call is repeated once where the key has changed. `settings` need no key.
    ///
    /// # Errors
    /// Kind `config`, naming the setting. Calls fail with kind `authentication` where the function fails, with its error
    /// among the [`causes`](Error::causes).
    pub fn with_credentials<F>(
        settings: &Settings,
        credentials: impl Fn() -> F + Send + Sync + 'static,
    ) -> Result<Self, Error>
    where
        F: Future<Output = Given> + Send + 'static,
    {
        let settings = Settings { key_later: Some(true), ..settings.clone() };
        let ask: Ask = Box::new(move || Box::pin(credentials()));
        Self::build(&settings, Some(Credentials { ask, asking: Mutex::new(()) }))
    }

    /// The digest of the key in use, where there is one.
    pub(super) fn key_digest(&self) -> Option<[u8; 32]> {
        self.key().ok().map(|(key, _)| key.digest())
    }

    /// After a refusal of the key that was `used`: whether there is another one now.
    pub(super) async fn renewed(&self, used: Option<[u8; 32]>) -> Result<bool, Error> {
        let Some(credentials) = &self.0.credentials else { return Ok(false) };
        let _asking = credentials.asking.lock().await;
        // Somebody else asked while this call was under way or waited for its turn.
        if self.key_digest() != used {
            return Ok(true);
        }
        let key = (credentials.ask)().await.map_err(|cause| {
            Error::new(Kind::Authentication, "the function that gives the key failed")
                .with_causes(vec![self.scrub(&cause.to_string())])
        })?;
        self.set_api_key(&key)?;
        Ok(self.key_digest() != used)
    }
}
