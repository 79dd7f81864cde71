//! A thread that carries the questions of a gate to the server of a shared limit. The thread sleeps while there is
//! nothing to ask.

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
use super::script::Caller;
use super::way::Way;
use crate::limit::pool::{Answer, Question};
use crate::limit::{Courier, Errand, Errands, Quota};

/// The thread sleeps at most this long before it looks for work again, because a timer needs a finite time.
const LONGEST_SLEEP: Duration = Duration::from_hours(24);
/// [`within`] divides its time limit into this many shorter timeouts.
const SLICES: u32 = 8;

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

struct Work {
    errands: Errands,
    link: Link,
    caller: Caller,
    way: Way,
    quota: Quota,
    woken: Arc<Notify>,
}

impl Thread {
    pub(super) fn new(errands: Errands, link: Link, name: String, quota: Quota) -> Self {
        let woken = Arc::new(Notify::new());
        let member = format!("{:016x}", random());
        let caller = Caller { server: String::new(), unlost: 0, changes: 0, member, call: 0 };
        let work = Work { errands, link, caller, way: Way::new(name), quota, woken: Arc::clone(&woken) };
        Self { woken, to_start: Arc::new(Mutex::new(Some(work))) }
    }
}

/// Returns a random number, which becomes the name of this process at the server. The operating system generates the
/// number, because a forked child repeats the numbers of its parent's generator.
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
        // The thread takes the work itself. If the thread cannot be started, the work stays in `to_start`.
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
        // Wakes the thread, which then finds that the gate is gone, and ends.
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
                    // Closes a connection that was idle for too long, because a server accepts a limited number of
                    // connections.
                    let until = self.link.usable_for().unwrap_or(LONGEST_SLEEP);
                    let slept = timeout(time.min(until), self.woken.notified()).await.is_err();
                    if slept && self.link.usable_for().is_some_and(|rest| rest.is_zero()) {
                        self.link.close();
                    }
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

    /// Gives up a question that took too long, and returns the reason.
    fn late(&mut self) -> String {
        self.link.forget();
        format!("it did not answer within {} ms", WITHIN.as_millis())
    }

    /// Asks the server. If the limit was moved, asks again at the new place.
    async fn ask(&mut self, question: &Question) -> Result<Answer, String> {
        loop {
            self.go().await?;
            let (caller, way) = (&mut self.caller, &mut self.way);
            let words = |server: &Server| caller_at(caller, server).asks(question);
            let reply = self.link.run(way.name(), words).await?;
            let before = way.name().to_owned();
            match way.heard(reply) {
                Ok(None) => {}
                Ok(Some(answer)) if answer.answers(question) => return Ok(answer),
                Ok(Some(_)) => return Err(self.strange("its answer cannot be read")),
                Err(why) => return Err(self.strange(why)),
            }
            self.left(&before);
        }
    }

    /// Moves the limit to the place with this name. The place may already have the limit of another key of the same
    /// workspace.
    ///
    /// # Errors
    /// The server did not run the script, or its answer cannot be read. The error is the reason, worded as the end of a
    /// sentence.
    async fn move_to(&mut self, name: &str) -> Result<(), String> {
        self.way.move_to(name);
        if self.way.next().is_some() {
            // The answer to `INFO`, which shows whether the server may have lost the state of the new place, is read
            // only on a new connection.
            self.link.close();
        }
        self.go().await
    }

    /// Does all remaining steps of a move. The server can be asked only after these steps.
    async fn go(&mut self) -> Result<(), String> {
        while let Some(step) = self.way.next() {
            let (caller, way, quota) = (&mut self.caller, &self.way, &self.quota);
            let words = |server: &Server| way.words(caller_at(caller, server), quota).unwrap_or_default();
            let run = self.link.run(step.at(), words).await;
            let before = self.way.name().to_owned();
            match run.map(|reply| self.way.heard(reply)) {
                Ok(Ok(_)) => self.left(&before),
                Ok(Err(why)) if !self.way.failed() => return Err(self.strange(why)),
                Err(why) if !self.way.failed() => return Err(why),
                Ok(Err(_)) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// If the limit has moved away from the place `name`, resets `changes`, the number of changes of the limit at that
    /// place.
    fn left(&mut self, name: &str) {
        if self.way.name() != name {
            self.caller.changes = 0;
        }
    }

    /// Closes the connection after an answer that cannot be read, and returns the reason.
    fn strange(&mut self, why: &str) -> String {
        self.link.forget();
        why.to_owned()
    }
}

/// Waits at most `WITHIN` for an answer, in several short timeouts. If this process is stopped meanwhile, for example
/// by SIGSTOP, only one of the timeouts passes during the stop. So an answer that arrives during the stop is still
/// read.
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
