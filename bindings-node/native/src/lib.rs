//! The bridge between Node.js and the core's door. It passes strings and bytes, and decides nothing.
//!
//! Each JavaScript thread (the main thread and every worker) has one [`Bridge`]. The core runs the calls of all bridges
//! on its own thread, and puts each result in the queue of the bridge that made the call. A threadsafe function then
//! empties the queue on the JavaScript thread, so that many results cost only one wake-up.

#![allow(
    clippy::must_use_candidate,
    clippy::needless_pass_by_value,
    reason = "JavaScript calls these functions, through napi"
)]

#[cfg(unix)]
mod event_loop;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use hightouch_sdk::wire;
use napi::bindgen_prelude::{Buffer, Either, FnArgs, Function};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Result, Status};
use napi_derive::napi;
use tokio_util::sync::{CancellationToken, DropGuard};

/// The result of one call as JavaScript gets it: `[id, ok, head, body, texts]`. The members after the id are those of
/// [`wire::CallOutput`]; `texts` is absent if it would be empty.
type Settled = (u32, bool, String, String, Option<Buffer>);

/// A function that the JavaScript thread runs. The function is weak, so that a bridge without calls does not keep the
/// process alive.
type Wake = ThreadsafeFunction<(), (), FnArgs<(Vec<Settled>,)>, Status, false, true>;

/// An engine of the core.
#[napi]
pub struct Engine(Arc<wire::Engine>);

#[napi]
impl Engine {
    /// Describes a call that is about to begin, as JSON for hooks.
    #[napi(catch_unwind)]
    pub fn announce(&self, op: String, args: String) -> String {
        self.0.announce(&op, &args)
    }
}

/// Creates an engine from settings, which are JSON. Returns the failure as JSON if no engine can be created.
#[napi(catch_unwind)]
pub fn open(settings: String) -> Either<Engine, String> {
    match wire::Engine::new(&settings) {
        Ok(engine) => Either::A(Engine(Arc::new(engine))),
        Err(failure) => Either::B(failure.to_json()),
    }
}

/// Calls a function of the core that needs no engine. Returns whether the call succeeded, and either its result as JSON
/// or a sentence that says why it failed.
#[napi(catch_unwind)]
pub fn local(op: String, args: String) -> (bool, String) {
    match wire::local(&op, &args) {
        Ok(result) => (true, result),
        Err(why) => (false, why),
    }
}

/// Cancels the calls that were started with this handle.
#[napi]
#[derive(Default)]
pub struct Cancel(wire::Cancel);

#[napi]
impl Cancel {
    /// Creates a handle to pass to [`Bridge::call`].
    #[napi(constructor, catch_unwind)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancels the calls that have not ended.
    #[napi(catch_unwind)]
    pub fn cancel(&self) {
        self.0.cancel();
    }
}

/// The results of completed calls that the JavaScript thread has not taken yet.
struct CompletedCalls {
    queue: Arc<Mutex<Vec<(u32, wire::CallOutput)>>>,
    /// `None` once the bridge is closed.
    wake: Mutex<Option<Wake>>,
}

impl CompletedCalls {
    fn push(&self, id: u32, outcome: wire::CallOutput) {
        let is_first = {
            let mut queue = lock(&self.queue);
            queue.push((id, outcome));
            queue.len() == 1
        };
        // Only the first result in the queue wakes the JavaScript thread, because that thread then takes the whole
        // queue. The woken thread locks the queue, so the queue is unlocked before the thread is woken.
        if is_first && TURNING.get() != std::ptr::from_ref(self) as usize {
            // Waking fails if the JavaScript thread is ending. In this case, nothing waits for the result.
            if let Some(wake) = &*lock(&self.wake) {
                wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
            }
        }
    }
}

/// Connects one JavaScript thread with the core.
#[napi]
pub struct Bridge {
    completed: Arc<CompletedCalls>,
    /// Keeps the event loop alive, and is never called. This is not `completed.wake`, because the JavaScript thread
    /// would have to wait while another thread holds the lock of `completed.wake`. `None` once the bridge is closed.
    alive: Mutex<Option<Wake>>,
    /// This token is cancelled when the JavaScript thread ends and drops the bridge. The calls of the bridge then end
    /// too.
    ended: CancellationToken,
    _end: DropGuard,
    /// Set if the event loop does the I/O.
    watch: Option<Rc<wire::Watch>>,
    watched: RefCell<Option<event_loop::Watched>>,
}

