//! The connection to the Redis or Valkey server, and how it is opened: host names, TLS, the password, Sentinels, and
//! redirections of a cluster.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ErrorKind, RedisConnectionInfo, RedisError, ServerErrorKind, Value, cmd};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

use super::measured::{Allowance, Measured};
use super::names::{Names, first_that_answers};
use super::script::{Reply, SCRIPT, read};
use crate::config::FleetAddress;
use crate::secret::Secret;
use crate::transport::tls_config;

/// The time limit of one question to the server, including the connection attempt and redirections.
pub(super) const WITHIN: Duration = Duration::from_millis(800);
/// A connection that was idle for this long is not used again. A firewall on the way may have dropped it silently, and
/// no answer would come.
const IDLE: Duration = Duration::from_secs(30);
/// The Redis key of a limit begins with this prefix. The number is the version of the state's format.
const PREFIX: &str = "hightouch-limit:1:";
/// [`Server::unlost`] says for how long the server had lost no state when the connection was opened. The process uses
/// the value only until the connection is this old, because the server may lose states later.
const FRESH: Duration = Duration::from_secs(1);
/// A question fails if a cluster says this many times in a row that the limit has moved to another node (`MOVED`).
const REDIRECTIONS: usize = 3;

/// The connection to the server. It is opened when it is needed, and closed after a failure.
pub(super) struct Link {
    address: FleetAddress,
    /// The cluster node that has the limit; `None` until a cluster has redirected to a node.
    node: Option<(String, u16)>,
    open: Option<Open>,
    /// How many bytes the server may still send.
    allowance: Allowance,
    tls: Option<TlsConnector>,
    names: Names,
    /// The SHA-1 digest of the script, by which the server finds the script in its cache.
    digest: String,
}

struct Open {
    connection: MultiplexedConnection,
    _driver: Driver,
    since: Instant,
    used: Instant,
    server: Server,
}

/// What a server says about itself at the beginning of a connection.
#[derive(Debug)]
pub(super) struct Server {
    /// The server's `run_id`, which is new at each start. A server that was restarted may have lost its last changes.
    pub start: String,
    /// For this long before the connection was opened, the server has certainly lost no state.
    pub unlost: Duration,
}

/// The task that reads and writes for a connection. Dropping this value ends the task, which would otherwise wait for
/// answers even after the connection was dropped.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Why the server did not run the script, as the end of a sentence. It contains nothing that the server sent.
type Failure = String;

impl Link {
    pub(super) fn new(address: FleetAddress) -> Self {
        let sum = digest(&SHA1_FOR_LEGACY_USE_ONLY, SCRIPT.as_bytes());
        let digest = sum.as_ref().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        let (allowance, names) = (Allowance::default(), Names::default());
        Self { address, node: None, open: None, allowance, tls: None, names, digest }
    }

    /// For how long the connection stays usable if it is idle from now on; `None` if there is no connection.
    pub(super) fn usable_for(&self) -> Option<Duration> {
        self.open.as_ref().map(|open| IDLE.saturating_sub(open.used.elapsed()))
    }

    /// Closes the connection. The next [`Self::run`] opens a new one.
    pub(super) fn close(&mut self) {
        self.open = None;
    }

    /// Closes the connection, and forgets the node of the cluster. The next connection starts at the address in the
    /// settings.
    pub(super) fn forget(&mut self) {
        self.open = None;
        self.node = None;
    }

    /// Runs the script for the limit `name`. `words` creates the arguments of the script from what the server said
    /// about itself. The caller must limit the time, and call [`Self::forget`] if it gives up.
    ///
    /// # Errors
    /// The server did not run the script, or its answer cannot be read.
    pub(super) async fn run(
        &mut self,
        name: &str,
        mut words: impl FnMut(&Server) -> Vec<String>,
    ) -> Result<Reply, Failure> {
        let was_open = self.open.is_some();
        let first = self.redirected(name, &mut words).await;
        // The server, or a device on the way, may have closed an idle connection. Then the server has usually not heard
        // the question, so the question is sent again. If the server has heard the question after all, the grants of
        // the lost answer count until their leases end.
        let result = match first {
            Err(Lost::Closed(_)) if was_open => {
                self.forget();
                self.redirected(name, &mut words).await
            }
            other => other,
        };
        result.map_err(|lost| {
            self.forget();
            match lost {
                Lost::Closed(why) | Lost::Other(why) => why,
            }
        })
    }

