//! A thread that carries the questions of a gate to the server. It sleeps while there is nothing to ask.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::runtime;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::link::{Link, Server, WITHIN};
use super::script::{Caller, Reply};
use crate::limit::pool::{Answer, Question};
use crate::limit::{Courier, Errand, Errands, Quota};

/// The longest sleep at a time, because a timer takes no endless one.
const LONGEST_SLEEP: Duration = Duration::from_hours(24);
/// The time of a question is measured in so many parts.
const SLICES: u32 = 8;
/// How many moves of a limit are followed at most. A limit moves more than once if clients changed to other keys.
const LONGEST_CHAIN: usize = 8;

/// The thread of one gate. It starts with the first question, so a process that forks before its first question has no
/// thread.
pub(super) struct Thread {
    woken: Arc<Notify>,
    to_start: Arc<Mutex<Option<Work>>>,
}

impl fmt::Debug for Thread {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("Thread")
    }
}

/// What the thread does its work with.
struct Work {
    errands: Errands,
    link: Link,
    caller: Caller,
    name: String,
    quota: Quota,
    /// The state of a limit that was left, which its new place does not have yet.
    carried: Option<String>,
    woken: Arc<Notify>,
}

impl Thread {
    pub(super) fn new(errands: Errands, link: Link, name: String, quota: Quota) -> Self {
        let woken = Arc::new(Notify::new());
        let member = format!("{:016x}", random());
        let caller = Caller { server: String::new(), unlost: 0, changes: 0, member, call: 0 };
        let work = Work { errands, link, caller, name, quota, carried: None, woken: Arc::clone(&woken) };
        Self { woken, to_start: Arc::new(Mutex::new(Some(work))) }
    }
}

/// Returns a number for the name of this process. It comes from the system, because a forked child repeats the numbers
/// of its parent's generator.
fn random() -> u64 {
    let mut bytes = [0; 8];
    match aws_lc_rs::rand::fill(&mut bytes) {
        Ok(()) => u64::from_le_bytes(bytes),
        Err(_) => fastrand::u64(..),
    }
}

impl Courier for Thread {
    fn wake(&self) -> Result<(), String> {
        if lock(&self.to_start).is_none() {
            self.woken.notify_one();
            return Ok(());
        }
        // The thread takes its work itself, so that it is still here if there is no thread.
        let to_start = Arc::clone(&self.to_start);
        let work = move || {
            let work = lock(&to_start).take();
            if let Some(work) = work {
                work.run();
            }
        };
        let named = thread::Builder::new().name("hightouch-limit".to_owned());
        named
            .spawn(work)
            .map(drop)
            .map_err(|error| format!("this process cannot start a thread: {}", error.kind()))
    }
}

fn lock(to_start: &Mutex<Option<Work>>) -> MutexGuard<'_, Option<Work>> {
    to_start.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Thread {
    fn drop(&mut self) {
        // Wakes the thread, which then finds that the gate is gone.
        self.woken.notify_one();
    }
}

