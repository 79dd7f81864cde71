//! A running sandbox: its listener and its worlds.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use socket2::{Domain, Socket, Type};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::coverage::Played;
use crate::judge::{self, Case, Verdict};
use crate::settings::WorldSettings;
use crate::world::{Keys, World, WorldInfo};
use crate::{Error, server, tls};

/// Options of [`Sandbox::start`].
#[derive(Debug, Clone)]
pub struct Options {
    /// The address to listen on; port 0 chooses a free port.
    pub listen: SocketAddr,
    /// The host and port that clients use; by default, the host and port of `listen`.
    pub public_address: Option<String>,
    /// The file to which a line of JSON is appended for each judged scenario.
    pub coverage: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self { listen, public_address: None, coverage: None }
    }
}

/// A sandbox that listens until it is dropped.
#[derive(Debug)]
pub struct Sandbox {
    /// `https://127.0.0.1:PORT`.
    pub url: String,
    /// `http://127.0.0.1:PORT`.
    pub http_url: String,
    /// The certificate of the authority that signed the server's certificate, as PEM.
    pub ca_pem: String,
    /// An address, `127.0.0.1:PORT`, at which nothing listens.
    pub closed: String,
    shared: Arc<Shared>,
    listener: JoinHandle<()>,
    /// Keeps the address in `closed` bound without listening, so that no other process can listen at it.
    _reserved: Socket,
}

/// The state that all connections of a sandbox share.
#[derive(Debug)]
pub(crate) struct Shared {
    authority: String,
    worlds: Mutex<HashMap<String, Arc<World>>>,
    made: AtomicU64,
    coverage: Option<PathBuf>,
}

impl Sandbox {
    /// Starts a sandbox with a new certificate authority. Must be called within a tokio runtime.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let identity = tls::identity()?;
        let listener = TcpListener::bind(options.listen).await?;
        let authority = match options.public_address {
            Some(address) => address,
            None => listener.local_addr()?.to_string(),
        };
        let reserved = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        reserved.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
        let closed =
            reserved.local_addr()?.as_socket().map(|address| address.to_string()).unwrap_or_default();
        let shared = Arc::new(Shared {
            authority: authority.clone(),
            worlds: Mutex::default(),
            made: AtomicU64::new(0),
            coverage: options.coverage,
        });
        let serving = tokio::spawn(server::serve(listener, identity.config, Arc::clone(&shared)));
        Ok(Self {
            url: format!("https://{authority}"),
            http_url: format!("http://{authority}"),
            ca_pem: identity.ca_pem,
            closed,
            shared,
            listener: serving,
            _reserved: reserved,
        })
    }

    /// Creates a world. `settings` has the same members as `world` in a scenario; see `tests/scenarios/README.md`.
    pub fn create_world(&self, settings: Value) -> Result<WorldInfo, Error> {
        self.shared.create_world(settings)
    }

    /// Returns the log of a world as JSON:
    /// * `requests`, in the order of arrival
    /// * `refused` and `peak`, the counts of the limit
    /// * `left`, how many more times each entry of the script and each armed plan applies
    /// * `violations` of the standing rules
    pub fn log(&self, world: &str) -> Result<Value, Error> {
        self.shared.log(world)
    }

    /// Checks the requests of a world against the standing rules and the `wire` of `case`. The members of `case` are
    /// `player`, `scenario`, `wire` and `kinds`; the last two are optional. Waits up to 10 s for unfinished requests.
    /// Appends a line to the coverage file, if there is one.
    pub async fn judge(&self, world: &str, case: Value) -> Result<Verdict, Error> {
        self.shared.judge(world, case).await
    }

    /// Removes a world.
    pub fn remove_world(&self, world: &str) -> Result<(), Error> {
        self.shared.remove_world(world)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl Shared {
    pub(crate) fn create_world(&self, settings: Value) -> Result<WorldInfo, Error> {
        let settings = serde_json::from_value::<WorldSettings>(settings)?.checked()?;
        let time_scale = settings.time_scale;
        let number = self.made.fetch_add(1, Ordering::Relaxed) + 1;
        let id = format!("w{number}");
        let keys = Keys::of(&id);
        let info = WorldInfo {
            base_url: format!("https://{}/w/{id}/api/v1", self.authority),
            http_base_url: format!("http://{}/w/{id}/api/v1", self.authority),
            authority: self.authority.clone(),
            api_key: keys.valid.clone(),
            keys,
            time_scale,
            workspace_id: 1000 + number,
            id: id.clone(),
        };
        let world = World::new(info.clone(), settings);
        self.lock().insert(id, Arc::new(world));
        Ok(info)
    }

    pub(crate) fn world(&self, id: &str) -> Result<Arc<World>, Error> {
        self.lock().get(id).cloned().ok_or_else(|| Error::NoSuchWorld(id.to_owned()))
    }

    pub(crate) fn remove_world(&self, id: &str) -> Result<(), Error> {
        self.lock().remove(id).map(drop).ok_or_else(|| Error::NoSuchWorld(id.to_owned()))
    }

    pub(crate) async fn judge(&self, id: &str, case: Value) -> Result<Verdict, Error> {
        let case: Case = serde_json::from_value(case)?;
        let verdict = judge::judge(&self.world(id)?, &case).await?;
        if let Some(file) = &self.coverage {
            let played = Played {
                player: case.player,
                scenario: case.scenario,
                operations: verdict.operations.clone(),
                answers: verdict.answers.clone(),
                kinds: case.kinds.into_iter().collect(),
                complaints: verdict.complaints.len(),
            };
            played.append_to(file)?;
        }
        Ok(verdict)
    }

    pub(crate) fn log(&self, id: &str) -> Result<Value, Error> {
        let (record, mut log) = self.world(id)?.log();
        if let Some(members) = log.as_object_mut() {
            members.insert("violations".into(), judge::standing_violations(&record).into());
        }
        Ok(log)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<World>>> {
        self.worlds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
