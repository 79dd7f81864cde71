//! The bridge between Node and the core's door: strings in, strings out, nothing decided here.
//!
//! Every environment (the main thread, each worker) has one [`Bridge`]. A call runs on napi's
//! tokio runtime; what it gives is queued, and one threadsafe function empties the queue on the
//! JavaScript thread, so that many completions cost one wake-up.

#![allow(
    clippy::must_use_candidate,
    clippy::needless_pass_by_value,
    reason = "only JavaScript calls in here"
)]

use std::sync::{Arc, Mutex, PoisonError};

use hightouch_sdk::wire;
use napi::bindgen_prelude::{Either, FnArgs, Function, spawn};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Result, Status};
use napi_derive::napi;
use tokio_util::sync::{CancellationToken, DropGuard};

/// `[id, ok, head, body]` of one call that has ended.
type Settled = (u32, bool, String, String);

/// Wakes the JavaScript thread. Weak: a bridge that waits for nothing keeps no process alive.
type Wake = ThreadsafeFunction<(), (), FnArgs<(Vec<Settled>,)>, Status, false, true>;

/// A client behind the door.
#[napi]
pub struct Engine(Arc<wire::Engine>);

/// Opens a client; a string is the failure's JSON.
#[napi(catch_unwind)]
pub fn open(settings: String) -> Either<Engine, String> {
    match wire::Engine::new(&settings) {
        Ok(engine) => Either::A(Engine(Arc::new(engine))),
        Err(failure) => Either::B(failure.to_json()),
    }
}

/// Tells one call to stop.
#[napi]
#[derive(Default)]
pub struct Cancel(wire::Cancel);

#[napi]
impl Cancel {
    /// A signal that nobody has raised.
    #[napi(constructor, catch_unwind)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Raises the signal.
    #[napi(catch_unwind)]
    pub fn cancel(&self) {
        self.0.cancel();
    }
}

/// Calls of one environment on their way back.
struct Returns {
    queue: Arc<Mutex<Vec<Settled>>>,
    wake: Mutex<Wake>,
}

impl Returns {
    fn push(&self, id: u32, outcome: wire::Outcome) {
        // Untouched bytes of a server (`raw`) need not be UTF-8; everything else is.
        let body = String::from_utf8(outcome.body)
            .unwrap_or_else(|bad| String::from_utf8_lossy(bad.as_bytes()).into_owned());
        let mut queue = lock(&self.queue);
        queue.push((id, outcome.ok, outcome.head, body));
        if queue.len() == 1 {
            // Refused only while the environment goes down, when nobody waits any more.
            lock(&self.wake).call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}

/// One environment's way into the core and back.
#[napi]
pub struct Bridge {
    returns: Arc<Returns>,
    /// Raised when the environment ends, so that its calls end with it.
    gone: CancellationToken,
    _end: DropGuard,
}

#[napi]
impl Bridge {
    /// `settle` is handed the calls that have ended, many at a time.
    #[napi(constructor, catch_unwind)]
    pub fn new(settle: Function<'_, FnArgs<(Vec<Settled>,)>, ()>) -> Result<Self> {
        let queue = Arc::new(Mutex::new(Vec::new()));
        let drained = Arc::clone(&queue);
        let wake = settle
            .build_threadsafe_function::<()>()
            .callee_handled::<false>()
            .weak::<true>()
            .build_callback(move |_| Ok(FnArgs::from((std::mem::take(&mut *lock(&drained)),))))?;
        let gone = CancellationToken::new();
        Ok(Self {
            returns: Arc::new(Returns { queue, wake: Mutex::new(wake) }),
            _end: gone.clone().drop_guard(),
            gone,
        })
    }

    /// Starts one call; `settle` will be given `id` exactly once, unless the environment ends.
    #[napi(catch_unwind)]
    pub fn call(
        &self,
        engine: &Engine,
        id: u32,
        op: String,
        args: String,
        opts: String,
        cancel: Option<&Cancel>,
    ) {
        let engine = Arc::clone(&engine.0);
        let returns = Arc::clone(&self.returns);
        let gone = self.gone.clone();
        let cancel = cancel.map(|cancel| cancel.0.clone()).unwrap_or_default();
        spawn(async move {
            let call = engine.call(&op, &args, &opts, &cancel);
            if let Some(outcome) = gone.run_until_cancelled(call).await {
                returns.push(id, outcome);
            }
        });
    }

    /// Keeps the process alive while calls are in flight, or lets it end when none is.
    #[napi(catch_unwind)]
    pub fn hold(&self, env: Env, busy: bool) -> Result<()> {
        let mut wake = lock(&self.returns.wake);
        #[expect(deprecated, reason = "napi offers no other way to hold an event loop for a time only")]
        let held = if busy { wake.refer(&env) } else { wake.unref(&env) };
        held
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