impl Work {
    fn run(mut self) {
        let why = match runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => match catch_unwind(AssertUnwindSafe(|| runtime.block_on(self.carry()))) {
                Ok(()) => return,
                Err(_) => "a defect of the SDK",
            },
            Err(_) => "this process cannot open what a connection needs",
        };
        self.give_up(why);
    }

    /// Answers every question of the gate with the failure `why`, so that the gate goes on without the server. Returns
    /// once the gate is gone.
    fn give_up(&self, why: &str) {
        loop {
            match self.errands.next() {
                Errand::End => return,
                Errand::Ask(question) => self.errands.unanswered(question, why),
                Errand::Move(_) => {}
                Errand::Wait(time) => thread::sleep(time.min(Duration::from_secs(1))),
            }
        }
    }

    async fn carry(&mut self) {
        loop {
            match self.errands.next() {
                Errand::End => return,
                Errand::Wait(time) => {
                    let _ = timeout(time.min(LONGEST_SLEEP), self.woken.notified()).await;
                }
                Errand::Ask(question) => {
                    match within(self.ask(&question)).await.unwrap_or_else(|| Err(self.late())) {
                        Ok(answer) => {
                            self.caller.changes = answer.changes;
                            self.errands.answered(&question, answer);
                        }
                        Err(why) => self.errands.unanswered(question, &why),
                    }
                }
                Errand::Move(name) => {
                    let moved = within(self.move_to(&name)).await;
                    if let Err(why) = moved.unwrap_or_else(|| Err(self.late())) {
                        self.errands.not_moved(name, &why);
                    }
                }
            }
        }
    }

    /// Gives up a question that takes too long.
    fn late(&mut self) -> String {
        self.link.forget();
        format!("it did not answer within {} ms", WITHIN.as_millis())
    }

    /// Asks, and follows the limit if it was moved.
    async fn ask(&mut self, question: &Question) -> Result<Answer, String> {
        self.bring().await?;
        for _ in 0..LONGEST_CHAIN {
            let caller = &mut self.caller;
            let words = |server: &Server| caller_at(caller, server).asks(question);
            match self.link.run(&self.name, words).await? {
                Reply::Moved(name) => self.is_at(name),
                Reply::Answer(answer) if answer.answers(question) => return Ok(answer),
                _ => {
                    self.link.forget();
                    return Err("its answer cannot be read".to_owned());
                }
            }
        }
        Err("the limit moves without end".to_owned())
    }

    fn is_at(&mut self, name: String) {
        self.name = name;
        self.caller.changes = 0;
    }

    /// Moves the limit to the place with this name. The limit of another key of the same workspace may be there.
    ///
    /// # Errors
    /// The server did not run the script, or its answer cannot be read. The error is the end of a sentence.
    async fn move_to(&mut self, name: &str) -> Result<(), String> {
        if name != self.name {
            let (caller, quota) = (&mut self.caller, &self.quota);
            // A new connection tells whether the other place may have been lost.
            self.link.close();
            let words = |server: &Server| caller_at(caller, server).leaves(quota, name);
            match self.link.run(&self.name, words).await? {
                Reply::Left(state) => {
                    self.is_at(name.to_owned());
                    self.carried = Some(state);
                }
                Reply::Moved(elsewhere) => self.is_at(elsewhere),
                Reply::Answer(_) | Reply::Absorbed => return Err("its answer cannot be read".to_owned()),
            }
        }
        self.bring().await
    }

    /// Brings the state of a limit that was left to its new place.
    async fn bring(&mut self) -> Result<(), String> {
        let Some(state) = &self.carried else { return Ok(()) };
        let mut name = self.name.clone();
        for _ in 0..LONGEST_CHAIN {
            let (caller, quota) = (&mut self.caller, &self.quota);
            let words = |server: &Server| caller_at(caller, server).absorbs(quota, state);
            match self.link.run(&name, words).await? {
                Reply::Moved(elsewhere) => {
                    name = elsewhere;
                    self.caller.changes = 0;
                }
                Reply::Absorbed => {
                    self.name = name;
                    self.carried = None;
                    return Ok(());
                }
                Reply::Answer(_) | Reply::Left(_) => return Err("its answer cannot be read".to_owned()),
            }
        }
        Err("the limit moves without end".to_owned())
    }
}

/// Bounds the time of a question. Time in which this process was stopped hardly counts, because the answer may be there.
async fn within<T>(asked: impl Future<Output = T>) -> Option<T> {
    let mut asked = pin!(asked);
    for _ in 0..SLICES {
        if let Ok(done) = timeout(WITHIN / SLICES, &mut asked).await {
            return Some(done);
        }
    }
    None
}

fn caller_at<'a>(caller: &'a mut Caller, server: &Server) -> &'a mut Caller {
    server.start.clone_into(&mut caller.server);
    caller.unlost = u64::try_from(server.unlost.as_micros()).unwrap_or(0);
    caller
}
