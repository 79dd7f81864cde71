//! The client, which users hold.

mod request;

pub(crate) use request::any_call;

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use crate::attempt::CutMade;
use crate::config::{Key, Settings};
use crate::diagnose::{self, Diagnosis};
use crate::error::Error;
use crate::limit::LimitStats;
use crate::resources as api;
use crate::resources::AnyRun;
use crate::sender::{CallEnd, CallStart, Given, KeySource, Sender};

/// A client of one workspace. Cloning is cheap, and clones are one client.
#[derive(Clone)]
pub struct Client {
    sender: Sender,
}

/// Declares one method per resource, which returns the handle of the resource.
macro_rules! resources {
    ($($(#[doc = $doc:literal])* $method:ident: $handle:ident;)*) => {
        impl Client {
            $($(#[doc = $doc])*
            #[must_use]
            pub fn $method(&self) -> api::$handle {
                api::$handle::new(&self.sender)
            })*
        }
    };
}

resources! {
    /// The operations on sources.
    sources: Sources;
    /// The operations on destinations.
    destinations: Destinations;
    /// The operations on models.
    models: Models;
    /// The operations on syncs.
    syncs: Syncs;
    /// The operations on sync sequences.
    sync_sequences: SyncSequences;
    /// The operations on identity graphs.
    identity_graphs: IdentityGraphs;
    /// The operations on campaigns.
    campaigns: Campaigns;
    /// The operations of the decision engine.
    decision_engine: DecisionEngine;
    /// The operations on event contracts.
    event_contracts: EventContracts;
    /// The operations on event domains.
    event_domains: EventDomains;
}

impl Client {
    /// Creates a client from settings; reads the files that they name, and does no other I/O.
    ///
    /// # Errors
    /// Kind `config`, naming the setting.
    pub fn new(settings: &Settings) -> Result<Self, Error> {
        Self::with_source(settings, KeySource::Nowhere)
    }

    /// Creates a client that gets its key from the function `credentials`. The function is called before the first
    /// request, and again if the server refuses the key (401): once for all requests that were refused meanwhile. A
    /// refused request is sent once more if the key has changed; other requests of the same call are not repeated.
    /// `settings` need no key.
    ///
    /// # Errors
    /// Kind `config`, naming the setting. If the function fails, calls fail with kind `authentication` and its error as
    /// their [`source`](std::error::Error::source). A call that the function itself makes on this client fails in the
    /// same way.
    pub fn with_credentials<F>(
        settings: &Settings,
        credentials: impl Fn() -> F + Send + Sync + 'static,
    ) -> Result<Self, Error>
    where
        F: Future<Output = Given> + Send + 'static,
    {
        Self::with_source(settings, KeySource::Function(Arc::new(move || Box::pin(credentials()))))
    }

    pub(crate) fn with_source(settings: &Settings, source: KeySource) -> Result<Self, Error> {
        let mut settings = settings.clone();
        settings.internal.key_later = !matches!(source, KeySource::Nowhere);
        Ok(Self { sender: Sender::new(settings.check()?, source) })
    }

    /// Creates a client with the same settings and key for a forked process. The two share nothing else.
    pub(crate) fn reopened(&self) -> Self {
        Self { sender: self.sender.reopened() }
    }

    pub(crate) fn sender(&self) -> &Sender {
        &self.sender
    }

    /// Uses another key of the same workspace from the next request on. The limit belongs to the workspace and stays
    /// the same.
    ///
    /// # Errors
    /// Kind `config` if it cannot be a key; the old one stays.
    pub fn set_api_key(&self, key: &str) -> Result<(), Error> {
        self.sender.use_key(Key::new(key)?);
        Ok(())
    }

    /// Returns the state of the rate limit; sends nothing.
    #[must_use]
    pub fn stats(&self) -> LimitStats {
        self.sender.stats()
    }

    /// Ends every call under way and refuses further ones with kind `closed`. Runs go on at the server.
    pub fn close(&self) {
        self.sender.close();
    }

    /// Returns a run by its token, which may come from another process or language. Sends nothing.
    ///
    /// # Errors
    /// Kind `invalid_request` if the text is not a token of this server.
    pub fn run(&self, token: &str) -> Result<AnyRun, Error> {
        AnyRun::resumed(&self.sender, token)
    }

    /// Checks the connection and the key: one handshake, and one read (`syncs.list`) that counts towards the limit.
    /// Failures become findings.
    pub async fn diagnose(&self) -> Diagnosis {
        diagnose::diagnose(&self.sender).await
    }

    /// Calls `hook` before each call of an operation, on the task that makes the call. The hook belongs to all clones
    /// of the client. If it panics, the call panics.
    pub fn on_start(&self, hook: impl Fn(&CallStart<'_>) + Send + Sync + 'static) {
        self.sender.hooks().on_start(Arc::new(hook));
    }

    /// Calls `hook` after each call of an operation, as [`on_start`](Self::on_start) does before it. A call whose future
    /// was dropped has no end.
    pub fn on_end(&self, hook: impl Fn(&CallEnd<'_>) + Send + Sync + 'static) {
        self.sender.hooks().on_end(Arc::new(hook));
    }

    /// Calls `hook` each time that a refusal (429) of this client lowers the limit. It is called at once, on the task
    /// whose request was refused.
    pub fn on_cut(&self, hook: impl Fn(&CutMade) + Send + Sync + 'static) {
        self.sender.hooks().on_cut(Arc::new(hook));
    }
}

impl Settings {
    /// Diagnoses a client of these settings; settings from which none can be created are a finding as well. See
    /// [`Client::diagnose`].
    pub async fn diagnose(&self) -> Diagnosis {
        match Client::new(self) {
            Ok(client) => client.diagnose().await,
            Err(error) => Diagnosis::without_client(self.known_base(), &error, self.internal.style()),
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Client").field("base", &self.sender.config().base.as_str()).finish_non_exhaustive()
    }
}