#[napi]
impl Bridge {
    /// Creates the bridge of this JavaScript thread. `settle` is called on this thread with the results of calls, one
    /// or more at a time.
    #[napi(constructor, catch_unwind)]
    pub fn new(env: Env, settle: Function<'_, FnArgs<(Vec<Settled>,)>, ()>, by_loop: bool) -> Result<Self> {
        let queue = Arc::new(Mutex::new(Vec::new()));
        let drained = Arc::clone(&queue);
        let function = || settle.build_threadsafe_function::<()>().callee_handled::<false>().weak::<true>();
        let wake = function().build_callback(move |_| {
            let ended = std::mem::take(&mut *lock(&drained));
            Ok(FnArgs::from((ended.into_iter().map(settled).collect(),)))
        })?;
        let alive = function().build_callback(|_| Ok(FnArgs::from((Vec::new(),))))?;
        let ended = CancellationToken::new();
        let completed = Arc::new(CompletedCalls { queue, wake: Mutex::new(Some(wake)) });
        let io = if by_loop { wire::driver().ok() } else { None };
        let mut watch = io.and_then(wire::Driver::watch).map(Rc::new);
        let mut watched = None;
        if let Some(watch) = &watch {
            let (watch, completed, settle) = (Rc::clone(watch), Arc::clone(&completed), settle.create_ref()?);
            let descriptor = watch.descriptor();
            watched = event_loop::Watched::new(&env, descriptor, move || {
                let ended = turn(&watch, &completed);
                if !ended.is_empty() {
                    let _ = event_loop::call_back(env, &settle, ended);
                }
            });
        }
        if watched.is_none() {
            watch = None;
        }
        Ok(Self {
            watch,
            watched: RefCell::new(watched),
            completed,
            alive: Mutex::new(Some(alive)),
            _end: ended.clone().drop_guard(),
            ended,
        })
    }

    /// Starts one call. `settle` gets the result of the call exactly once, unless the JavaScript thread ends first.
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
        let io = match wire::driver() {
            Ok(io) => io,
            Err(error) => return self.completed.push(id, engine.0.unstarted(&op, &args, &error)),
        };
        let engine = Arc::clone(&engine.0);
        let completed = Arc::clone(&self.completed);
        let ended = self.ended.clone();
        let cancel = cancel.map(|cancel| cancel.0.clone()).unwrap_or_default();
        let call = async move {
            let call = engine.call(&op, &args, &opts, &cancel);
            if let Some(outcome) = ended.run_until_cancelled(call).await {
                completed.push(id, outcome);
            }
        };
        match &self.watch {
            Some(watch) => watch.spawn(call),
            None => io.spawn_batched(call),
        }
    }

    /// Whether the event loop does the I/O, so that `turn` must be called after calls were started.
    #[napi(getter)]
    pub fn turns(&self) -> bool {
        self.watch.is_some()
    }

    /// Does the I/O, and returns the results of calls.
    #[napi(catch_unwind)]
    pub fn turn(&self) -> Vec<Settled> {
        self.watch.as_ref().map(|watch| turn(watch, &self.completed)).unwrap_or_default()
    }

    /// Keeps the event loop of this thread alive if `busy` is true, and otherwise lets the loop end.
    #[napi(catch_unwind)]
    pub fn hold(&self, env: Env, busy: bool) -> Result<()> {
        let mut alive = lock(&self.alive);
        let Some(alive) = alive.as_mut() else { return Ok(()) };
        #[expect(deprecated, reason = "napi has no other way to keep an event loop alive for a limited time")]
        let held = if busy { alive.refer(&env) } else { alive.unref(&env) };
        held
    }

    /// Drops the threadsafe functions, so that tools that look for open handles do not report them. No call may be in
    /// progress, and no call may be made afterwards.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        let functions = (lock(&self.completed.wake).take(), lock(&self.alive).take());
        drop(functions);
        self.watched.take();
    }
}

thread_local! {
    /// The results for which this thread does the I/O.
    static TURNING: Cell<usize> = const { Cell::new(0) };
}

fn turn(watch: &wire::Watch, completed: &CompletedCalls) -> Vec<Settled> {
    TURNING.set(std::ptr::from_ref(completed) as usize);
    watch.turn();
    TURNING.set(0);
    std::mem::take(&mut *lock(&completed.queue)).into_iter().map(settled).collect()
}

fn settled((id, outcome): (u32, wire::CallOutput)) -> Settled {
    // Only a raw answer can have a body of invalid UTF-8: the core passes that body on as the server sent it.
    let body = String::from_utf8(outcome.body)
        .unwrap_or_else(|bad| String::from_utf8_lossy(bad.as_bytes()).into_owned());
    let texts = (!outcome.texts.is_empty()).then(|| outcome.texts.into());
    (id, outcome.ok, outcome.head, body, texts)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
