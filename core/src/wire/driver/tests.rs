//! Tests the driver with threads, tasks and a small event loop.

mod several;

use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread::ThreadId;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal, raise};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::spawn_blocking;

use super::*;
use crate::timers::sleep;

/// An event loop that runs in the thread that calls its methods.
struct EventLoop {
    watch: Watch,
    /// Whether the event loop watches the descriptor.
    watches: bool,
    turns: usize,
}

impl EventLoop {
    fn of(driver: &'static Driver) -> Self {
        let watch = driver.watch().expect("the descriptor of the runtime was not found");
        Self { watch, watches: false, turns: 0 }
    }

    fn spawn(&mut self, call: impl Future<Output = ()> + Send + 'static) {
        self.watches |= self.watch.spawn(call);
    }

    /// Makes a call, and runs until its end. Returns the threads that polled the call.
    fn call(&mut self, call: impl Future<Output = ()> + Send + 'static) -> Vec<ThreadId> {
        let (seen, done) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (call_seen, call_done) = (Arc::clone(&seen), Arc::clone(&done));
        self.spawn(async move {
            on_threads(call_seen, call).await;
            call_done.store(true, Ordering::SeqCst);
        });
        self.run_until(|| done.load(Ordering::SeqCst));
        std::mem::take(&mut *seen.lock().unwrap())
    }

    /// Watches the descriptor until `done` returns true.
    fn run_until(&mut self, done: impl Fn() -> bool) {
        let begun = Instant::now();
        self.turn();
        while !done() {
            assert!(begun.elapsed() < Duration::from_mins(1), "the calls do not end");
            if self.watches {
                self.wait(PollTimeout::from(60_000_u16));
                self.turn();
                self.turns += 1;
            } else {
                thread::sleep(Duration::from_millis(1));
            }
        }
    }

    fn turn(&mut self) {
        self.watches &= self.watch.turn();
    }

    fn wait(&self, longest: PollTimeout) {
        // SAFETY: the watch keeps the descriptor open.
        #[allow(unsafe_code, reason = "Rust does not know who owns the descriptor")]
        let descriptor = unsafe { BorrowedFd::borrow_raw(self.watch.descriptor()) };
        poll(&mut [PollFd::new(descriptor, PollFlags::POLLIN)], longest).unwrap();
    }
}

/// Notes the threads that poll a call.
async fn on_threads<F: Future>(seen: Arc<Mutex<Vec<ThreadId>>>, call: F) -> F::Output {
    let mut call = std::pin::pin!(call);
    std::future::poll_fn(|context| {
        seen.lock().unwrap().push(thread::current().id());
        call.as_mut().poll(context)
    })
    .await
}

/// Sends `size` bytes to a server that runs in another thread and sends the bytes back.
async fn echoed(size: usize) -> usize {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let listener = listener.into_std().unwrap();
    listener.set_nonblocking(false).unwrap();
    let server = thread::spawn(move || {
        let (mut from, _) = listener.accept().unwrap();
        let mut to = from.try_clone().unwrap();
        io::copy(&mut from, &mut to).unwrap();
        drop(to.shutdown(std::net::Shutdown::Write));
    });
    let (mut read, mut write) = TcpStream::connect(address).await.unwrap().into_split();
    let sent = tokio::spawn(noticed(async move {
        write.write_all(&vec![7; size]).await.unwrap();
        write.shutdown().await.unwrap();
    }));
    let mut answer = Vec::new();
    read.read_to_end(&mut answer).await.unwrap();
    sent.await.unwrap();
    server.join().unwrap();
    answer.len()
}

#[test]
fn an_event_loop_does_the_io_of_its_calls_in_its_own_thread() {
    let driver = Driver::start().unwrap();
    // On a busy machine, this thread may pause for so long that the driver's thread would take over.
    driver.lock().busy = Duration::from_hours(1);
    let mut event_loop = EventLoop::of(driver);
    for _ in 0..20 {
        let seen = event_loop.call(async { assert_eq!(echoed(1000).await, 1000) });
        assert!(seen.iter().all(|id| *id == thread::current().id()), "another thread did the I/O");
    }
}

#[test]
fn many_calls_of_an_event_loop_end() {
    let driver = Driver::start().unwrap();
    let mut event_loop = EventLoop::of(driver);
    let ended = Arc::new(AtomicUsize::new(0));
    for nth in 0..100 {
        let ended = Arc::clone(&ended);
        event_loop.spawn(async move {
            assert_eq!(echoed(nth * 1000).await, nth * 1000);
            ended.fetch_add(1, Ordering::SeqCst);
        });
    }
    event_loop.run_until(|| ended.load(Ordering::SeqCst) == 100);
}