    async fn redirected(
        &mut self,
        name: &str,
        words: &mut impl FnMut(&Server) -> Vec<String>,
    ) -> Result<Reply, Lost> {
        for _ in 0..REDIRECTIONS {
            self.allowance.renew();
            if self.open.as_ref().is_none_or(|open| open.used.elapsed() > IDLE) {
                self.open = Some(self.connect().await.map_err(Lost::Other)?);
            }
            let Some(open) = &mut self.open else { continue };
            if open.since.elapsed() > FRESH {
                open.server.unlost = Duration::ZERO;
            }
            open.used = Instant::now();
            let arguments = words(&open.server);
            let key = format!("{PREFIX}{{{name}}}");
            match evaluate(&mut open.connection, &self.digest, &key, &arguments, false).await {
                Ok(value) => return reply(value),
                Err(error) => match error.redirect_node() {
                    Some((node, _)) => {
                        let node = self.node_at(node).ok_or_else(strange)?;
                        if error.kind() == ErrorKind::Server(ServerErrorKind::Ask) {
                            return self.at_importing(node, &key, words).await;
                        }
                        self.open = None;
                        self.node = Some(node);
                    }
                    None if error.is_connection_dropped() || error.is_io_error() => {
                        return Err(Lost::Closed(why(&error)));
                    }
                    None => return Err(Lost::Other(why(&error))),
                },
            }
        }
        Err(Lost::Other(ENDLESS.to_owned()))
    }

    /// Runs the script on the node to which the cluster is moving the limit (`ASK`). The move is not finished, so the
    /// next run asks the old node first.
    async fn at_importing(
        &mut self,
        node: (String, u16),
        key: &str,
        words: &mut impl FnMut(&Server) -> Vec<String>,
    ) -> Result<Reply, Lost> {
        let mut open = self.connect_to(node).await.map_err(Lost::Other)?;
        let arguments = words(&open.server);
        match evaluate(&mut open.connection, &self.digest, key, &arguments, true).await {
            Ok(value) => reply(value),
            Err(error) if error.redirect_node().is_some() => Err(Lost::Other(ENDLESS.to_owned())),
            Err(error) => Err(Lost::Other(why(&error))),
        }
    }

    /// Reads the address to which a cluster redirects. An address without a host is another port of the same host.
    fn node_at(&self, text: &str) -> Option<(String, u16)> {
        let (host, port) = text.rsplit_once(':')?;
        let host = match host.trim_matches(['[', ']']) {
            "" => self.node.as_ref().or(self.address.servers.first())?.0.clone(),
            host => host.to_owned(),
        };
        Some((host, port.parse().ok()?))
    }

    async fn connect(&mut self) -> Result<Open, Failure> {
        let node = match &self.node {
            Some(node) => node.clone(),
            None => self.server().await?,
        };
        self.connect_to(node).await
    }

    async fn connect_to(&mut self, (host, port): (String, u16)) -> Result<Open, Failure> {
        let (mut connection, driver) = self.connection(&host, port, true).await?;
        // Asks for all sections of `INFO`, because Redis 6 cannot return a selection of them. Several commands, one for
        // each section, would have to go in a pipeline, and the errors of a pipeline have no code.
        let told: String =
            cmd("INFO").arg("all").query_async(&mut connection).await.map_err(|error| why(&error))?;
        let server = Server::of(&told).ok_or("it does not tell its `run_id`")?;
        let now = Instant::now();
        Ok(Open { connection, _driver: driver, since: now, used: now, server })
    }

