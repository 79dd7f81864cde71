//! The client, through which users call the API.

mod request;

pub(crate) use request::any_call;

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use crate::attempt::{CutMade, ScopeChanged};
use crate::config::{Key, Settings};
use crate::diagnose::{self, Diagnosis};
use crate::error::Error;
use crate::limit::LimitStats;
use crate::resources as api;
use crate::resources::AnyRun;
use crate::sender::{CallEnd, CallStart, Given, KeySource, Sender};

/// A client of one workspace. Cloning is cheap, and all clones share one state.
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
    /// Creates a client from settings. Reads the files that the settings name, and does no other I/O.
    ///
    /// # Errors
    /// Kind `config` if a setting or a variable of the environment is missing or invalid. The message names the setting
    /// or the variable.
    pub fn new(settings: &Settings) -> Result<Self, Error> {
        Self::with_source(settings, KeySource::Nowhere)
    }

    /// Creates a client that gets its key from the function `credentials`; `settings` must not name a key.
    ///
    /// The function is called before the first request, and again if the server refuses the key (401). All requests
    /// that were refused meanwhile share one call of the function. A refused request is sent once more if the key has
    /// changed.
    ///
    /// # Errors
    /// Kind `config` if a setting is invalid; the message names it. If the function fails, the calls that need the key
    /// fail with kind `authentication`, and their [`source`](std::error::Error::source) is the function's error. A call
    /// that the function itself makes on this client fails with kind `authentication`, too.
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

    /// Creates a client with the same settings and key for a forked process. The two clients share nothing else.
    pub(crate) fn reopened(&self) -> Self {
        Self { sender: self.sender.reopened() }
    }

    pub(crate) fn sender(&self) -> &Sender {
        &self.sender
    }

    /// Uses another key of the same workspace from the next request on. The limit belongs to the workspace, so the
    /// limit stays the same.
    ///
    /// # Errors
    /// Kind `config` if `key` cannot be an API key. The client then keeps its old key.
    pub fn set_api_key(&self, key: &str) -> Result<(), Error> {
        self.sender.use_key(Key::new(key)?);
        Ok(())
    }

    /// Returns the state of the rate limit. Sends nothing.
    #[must_use]
    pub fn stats(&self) -> LimitStats {
        self.sender.stats()
    }

    /// Ends every call in progress and refuses later ones, with kind `closed`. A call that may already have sent a
    /// change ends with kind `outcome_unknown`. Runs go on at the server.
    pub fn close(&self) {
        self.sender.close();
    }

    /// Returns a run by its token, which may come from another process or language. Sends nothing.
    ///
    /// # Errors
    /// Kind `invalid_request` if `token` is not the token of a run, or is for another server.
    pub fn run(&self, token: &str) -> Result<AnyRun, Error> {
        AnyRun::resumed(&self.sender, token)
    }

    /// Checks the connection and the key with one TLS handshake and one read (`syncs.list`), which counts towards the
    /// limit. A failure becomes a finding and not an error.
    pub async fn diagnose(&self) -> Diagnosis {
        diagnose::diagnose(&self.sender).await
    }

    /// Calls `hook` before each call, on the task that makes the call. Each request for a page of a list counts as a
    /// call, and so does each request that reads the state of a followed run. The hook applies to all clones of the
    /// client, and may change the [`headers`](CallStart::headers) of the call. If `hook` panics, the call panics.
    pub fn on_start(&self, hook: impl Fn(&mut CallStart<'_>) + Send + Sync + 'static) {
        self.sender.hooks().on_start(Arc::new(hook));
    }

    /// Calls `hook` after each call, on the task that makes the call. If the future of a call is dropped, `hook` is not
    /// called.
    pub fn on_end(&self, hook: impl Fn(&CallEnd<'_>) + Send + Sync + 'static) {
        self.sender.hooks().on_end(Arc::new(hook));
    }

    /// Calls `hook` each time that a refusal (429) of this client lowers the limit. The hook runs on the task that sent
    /// the refused request, before the call ends.
    pub fn on_cut(&self, hook: impl Fn(&CutMade) + Send + Sync + 'static) {
        self.sender.hooks().on_cut(Arc::new(hook));
    }

    /// Calls `hook` each time that this process begins to keep the limit alone although the setting
    /// [`limit_scope`](Settings::limit_scope) asks for a shared limit, and each time that it shares the limit again. If
    /// this process keeps the limit alone already, calls `hook` now. A client that nobody has used for a minute learns
    /// of a change only with its next call.
    ///
    /// The hook runs on the thread that notices the change. That may be the thread that asks the Redis or Valkey server
    /// for permission to send, so the hook must not block. The hook may use the client.
    pub fn on_scope(&self, hook: impl Fn(&ScopeChanged) + Send + Sync + 'static) {
        self.sender.on_scope(hook);
    }
}

impl Settings {
    /// Creates a client from these settings and diagnoses it. If no client can be created, the reason becomes a
    /// finding. See [`Client::diagnose`].
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
