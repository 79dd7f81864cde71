//! A thread that carries the questions of a gate to the server. It sleeps while there is nothing to ask.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::runtime;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::link::{Link, Server};
use super::script::{Caller, Reply};
use crate::limit::pool::Question;
use crate::limit::{Courier, Errand, Errands, Quota};

/// The longest sleep at a time, because a timer takes no endless one.
const LONGEST_SLEEP: Duration = Duration::from_hours(24);
/// How many moves of a limit are followed at most. A limit moves more than once if clients changed to other keys.
const LONGEST_CHAIN: usize = 8;

/// The thread of one gate. It starts with the first question, so a process that forks before its first question has no
/// thread.
pub(super) struct Thread {
    woken: Arc<Notify>,
    to_start: Mutex<Option<Work>>,
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
    woken: Arc<Notify>,
}

impl Thread {
    pub(super) fn new(errands: Errands, link: Link, name: String, quota: Quota) -> Self {
        let woken = Arc::new(Notify::new());
        let member = format!("{:016x}", random());
        let caller = Caller { server: String::new(), unlost: 0, changes: 0, member, call: 0 };
        let work = Work { errands, link, caller, name, quota, woken: Arc::clone(&woken) };
        Self { woken, to_start: Mutex::new(Some(work)) }
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
    fn wake(&self) {
        let work = self.to_start.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(work) = work else { return self.woken.notify_one() };
        let named = thread::Builder::new().name("hightouch-limit".to_owned());
        if let Err(error) = named.spawn(move || work.run()) {
            // The questions of the gate are never answered: the errands were dropped with the work.
            drop(error);
        }
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        // Wakes the thread, which then finds that the gate is gone.
        self.woken.notify_one();
    }
}

impl Work {
    fn run(mut self) {
        match runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime.block_on(self.carry()),
            Err(_) => self.give_up("this process cannot open what a connection needs"),
        }
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
                Errand::Ask(question) => match self.ask(&question).await {
                    Ok(Reply::Answer(answer)) => {
                        self.caller.changes = answer.changes;
                        self.errands.answered(&question, answer);
                    }
                    Ok(_) => self.errands.unanswered(question, "its answer cannot be read"),
                    Err(why) => self.errands.unanswered(question, &why),
                },
                Errand::Move(name) => {
                    if let Err(why) = self.move_to(&name).await {
                        self.errands.not_moved(name, &why);
                    }
                }
            }
        }
    }

    /// Asks, and follows the limit if it was moved.
    async fn ask(&mut self, question: &Question) -> Result<Reply, String> {
        for _ in 0..LONGEST_CHAIN {
            let caller = &mut self.caller;
            let words = |server: &Server| caller_at(caller, server).asks(question);
            match self.link.run(&self.name, words).await? {
                Reply::Moved(name) => self.is_at(name),
                reply => return Ok(reply),
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
        if name == self.name {
            return Ok(());
        }
        let (caller, quota) = (&mut self.caller, &self.quota);
        // A new connection tells whether the other place may have been lost.
        self.link.close();
        let words = |server: &Server| caller_at(caller, server).leaves(quota, name);
        match self.link.run(&self.name, words).await? {
            Reply::Left(state) => {
                name.clone_into(&mut self.name);
                caller.changes = 0;
                let words = |server: &Server| caller_at(caller, server).absorbs(quota, &state);
                self.link.run(name, words).await.map(|_| ())
            }
            Reply::Moved(elsewhere) => {
                self.is_at(elsewhere);
                Ok(())
            }
            Reply::Answer(_) | Reply::Absorbed => Err("its answer cannot be read".to_owned()),
        }
    }
}

fn caller_at<'a>(caller: &'a mut Caller, server: &Server) -> &'a mut Caller {
    server.start.clone_into(&mut caller.server);
    caller.unlost = u64::try_from(server.unlost.as_micros()).unwrap_or(0);
    caller
}
