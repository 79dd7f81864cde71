//! The bridge between Node.js and the core's door. It passes strings and bytes, and decides nothing.
//!
//! Each JavaScript thread (the main thread and every worker) has one [`Bridge`]. The core puts each result in the queue
//! of the bridge that made the call, and the JavaScript thread then takes the whole queue.
//!
//! On Linux, the event loop of the JavaScript thread does the I/O, and takes the results afterwards. Elsewhere, or if
//! the event loop is blocked, a thread of the SDK does the I/O. It wakes the JavaScript thread with a threadsafe
//! function.

#![allow(
    clippy::must_use_candidate,
    clippy::needless_pass_by_value,
    clippy::too_many_arguments,
    reason = "JavaScript calls these functions, through napi"
)]

#[cfg(target_os = "linux")]
mod event_loop;
#[cfg(not(target_os = "linux"))]
#[path = "no_event_loop.rs"]
mod event_loop;
mod text;

use std::cell::{Cell, RefCell};
use std::ptr::null;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use hightouch_sdk::wire;
use napi::bindgen_prelude::{Buffer, Either, Function};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Result, Status};
use napi_derive::napi;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::event_loop::{Watched, call_back};
use crate::text::{Given, Text};

/// The result of one call as JavaScript gets it: `[id, ok, head, body, texts]`. The members after the id are those of
/// [`wire::CallOutput`]; `texts` is absent if it would be empty.
type Settled = (u32, bool, Text, Text, Option<Buffer>);

/// A function that the JavaScript thread runs. The function is weak, so that a bridge without calls does not keep the
/// process alive.
type Wake = ThreadsafeFunction<(), (), (), Status, false, true>;

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
    queue: Mutex<Vec<CompletedCall>>,
    /// `None` once the bridge is closed.
    wake: Mutex<Option<Wake>>,
}

struct CompletedCall {
    id: u32,
    keeps_alive: bool,
    output: wire::CallOutput,
}

thread_local! {
    /// The results that this thread takes at the end of the turn in which it does the I/O. Null outside of turns.
    static TAKEN_SOON: Cell<*const CompletedCalls> = const { Cell::new(null()) };
}

impl CompletedCalls {
    fn push(&self, call: CompletedCall) {
        let is_first = {
            let mut queue = lock(&self.queue);
            queue.push(call);
            queue.len() == 1
        };
        // Only the first result in the queue wakes the JavaScript thread, because that thread then takes the whole
        // queue. The woken thread locks the queue, so the queue is unlocked before the thread is woken.
        if is_first && !std::ptr::eq(TAKEN_SOON.get(), self) {
            // Waking fails if the JavaScript thread is ending. In this case, nothing waits for the result.
            if let Some(wake) = &*lock(&self.wake) {
                wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
            }
        }
    }

    /// Takes the results of the calls that have ended. Returns them, and whether the last call that kept the event loop
    /// alive is one of these calls.
    fn take(&self, keeping_alive: &Cell<usize>) -> (Vec<Settled>, bool) {
        let ended = std::mem::take(&mut *lock(&self.queue));
        let released = ended.iter().filter(|call| call.keeps_alive).count();
        keeping_alive.update(|calls| calls - released);
        let is_last = released > 0 && keeping_alive.get() == 0;
        (ended.into_iter().map(settled).collect(), is_last)
    }

    /// Does the I/O in this thread, which must take the results afterwards. Returns whether the event loop must go on
    /// watching the descriptor.
    fn turn(&self, watch: &wire::Watch) -> bool {
        TAKEN_SOON.set(self);
        let must_watch = watch.turn();
        TAKEN_SOON.set(null());
        must_watch
    }
}

/// Who does the I/O of the calls of a bridge.
enum Io {
    /// The event loop of the JavaScript thread.
    EventLoop { watch: Rc<wire::Watch>, watched: Watched },
    /// A thread of the SDK. `alive` keeps the event loop alive, and is never called. It is separate from the `wake` of
    /// [`CompletedCalls`], because `wake` is behind a lock: the JavaScript thread would have to wait for other threads
    /// that hold the lock.
    Thread { alive: Wake },
}

/// Connects one JavaScript thread with the core.
#[napi]
pub struct Bridge {
    completed: Arc<CompletedCalls>,
    /// `None` once the bridge is closed.
    io: RefCell<Option<Io>>,
    /// How many of the calls in progress keep the event loop alive.
    keeping_alive: Rc<Cell<usize>>,
    /// This token is cancelled when the JavaScript thread ends and drops the bridge. The calls of the bridge then end
    /// too.
    ended: CancellationToken,
    _end: DropGuard,
}

#[napi]
impl Bridge {
    /// Creates the bridge of this JavaScript thread. `on_completed` is called on this thread with results, or without
    /// an argument when [`take`](Self::take) has results to return. If `by_event_loop` is true, the event loop does the
    /// I/O if it can.
    #[napi(constructor, catch_unwind)]
    pub fn new(env: Env, on_completed: Function<'_, (), ()>, by_event_loop: bool) -> Result<Self> {
        let wake =
            || on_completed.build_threadsafe_function().callee_handled::<false>().weak::<true>().build();
        let completed = Arc::new(CompletedCalls { queue: Mutex::default(), wake: Mutex::new(Some(wake()?)) });
        let keeping_alive = Rc::new(Cell::new(0));
        let watched =
            if by_event_loop { watched(env, &on_completed, &completed, &keeping_alive)? } else { None };
        let io = match watched {
            Some((watch, watched)) => Io::EventLoop { watch, watched },
            None => Io::Thread { alive: wake()? },
        };
        let ended = CancellationToken::new();
        Ok(Self {
            completed,
            io: RefCell::new(Some(io)),
            keeping_alive,
            _end: ended.clone().drop_guard(),
            ended,
        })
    }

