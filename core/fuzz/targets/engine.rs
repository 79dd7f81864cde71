//! Two clients. The first has no server: nothing listens on its port, and the paused clock skips every wait. The second
//! has a server, and the fuzz target sets the answer of this server.

use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::pin::pin;
use std::time::Duration;

use hightouch_sdk::wire::{Cancel, Engine};
use serde_json::{Value, json};
use tokio::net::TcpSocket;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use super::KEY;
use super::answering::Answering;
use super::check::{Given, announcement};

/// A call is cancelled after this time on the paused clock.
const PATIENCE: Duration = Duration::from_mins(1);

struct Bench {
    runtime: Runtime,
    /// A socket that is bound to a port but never listens. While the socket exists, no other server can answer at this
    /// port.
    socket: TcpSocket,
    engine: Option<Engine>,
}

impl Bench {
    fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let socket = runtime.block_on(async { TcpSocket::new_v4() }).unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        Self { runtime, socket, engine: None }
    }

    fn origin(&self) -> String {
        format!("http://{}", self.socket.local_addr().unwrap())
    }

    fn call(&mut self, op: &str, args: &str, opts: &str) -> Given {
        let origin = self.origin();
        let engine = self.engine.get_or_insert_with(|| {
            let settings = json!({
                "apiKey": KEY, "baseUrl": format!("{origin}/api/v1"), "environment": {},
                "limit": [1_000_000, 0.001], "timeScale": 1_000_000, "maxRetries": 1,
            });
            Engine::new(&settings.to_string()).expect("the settings are good")
        });
        announcement(&engine.announce(op, args));
        let outcome = self.runtime.block_on(async {
            let cancel = Cancel::new();
            let mut call = pin!(engine.call(op, args, opts, &cancel));
            if let Ok(outcome) = timeout(PATIENCE, &mut call).await {
                return outcome;
            }
            cancel.cancel();
            timeout(PATIENCE, call).await.expect("a call that is cancelled ends")
        });
        // The call may have closed the client or changed its key, so the next call creates a new client.
        if op.starts_with("client.") {
            self.engine = None;
        }
        Given::of(outcome)
    }
}

thread_local! {
    static BENCH: RefCell<Bench> = RefCell::new(Bench::new());
}

/// Returns the origin of the server. The SDK refuses tokens with any other origin.
pub fn origin() -> String {
    BENCH.with_borrow(Bench::origin)
}

/// Makes one call and checks its result.
pub fn call(op: &str, args: &str, opts: &str) -> Given {
    BENCH.with_borrow_mut(|bench| bench.call(op, args, opts))
}

/// A client and its server, which returns an answer set in advance. The clock is not paused, because a paused clock
/// would not wait for a socket.
struct Answered {
    runtime: Runtime,
    server: Answering,
    engine: Engine,
}

impl Answered {
    fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let server = Answering::new(&runtime);
        let settings = json!({
            "apiKey": KEY, "baseUrl": format!("{}/api/v1", server.origin()), "environment": {},
            "limit": [1_000_000, 0.001], "timeScale": 1_000_000, "maxRetries": 0,
        });
        let engine = Engine::new(&settings.to_string()).expect("the settings are good");
        Self { runtime, server, engine }
    }

    fn call(&self, op: &str, args: &Value) -> Given {
        let (args, cancel) = (args.to_string(), Cancel::new());
        Given::of(self.runtime.block_on(self.engine.call(op, &args, r#"{"raw": true}"#, &cancel)))
    }
}

thread_local! {
    /// This value is never dropped, because tokio's thread-local data may be destroyed before it.
    static ANSWERED: ManuallyDrop<Answered> = ManuallyDrop::new(Answered::new());
}

/// Returns the result of the operation if the server gives this answer. The call sets the option `raw`, so that the SDK
/// sends only one request, whatever the answer.
pub fn parse(op: &str, args: &Value, status: u16, headers: &[(&str, &str)], body: &str) -> Given {
    ANSWERED.with(|answered| {
        answered.server.set(status, headers, body);
        answered.call(op, args)
    })
}

pub fn open(token: &Value) -> Given {
    ANSWERED.with(|answered| answered.call("runs.open", &json!({ "token": token })))
}