#[test]
fn a_timer_makes_the_descriptor_readable() {
    let driver = Driver::start().unwrap();
    let mut event_loop = EventLoop::of(driver);
    let ended = Arc::new(AtomicUsize::new(0));
    // Later timers are noted first, and one of them is cancelled.
    for wait in [3_600_000, 90, 60, 30] {
        let ended = Arc::clone(&ended);
        event_loop.spawn(async move {
            sleep(Duration::from_millis(wait)).await;
            ended.fetch_add(1, Ordering::SeqCst);
        });
    }
    event_loop.run_until(|| ended.load(Ordering::SeqCst) == 3);
    assert!(event_loop.turns < 20, "the event loop did not sleep between the timers: {}", event_loop.turns);
}

#[test]
fn a_task_that_another_thread_wakes_makes_the_descriptor_readable() {
    let driver = Driver::start().unwrap();
    let mut event_loop = EventLoop::of(driver);
    for pause in [0, 0, 0, 1, 20] {
        let done = Arc::new(AtomicBool::new(false));
        let call = Arc::clone(&done);
        event_loop.spawn(async move {
            let blocking = spawn_blocking(move || thread::sleep(Duration::from_millis(pause)));
            // The thread of `blocking` wakes this task, and this task wakes the call.
            tokio::spawn(noticed(blocking)).await.unwrap().unwrap();
            call.store(true, Ordering::SeqCst);
        });
        event_loop.run_until(|| done.load(Ordering::SeqCst));
    }
}

#[test]
fn a_large_answer_does_not_hold_up_the_event_loop() {
    let driver = Driver::start().unwrap();
    let mut event_loop = EventLoop::of(driver);
    let done = Arc::new(AtomicBool::new(false));
    let call = Arc::clone(&done);
    event_loop.spawn(async move {
        // This call never has to wait for I/O, as if an answer arrived faster than it is read.
        for _ in 0..10_000 {
            let (mut one, mut other) = tokio::net::UnixStream::pair().unwrap();
            one.write_all(b"x").await.unwrap();
            other.read_exact(&mut [0]).await.unwrap();
        }
        call.store(true, Ordering::SeqCst);
    });
    event_loop.run_until(|| done.load(Ordering::SeqCst));
    assert!(event_loop.turns > 100, "one turn did the I/O of the whole answer: {}", event_loop.turns);
}

/// Programs block their event loop by mistake, and a notebook stops its loop between two cells.
#[test]
fn calls_end_while_the_event_loop_is_blocked() {
    let driver = Driver::start().unwrap();
    let mut event_loop = EventLoop::of(driver);
    let own = thread::current().id();
    let busy = driver.lock().busy;
    for _ in 0..2 {
        driver.lock().busy = busy;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (done, receive) = mpsc::channel();
        let call = Arc::clone(&seen);
        event_loop.spawn(async move {
            on_threads(call, async {
                // The event loop is blocked before the call can end.
                sleep(Duration::from_millis(100)).await;
                echoed(10).await
            })
            .await;
            done.send(()).unwrap();
        });
        event_loop.turn();
        receive.recv_timeout(Duration::from_mins(1)).unwrap();
        assert!(seen.lock().unwrap().iter().any(|id| *id != own));

        // The event loop goes on, and does the I/O itself again.
        driver.lock().busy = Duration::from_secs(5);
        event_loop.call(async { sleep(Duration::from_millis(20)).await });
        let seen = event_loop.call(async { assert_eq!(echoed(10).await, 10) });
        assert!(seen.iter().all(|id| *id == own));
    }
}

#[test]
fn calls_end_after_their_event_loop_is_gone() {
    let driver = Driver::start().unwrap();
    let mut event_loop = EventLoop::of(driver);
    let (done, receive) = mpsc::channel();
    event_loop.spawn(async move {
        sleep(Duration::from_millis(100)).await;
        done.send(()).unwrap();
    });
    event_loop.turn();
    drop(event_loop);
    receive.recv_timeout(Duration::from_mins(1)).unwrap();
}

#[test]
fn event_loops_and_threads_share_a_driver() {
    let driver = Driver::start().unwrap();
    let threads = (0..6).map(|nth| {
        thread::spawn(move || {
            for round in 0..40 {
                match nth % 3 {
                    0 => assert_eq!(driver.run(echoed(round)), round),
                    1 => {
                        let mut event_loop = EventLoop::of(driver);
                        let done = Arc::new(AtomicBool::new(false));
                        let call = Arc::clone(&done);
                        event_loop.spawn(async move {
                            echoed(round).await;
                            call.store(true, Ordering::SeqCst);
                        });
                        event_loop.run_until(|| done.load(Ordering::SeqCst));
                    }
                    _ => {
                        let (done, receive) = mpsc::channel();
                        driver.spawn_batched(async move { done.send(echoed(round).await).unwrap() });
                        assert_eq!(receive.recv_timeout(Duration::from_mins(1)), Ok(round));
                    }
                }
            }
        })
    });
    for thread in threads.collect::<Vec<_>>() {
        thread.join().unwrap();
    }
    let waiting = driver.lock();
    assert_eq!((waiting.threads, waiting.calls, waiting.watching.len()), (0, 0, 0));
}

