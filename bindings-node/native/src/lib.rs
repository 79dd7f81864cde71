//! The bridge between Node and the core's door. It passes strings and decides nothing.
//!
//! Each JavaScript thread (the main thread and every worker) has one [`Bridge`]. One other thread
//! runs the calls of all bridges. The results for a bridge go to its queue, and a threadsafe
//! function empties the queue on the JavaScript thread, so that many results cost one wake-up.

#![allow(
    clippy::must_use_candidate,
    clippy::needless_pass_by_value,
    reason = "JavaScript calls these functions, through napi"
)]

use std::sync::{Arc, Mutex, PoisonError};

use hightouch_sdk::wire;
use napi::bindgen_prelude::{Buffer, Either, FnArgs, Function};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Result, Status};
use napi_derive::napi;
use tokio_util::sync::{CancellationToken, DropGuard};

/// The result of one call: `[id, ok, head, body, texts]`.
type Settled = (u32, bool, String, String, Option<Buffer>);

/// Wakes the JavaScript thread. It is weak, so that an idle bridge does not keep the process alive.
type Wake = ThreadsafeFunction<(), (), FnArgs<(Vec<Settled>,)>, Status, false, true>;

/// An engine of the core.
#[napi]
pub struct Engine(Arc<wire::Engine>);

/// Creates an engine. A string is a failure as JSON.
#[napi(catch_unwind)]
pub fn open(settings: String) -> Either<Engine, String> {
    match wire::Engine::new(&settings) {
        Ok(engine) => Either::A(Engine(Arc::new(engine))),
        Err(failure) => Either::B(failure.to_json()),
    }
}

/// Cancels one call.
#[napi]
#[derive(Default)]
pub struct Cancel(wire::Cancel);

#[napi]
impl Cancel {
    /// Creates a handle for a call that is about to start.
    #[napi(constructor, catch_unwind)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancels the call, if it has not ended.
    #[napi(catch_unwind)]
    pub fn cancel(&self) {
        self.0.cancel();
    }
}

/// The results that wait for the JavaScript thread.
struct CompletedCalls {
    queue: Arc<Mutex<Vec<(u32, wire::CallOutput)>>>,
    wake: Mutex<Wake>,
}

impl CompletedCalls {
    fn push(&self, id: u32, outcome: wire::CallOutput) {
        let mut queue = lock(&self.queue);
        queue.push((id, outcome));
        if queue.len() == 1 {
            // This fails only while the thread ends, when nothing waits for the result any more.
            lock(&self.wake).call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}

/// Connects one JavaScript thread with the core.
#[napi]
pub struct Bridge {
    completed: Arc<CompletedCalls>,
    /// Cancelled when the thread ends, so that its calls end too.
    ended: CancellationToken,
    _end: DropGuard,
}

#[napi]
impl Bridge {
    /// Creates the bridge. It calls `settle` with the results, many at a time.
    #[napi(constructor, catch_unwind)]
    pub fn new(settle: Function<'_, FnArgs<(Vec<Settled>,)>, ()>) -> Result<Self> {
        let queue = Arc::new(Mutex::new(Vec::new()));
        let drained = Arc::clone(&queue);
        let wake = settle
            .build_threadsafe_function::<()>()
            .callee_handled::<false>()
            .weak::<true>()
            .build_callback(move |_| {
                let ended = std::mem::take(&mut *lock(&drained));
                Ok(FnArgs::from((ended.into_iter().map(settled).collect(),)))
            })?;
        let ended = CancellationToken::new();
        Ok(Self {
            completed: Arc::new(CompletedCalls { queue, wake: Mutex::new(wake) }),
            _end: ended.clone().drop_guard(),
            ended,
        })
    }

    /// Starts one call. `settle` gets its result exactly once, unless the thread ends before.
    #[napi(catch_unwind)]
    pub fn call(
        &self,
        engine: &Engine,
        id: u32,
        op: String,
        args: String,
        opts: String,
        cancel: Option<&Cancel>,
    ) -> Result<()> {
        let engine = Arc::clone(&engine.0);
        let completed = Arc::clone(&self.completed);
        let ended = self.ended.clone();
        let cancel = cancel.map(|cancel| cancel.0.clone()).unwrap_or_default();
        wire::spawn_batched(async move {
            let call = engine.call(&op, &args, &opts, &cancel);
            if let Some(outcome) = ended.run_until_cancelled(call).await {
                completed.push(id, outcome);
            }
        })?;
        Ok(())
    }

    /// Keeps the process alive, or lets it end.
    #[napi(catch_unwind)]
    pub fn hold(&self, env: Env, busy: bool) -> Result<()> {
        let mut wake = lock(&self.completed.wake);
        #[expect(deprecated, reason = "napi has no other way to keep an event loop alive for a limited time")]
        let held = if busy { wake.refer(&env) } else { wake.unref(&env) };
        held
    }
}

/// A result as JavaScript gets it.
fn settled((id, outcome): (u32, wire::CallOutput)) -> Settled {
    // Only a raw body, which comes from the server, can be invalid UTF-8.
    let body = String::from_utf8(outcome.body)
        .unwrap_or_else(|bad| String::from_utf8_lossy(bad.as_bytes()).into_owned());
    let texts = (!outcome.texts.is_empty()).then(|| outcome.texts.into());
    (id, outcome.ok, outcome.head, body, texts)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
