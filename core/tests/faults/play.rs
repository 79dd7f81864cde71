//! Plays one cell of the matrix: a call to a server that fails in one way.

use std::time::Duration;

use hightouch_sdk::wire::{Cancel, Engine};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::server::{Behaviour, Server, Speaks};
use crate::temporary::Folder;
use crate::tls::identity;

/// A call that takes longer than this counts as hung and fails the test.
const HANG: Duration = Duration::from_mins(2);
/// The time limit of an attempt if the server stalls. It is long enough for a request to arrive on a busy machine.
const STALLED_MS: u64 = 3000;
/// The pause before the second call. In this time, the server ends the connection of the first call.
const AFTERWARDS: Duration = Duration::from_secs(2);
/// The SDK's pauses are divided by this number.
const SCALE: u32 = 50;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    Read,
    Write,
    Trigger,
}

impl Column {
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Trigger];

    pub fn op(self) -> &'static str {
        match self {
            Self::Read => "syncs.get",
            Self::Write => "syncs.update",
            Self::Trigger => "syncs.trigger",
        }
    }

    fn args(self) -> &'static str {
        match self {
            Self::Read | Self::Trigger => r#"{"sync":5}"#,
            Self::Write => r#"{"sync":5,"disabled":true}"#,
        }
    }
}

/// What the client connects to.
#[derive(Clone, Debug)]
pub enum Peer {
    /// No server: a host name that never resolves (RFC 6761 §6.4).
    NoName,
    /// No server: an address where nothing listens.
    Nobody,
    Server(Behaviour),
    /// A TLS server with a certificate from an authority that the client does not trust.
    Untrusted(Behaviour),
    /// A server that does not speak TLS, although the client does.
    AskedForTls(Behaviour),
}

/// The result of one cell of the matrix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Met {
    /// The error's kind, or `ok`.
    pub kind: String,
    /// How many requests reached the server.
    pub requests: usize,
    pub message: String,
}

pub async fn play(peer: &Peer, column: Column, stalls: bool, warm: bool) -> Met {
    let (server, base, trusts) = match peer {
        Peer::NoName => (None, "https://api.hightouch.invalid/api/v1".to_owned(), false),
        Peer::Nobody => {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            (None, format!("http://{}/api/v1", listener.local_addr().unwrap()), false)
        }
        Peer::Server(behaviour) => match behaviour.speaks {
            Speaks::Plain => serve(behaviour, "http", None, false).await,
            Speaks::Http1InTls => serve(behaviour, "https", Some("http/1.1"), true).await,
            Speaks::Http2 => serve(behaviour, "https", Some("h2"), true).await,
        },
        Peer::Untrusted(behaviour) => serve(behaviour, "https", Some("http/1.1"), false).await,
        Peer::AskedForTls(behaviour) => serve(behaviour, "https", None, true).await,
    };
    let settings = json!({
        "apiKey": "key-of-the-matrix", "baseUrl": base, "environment": {}, "timeScale": SCALE,
        "timeoutMs": if stalls { STALLED_MS } else { 60_000 },
    });
    let mut settings = settings.as_object().unwrap().clone();
    let folder = Folder::new("faults");
    if trusts {
        settings.insert("caBundle".to_owned(), json!(identity().ca(&folder)));
    }
    let engine = Engine::new(&Value::from(settings).to_string()).unwrap();
    if warm {
        let first = engine.call(column.op(), column.args(), "", &Cancel::new()).await;
        assert!(first.ok, "{}", first.head);
        tokio::time::sleep(AFTERWARDS).await;
    }
    let outcome = timeout(HANG, engine.call(column.op(), column.args(), "", &Cancel::new()))
        .await
        .unwrap_or_else(|_| panic!("{peer:?}: {} hangs", column.op()));
    let head: Value = serde_json::from_str(&outcome.head).unwrap();
    let (reads, writes) = server.as_ref().map_or((0, 0), Server::seen);
    Met {
        kind: if outcome.ok { "ok".to_owned() } else { head["kind"].as_str().unwrap().to_owned() },
        requests: if column == Column::Read { reads } else { writes },
        message: head["message"].as_str().unwrap_or_default().to_owned(),
    }
}

async fn serve(
    behaviour: &Behaviour,
    scheme: &str,
    protocol: Option<&str>,
    trusted: bool,
) -> (Option<Server>, String, bool) {
    let server = Server::start(behaviour.clone(), protocol.map(|name| identity().acceptor(name))).await;
    let base = format!("{scheme}://{}/api/v1", server.address);
    (Some(server), base, scheme == "https" && trusted)
}