    /// Whether [`turn`](Self::turn) must be called after calls were started.
    #[napi(getter)]
    pub fn needs_turns(&self) -> bool {
        matches!(&*self.io.borrow(), Some(Io::EventLoop { .. }))
    }

    /// Starts one call. Its result is returned exactly once, by [`turn`](Self::turn) or [`take`](Self::take), or is
    /// passed to `on_completed`, unless the JavaScript thread ends first. Until then, the call keeps the event loop
    /// alive if `keeps_alive` is true.
    #[napi(catch_unwind)]
    pub fn call(
        &self,
        env: Env,
        engine: &Engine,
        id: u32,
        keeps_alive: bool,
        op: Given,
        args: Given,
        opts: Given,
        cancel: Option<&Cancel>,
    ) -> Result<()> {
        self.begin(env, keeps_alive)?;
        let (Given(op), Given(args), Given(opts)) = (op, args, opts);
        let completed = Arc::clone(&self.completed);
        let complete = move |output| completed.push(CompletedCall { id, keeps_alive, output });
        let driver = match wire::driver() {
            Ok(driver) => driver,
            Err(error) => {
                complete(engine.0.unstarted(&op, &args, &error));
                return Ok(());
            }
        };
        let engine = Arc::clone(&engine.0);
        let ended = self.ended.clone();
        let cancel = cancel.map(|cancel| cancel.0.clone()).unwrap_or_default();
        let call = async move {
            let call = engine.call(&op, &args, &opts, &cancel);
            if let Some(output) = ended.run_until_cancelled(call).await {
                complete(output);
            }
        };
        match &*self.io.borrow() {
            Some(Io::EventLoop { watch, watched }) => {
                if watch.spawn(call) {
                    watched.start();
                }
            }
            Some(Io::Thread { .. }) | None => driver.spawn_batched(call),
        }
        Ok(())
    }

    /// Begins the calls that were started, and does all I/O that is possible without waiting. Then does the same as
    /// [`take`](Self::take).
    #[napi(catch_unwind)]
    pub fn turn(&self, env: Env) -> Result<Vec<Settled>> {
        if let Some(Io::EventLoop { watch, watched }) = &*self.io.borrow()
            && !self.completed.turn(watch)
        {
            watched.pause();
        }
        self.take(env)
    }

    /// Returns the results of the calls that have ended since the results were last taken.
    #[napi(catch_unwind)]
    pub fn take(&self, env: Env) -> Result<Vec<Settled>> {
        let (settled, is_last) = self.completed.take(&self.keeping_alive);
        if is_last {
            self.keep_alive(env, false)?;
        }
        Ok(settled)
    }

    /// Removes all handles of the bridge from the event loop, so that tools that look for open handles report none of
    /// them. No call may be in progress, and no call may be made afterwards.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        let closed = (lock(&self.completed.wake).take(), self.io.take());
        drop(closed);
    }

    /// Counts a call that begins.
    fn begin(&self, env: Env, keeps_alive: bool) -> Result<()> {
        let before = self.keeping_alive.get();
        self.keeping_alive.set(before + usize::from(keeps_alive));
        if before == 0 && keeps_alive { self.keep_alive(env, true) } else { Ok(()) }
    }

    fn keep_alive(&self, env: Env, keeps: bool) -> Result<()> {
        match &mut *self.io.borrow_mut() {
            Some(Io::EventLoop { watched, .. }) => watched.keep_alive(keeps),
            #[expect(
                deprecated,
                reason = "napi has no other way to keep an event loop alive for a limited time"
            )]
            Some(Io::Thread { alive }) => return if keeps { alive.refer(&env) } else { alive.unref(&env) },
            None => {}
        }
        Ok(())
    }
}

/// Lets the event loop of this thread do the I/O. Returns `None` if it cannot.
fn watched(
    env: Env,
    on_completed: &Function<'_, (), ()>,
    completed: &Arc<CompletedCalls>,
    keeping_alive: &Rc<Cell<usize>>,
) -> Result<Option<(Rc<wire::Watch>, Watched)>> {
    // If the driver cannot be started now, each call tries again, and reports the error.
    let Some(watch) = wire::driver().ok().and_then(wire::Driver::watch) else { return Ok(None) };
    let watch = Rc::new(watch);
    let descriptor = watch.descriptor();
    let on_completed = on_completed.create_ref()?;
    let (completed, keeping_alive) = (Arc::clone(completed), Rc::clone(keeping_alive));
    let watch_of_loop = Rc::clone(&watch);
    let watched = Watched::new(env, descriptor, move |poll| {
        if !completed.turn(&watch_of_loop) {
            poll.pause();
        }
        let (settled, is_last) = completed.take(&keeping_alive);
        if is_last {
            poll.keep_alive(false);
        }
        if !settled.is_empty() {
            call_back(env, &on_completed, settled);
        }
    });
    Ok(watched.map(|watched| (watch, watched)))
}

fn settled(CompletedCall { id, output, .. }: CompletedCall) -> Settled {
    let texts = (!output.texts.is_empty()).then(|| output.texts.into());
    // Only a raw answer can have a body of invalid UTF-8: the core passes that body on as the server sent it.
    (id, output.ok, Text(output.head.into_bytes()), Text(output.body), texts)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
