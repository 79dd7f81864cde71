//! A client whose server is a port where nothing listens, on a clock that leaps over every wait.

use std::cell::RefCell;
use std::pin::pin;
use std::time::Duration;

use hightouch_sdk::wire::{Cancel, Engine};
use serde_json::{Value, json};
use tokio::net::TcpSocket;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use super::KEY;
use super::check::Given;

/// After so long, on the clock that leaps, a call is cancelled.
const PATIENCE: Duration = Duration::from_mins(1);

struct Bench {
    runtime: Runtime,
    /// Bound and never listened on, so that nobody else's server answers here.
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
        let outcome = self.runtime.block_on(async {
            let cancel = Cancel::new();
            let mut call = pin!(engine.call(op, args, opts, &cancel));
            if let Ok(outcome) = timeout(PATIENCE, &mut call).await {
                return outcome;
            }
            cancel.cancel();
            timeout(PATIENCE, call).await.expect("a call that is cancelled ends")
        });
        // The next input shall find a client that is neither closed nor has another key.
        if op.starts_with("client.") {
            self.engine = None;
        }
        Given::of(outcome)
    }
}

thread_local! {
    static BENCH: RefCell<Bench> = RefCell::new(Bench::new());
}

/// The server that tokens must name.
pub fn origin() -> String {
    BENCH.with_borrow(Bench::origin)
}

/// Makes one call.
pub fn call(op: &str, args: &str, opts: &str) -> Given {
    BENCH.with_borrow_mut(|bench| bench.call(op, args, opts))
}

/// What the operation makes of an answer.
pub fn parse(op: &str, args: &Value, status: u16, headers: &Value, body: &str) -> Given {
    let asked = json!({"op": op, "args": args, "status": status, "headers": headers, "body": body});
    call("parse", &asked.to_string(), "")
}