    /// Returns the address of the server, from the settings or from a Sentinel.
    async fn server(&mut self) -> Result<(String, u16), Failure> {
        let servers = self.address.servers.clone();
        let Some(service) = self.address.service.clone() else {
            return servers.into_iter().next().ok_or_else(|| "it has no address".to_owned());
        };
        let mut last = "no Sentinel answered".to_owned();
        for (host, port) in servers {
            let asked = async {
                let (mut connection, _driver) = self.connection(&host, port, false).await?;
                let mut asked = cmd("SENTINEL");
                asked.arg("GET-MASTER-ADDR-BY-NAME").arg(&service);
                let found: Result<Option<(String, u16)>, _> = asked.query_async(&mut connection).await;
                found.map_err(|error| why(&error))?.ok_or_else(|| "it does not know the service".to_owned())
            };
            // A Sentinel that does not answer must leave time for the other Sentinels.
            match timeout(WITHIN / 3, asked).await {
                Ok(Ok(found)) => return Ok(found),
                Ok(Err(why)) if why == NO_PERMISSION => NOT_SENTINEL.clone_into(&mut last),
                Ok(Err(why)) => {
                    last = why.strip_prefix("it ").map_or(why.clone(), |why| format!("its Sentinel {why}"));
                }
                Err(_) => {}
            }
        }
        Err(last)
    }

    fn tls(&mut self) -> Result<TlsConnector, Failure> {
        if let Some(connector) = &self.tls {
            return Ok(connector.clone());
        }
        let config = tls_config(&self.address.ca_bundle);
        let mut config = config.map_err(|_| "the TLS settings cannot be used".to_owned())?;
        config.alpn_protocols.clear();
        Ok(self.tls.insert(TlsConnector::from(Arc::new(config))).clone())
    }

    async fn connection(
        &mut self,
        host: &str,
        port: u16,
        is_server: bool,
    ) -> Result<(MultiplexedConnection, Driver), Failure> {
        let failed = |error: &io::Error| format!("it cannot be reached: {}", error.kind());
        let addresses = self.names.addresses(host, port).await.map_err(|error| failed(&error))?;
        let tcp = first_that_answers(&addresses, WITHIN).await.map_err(|error| failed(&error))?;
        let _ = tcp.set_nodelay(true);
        let tcp = Measured::new(tcp, self.allowance.clone());
        let mut info = RedisConnectionInfo::default().set_skip_set_lib_name();
        let address = &self.address;
        let (user, password) = if is_server {
            info = info.set_db(address.database);
            (&address.user, &address.password)
        } else {
            (&address.sentinel_user, &address.sentinel_password)
        };
        if let Some(user) = user {
            info = info.set_username(user);
        }
        if let Some(password) = password {
            info = info.set_password(Secret::expose(password));
        }
        if !self.address.tls {
            return opened(&info, tcp).await;
        }
        let connector = self.tls()?;
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| "its name cannot be used with TLS".to_owned())?;
        let stream = connector.connect(name, tcp).await;
        opened(&info, stream.map_err(|_| "its TLS certificate or handshake was refused".to_owned())?).await
    }
}

impl Server {
    /// Reads the answer to `INFO`. Returns `None` if the answer has no usable `run_id`.
    fn of(info: &str) -> Option<Self> {
        let field = |name: &str| {
            let mut lines = info.lines().filter_map(|line| line.split_once(':'));
            lines.find(|(field, _)| *field == name).map(|(_, value)| value.trim())
        };
        let start = field("run_id")?;
        let is_name =
            (1..=64).contains(&start.len()) && start.bytes().all(|byte| byte.is_ascii_alphanumeric());
        // Evictions, a flush and the promotion of a replica lose states while the server runs. If one of these events
        // is possible, the age of the server does not show how long the server has kept its states.
        let keeps = field("maxmemory") == Some("0")
            || field("maxmemory_policy").is_some_and(|policy| !policy.starts_with("allkeys"));
        let was_master = field("second_repl_offset") == Some("-1") && field("role") == Some("master");
        let commands = field("cmdstat_info").is_some();
        let flushed = ["cmdstat_flushall", "cmdstat_flushdb"].into_iter().any(|name| field(name).is_some());
        let up = field("uptime_in_seconds").and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
        let unlost = up.filter(|_| keeps && was_master && commands && !flushed).unwrap_or_default();
        is_name.then(|| Self { start: start.to_owned(), unlost })
    }
}