/// Incident: a turn began at the same moment as a blocking call, entered the runtime after the call, and never ended.
#[test]
fn a_turn_ends_although_a_thread_enters_the_runtime_first() {
    let driver = Driver::start().unwrap();
    let ended = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&ended);
    let turns = thread::spawn(move || {
        let mut event_loop = EventLoop::of(driver);
        for _ in 0..100_000 {
            event_loop.spawn(async {});
            event_loop.turn();
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    let (mut begun, mut before, mut nth) = (Instant::now(), 0, 0);
    while !turns.is_finished() {
        let now = ended.load(Ordering::SeqCst);
        if now > before {
            (begun, before) = (Instant::now(), now);
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "a turn does not end");
        driver.run(tokio::task::yield_now());
        // Tries pauses of many lengths, so that some calls and turns begin at the same moment.
        nth = (nth + 1) % 1000;
        (0..nth).for_each(|_| std::hint::spin_loop());
    }
    turns.join().unwrap();
}

/// Opens a connection and returns the server's end. Sets `closed` once the client knows that this end was closed.
async fn connected(closed: Arc<AtomicBool>) -> std::net::TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let server = listener.accept().await.unwrap().0.into_std().unwrap();
    tokio::spawn(noticed(async move {
        client.read_to_end(&mut Vec::new()).await.unwrap();
        closed.store(true, Ordering::SeqCst);
    }));
    server
}

/// Incident: a program made one call every 10 ms, and the server closed the connection in the pause. Nobody does the I/O
/// in so short a pause, so the next call was sent on the closed connection.
#[test]
fn a_blocking_call_begins_only_after_a_check_for_io() {
    let driver = Driver::start().unwrap();
    let closed = Arc::new(AtomicBool::new(false));
    for _ in 0..10 {
        closed.store(false, Ordering::SeqCst);
        drop(driver.run(connected(Arc::clone(&closed))));
        thread::sleep(Duration::from_millis(5));
        assert!(
            driver.run(async { closed.load(Ordering::SeqCst) }),
            "the end of the connection was not known"
        );
    }
}

/// Incident: an event loop was blocked for a moment, and the driver's thread was about to take over when the loop made
/// its next call. The call began before anybody had checked for I/O, and was sent on a closed connection.
#[test]
fn a_call_begins_only_after_a_check_for_io_even_if_the_thread_was_about_to_take_over() {
    let driver = Driver::start().unwrap();
    let mut event_loop = EventLoop::of(driver);
    let (server, closed) = (Arc::new(Mutex::new(None)), Arc::new(AtomicBool::new(false)));
    let (to_server, to_closed) = (Arc::clone(&server), Arc::clone(&closed));
    event_loop.call(async move { *to_server.lock().unwrap() = Some(connected(to_closed).await) });
    drop(server.lock().unwrap().take());
    thread::sleep(Duration::from_millis(5));
    let saw_end = Arc::new(AtomicBool::new(false));
    let saw = Arc::clone(&saw_end);
    event_loop.spawn(async move { saw.store(closed.load(Ordering::SeqCst), Ordering::SeqCst) });
    driver.take_fresh_soon();
    event_loop.call(async {});
    assert!(saw_end.load(Ordering::SeqCst), "the call began before the end of the connection was known");
}

#[test]
fn futures_that_are_spawned_in_batches_all_run() {
    let (done, results) = mpsc::channel();
    for nth in 0..1000 {
        let done = done.clone();
        driver().unwrap().spawn_batched(async move { done.send(nth).unwrap() });
    }
    let mut ran: Vec<i32> =
        (0..1000).map(|_| results.recv_timeout(Duration::from_secs(30)).unwrap()).collect();
    ran.sort_unstable();
    assert_eq!(ran, (0..1000).collect::<Vec<_>>());
}

/// Incident: a server closed a connection while a request was being written, and SIGPIPE ended the Swift process.
#[test]
fn a_broken_pipe_on_the_thread_of_all_calls_does_not_end_the_process() {
    let seen = Driver::start().unwrap().spawn(async {
        let blocked = SigSet::thread_get_mask().map(|mask| mask.contains(Signal::SIGPIPE));
        (blocked, raise(Signal::SIGPIPE))
    });
    let runtime = Builder::new_current_thread().build().unwrap();
    assert_eq!(runtime.block_on(seen).unwrap(), (Ok(true), Ok(())));
}