/// Why the script was not run: the connection broke (`Closed`), or something else failed.
enum Lost {
    Closed(Failure),
    Other(Failure),
}

async fn opened(
    info: &RedisConnectionInfo,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Result<(MultiplexedConnection, Driver), Failure> {
    // No timeouts are set here, because the courier, the thread that asks the server, gives up each question after
    // `WITHIN`.
    let config = AsyncConnectionConfig::new().set_response_timeout(None).set_connection_timeout(None);
    let made = MultiplexedConnection::new_with_config(info, stream, config).await;
    let (connection, driver) = made.map_err(|error| why(&error))?;
    Ok((connection, Driver(tokio::spawn(driver))))
}

async fn evaluate(
    connection: &mut MultiplexedConnection,
    digest: &str,
    key: &str,
    arguments: &[String],
    asking: bool,
) -> Result<Value, RedisError> {
    // `ASKING` allows the next command, and no other, on a node to which the key is still being moved.
    let ask = async |connection: &mut MultiplexedConnection| {
        if asking { cmd("ASKING").query_async(connection).await } else { Ok(()) }
    };
    ask(connection).await?;
    let known = cmd("EVALSHA").arg(digest).arg(1).arg(key).arg(arguments).query_async(connection).await;
    match known {
        Err(error) if error.code() == Some("NOSCRIPT") => {
            ask(connection).await?;
            cmd("EVAL").arg(SCRIPT).arg(1).arg(key).arg(arguments).query_async(connection).await
        }
        other => other,
    }
}

fn strange() -> Lost {
    Lost::Other("its answer cannot be read".to_owned())
}

fn reply(value: Value) -> Result<Reply, Lost> {
    let Value::Array(parts) = value else { return Err(strange()) };
    let texts = parts.into_iter().map(|part| match part {
        Value::BulkString(bytes) => String::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text),
        Value::Int(number) => Some(number.to_string()),
        _ => None,
    });
    let words: Vec<String> = texts.collect::<Option<_>>().ok_or_else(strange)?;
    read(&words).map_err(|why| Lost::Other(why.to_owned()))
}

const ENDLESS: &str = "the cluster redirects without end";
const NOT_SENTINEL: &str = "its Sentinel gives the user no permission for SENTINEL GET-MASTER-ADDR-BY-NAME";
const REFUSES: &str = "it refuses the user name and the password";
const NO_PERMISSION: &str =
    "the user has no permission for what the limit needs: EVALSHA, EVAL, INFO, TIME, GET and SET";

/// Says what failed, without repeating text that the server sent.
fn why(error: &RedisError) -> Failure {
    if error.kind() == ErrorKind::AuthenticationFailed {
        return REFUSES.to_owned();
    }
    let says = |text| error.detail().is_some_and(|detail| detail.contains(text));
    let told = match error.code() {
        // The Redis user has no permission for a command of the script. Redis 6 sends the first text, later servers the
        // second.
        Some("ERR") if says("The user executing the script") || says("ACL failure in script") => {
            NO_PERMISSION
        }
        Some("ERR") if error.to_string().contains("refused to switch database") => "it has no such database",
        Some("WRONGPASS") => REFUSES,
        Some("NOAUTH") => "it asks for a password",
        Some("NOPERM") => NO_PERMISSION,
        Some("READONLY") => "it is a replica, which cannot be written",
        Some("LOADING") => "it is starting",
        Some("OOM") => "it has no memory left",
        Some("CLUSTERDOWN" | "MASTERDOWN" | "TRYAGAIN") => "its cluster is not ready",
        Some("MISCONF") => "it cannot write to its disk",
        Some(code) if code.len() <= 16 && code.bytes().all(|byte| byte.is_ascii_uppercase()) => {
            return format!("it answered with the error {code}");
        }
        _ if error.is_connection_dropped() || error.is_io_error() => "the connection was lost",
        _ => "its answer cannot be read",
    };
    told.to_owned()
}
