//! Workers: processes that a test starts. Each worker makes calls without a pause, and prints the state of its limit.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hightouch_sdk::wire::{Cancel, Engine};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::sandbox::World;

/// The environment variable with the settings of a worker, as JSON.
const TOLD: &str = "HIGHTOUCH_FLEET_WORKER";
/// How many times faster than real time the time of the world passes.
pub const SCALE: f64 = 5.0;
/// The reason why a process keeps a limit of its own if the server answers too late.
pub const LATE: &str = "it did not answer within 800 ms";
/// A test fails after waiting this long for a worker.
const PATIENCE: Duration = Duration::from_mins(2);
/// The environment variable with the number of calls that a worker makes at the same time.
const AT_ONCE: &str = "HIGHTOUCH_FLEET_TASKS";
/// The default number of calls that a worker makes at the same time.
const TASKS: usize = 12;

/// A running worker. Dropping this value kills the worker.
pub struct Worker {
    child: Child,
    said: Arc<Mutex<Vec<Value>>>,
    reader: Option<JoinHandle<()>>,
}

/// What a worker printed.
#[derive(Debug, Default)]
pub struct Seen {
    /// How many calls of the worker succeeded.
    pub done: u64,
    /// The values of `scope` in the worker's statistics, in order. Equal values in a row count once.
    pub scopes: Vec<String>,
    /// The reasons why the worker kept a limit of its own.
    pub reasons: Vec<String>,
    /// The names of the worker's notices about the limit: `alone` once the limit is no longer shared, and `shared`
    /// once it is shared again.
    pub notices: Vec<String>,
    /// The codes of the findings in a diagnosis that ran while the worker kept a limit alone.
    pub findings: Vec<String>,
    pub members: u64,
    /// All lines that the worker printed, for messages of failed tests.
    pub text: String,
}

impl Seen {
    /// Whether the worker kept a limit of its own only because the server answered too late, as on a busy machine.
    pub fn was_late(&self) -> bool {
        !self.reasons.is_empty() && self.reasons.iter().all(|reason| reason.contains(LATE))
    }
}

/// Returns the settings of a client as JSON, in the form that [`Engine::new`] reads.
pub fn settings(world: &World, redis: &str, more: &Value) -> Value {
    let mut settings = json!({
        "apiKey": world.info["apiKey"], "baseUrl": world.info["baseUrl"], "caBundle": world.info["ca"],
        "timeScale": world.info["timeScale"], "language": "node/20", "environment": {}, "limitScope": redis,
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        settings[name] = value.clone();
    }
    settings
}

impl Worker {
    pub fn start(settings: &Value) -> Self {
        Self::with_tasks(settings, TASKS)
    }

    /// Starts a worker that makes `tasks` calls at the same time.
    pub fn with_tasks(settings: &Value, tasks: usize) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "fleet::worker::worker", "--ignored", "--nocapture"])
            .env(TOLD, settings.to_string())
            .env(AT_ONCE, tasks.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (said, out) = (Arc::new(Mutex::new(Vec::new())), child.stdout.take().unwrap());
        let heard = Arc::clone(&said);
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if let Some(line) = line.split_once('@').map(|(_, line)| line) {
                    heard.lock().unwrap().push(serde_json::from_str(line).unwrap());
                }
            }
        });
        Self { child, said, reader: Some(reader) }
    }

    pub fn signal(&self, name: &str) {
        let done = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(done.unwrap().success());
    }

    /// Returns how many calls of the worker have succeeded while its limit had this scope (`fleet` if the limit was
    /// shared, `process` if not), according to the worker's output.
    pub fn calls(&self, scope: &str) -> u64 {
        let said = self.said.lock().unwrap();
        let states: Vec<_> = said.iter().filter(|said| said["is"] == "state").collect();
        let done = |state: &Value| state["done"].as_u64().unwrap();
        let steps = states.windows(2).filter(|step| step[1]["scope"] == scope);
        steps.map(|step| done(step[1]) - done(step[0])).sum()
    }

    fn wait(&self, what: &str, is_met: impl Fn() -> bool) {
        let patience = Instant::now() + PATIENCE;
        while !is_met() {
            assert!(Instant::now() < patience, "{what}: {:?}", self.said.lock().unwrap());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until this many calls of the worker have succeeded while its limit had this scope (see [`Self::calls`]).
    pub fn until(&self, scope: &str, calls: u64) {
        self.wait(&format!("not {calls} as {scope}"), || self.calls(scope) >= calls);
    }

    /// Waits until the worker has printed that it keeps a limit of its own for a reason in `why`.
    pub fn until_alone(&self, why: &[&str]) {
        let is_told = |said: &Value| {
            said["fallback"].as_str().is_some_and(|reason| why.iter().any(|why| reason.contains(why)))
        };
        self.wait(&format!("not alone because of {why:?}"), || self.said.lock().unwrap().iter().any(is_told));
    }

    /// Waits until the worker shares the limit, and its last notice, if any, says so.
    pub fn until_shared(&self) {
        self.wait("not shared", || {
            let said = self.said.lock().unwrap();
            let last = |is: &str| said.iter().rfind(|said| said["is"] == is);
            last("state").is_some_and(|state| state["scope"] == "fleet")
                && last("notice").is_none_or(|notice| notice["event"] == "shared")
        });
    }

    /// Waits until the worker has printed a finding of its diagnosis.
    pub fn until_diagnosed(&self) {
        self.wait("no diagnosis", || self.said.lock().unwrap().iter().any(|said| said["is"] == "finding"));
    }

    /// Asks the worker to end, and waits for its end.
    pub fn end(mut self) -> Seen {
        drop(self.child.stdin.take());
        let patience = Instant::now() + PATIENCE;
        loop {
            match self.child.try_wait().unwrap() {
                Some(status) => {
                    assert!(status.success(), "{:?}", self.said.lock().unwrap());
                    break;
                }
                None => assert!(Instant::now() < patience, "a worker does not end"),
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.reader.take().unwrap().join().unwrap();
        let mut seen = Seen::default();
        for said in self.said.lock().unwrap().iter() {
            let text = |name: &str| said[name].as_str().map(str::to_owned);
            seen.scopes.extend(text("scope").filter(|scope| seen.scopes.last() != Some(scope)));
            seen.reasons.extend(text("fallback").filter(|why| seen.reasons.last() != Some(why)));
            seen.notices.extend(text("event"));
            seen.findings.extend(text("finding"));
            seen.done = said["done"].as_u64().unwrap_or(seen.done);
            seen.members = said["members"].as_u64().unwrap_or(seen.members);
            let _ = writeln!(seen.text, "{said}");
        }
        seen
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn say(said: &Value) {
    // Writes the line in one piece, because the test harness writes to the same stream.
    let _ = std::io::stdout().write_all(format!("\n@{said}\n").as_bytes());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "another test starts it as a process of its own"]
async fn worker() {
    let engine = Arc::new(Engine::new(&std::env::var(TOLD).unwrap()).unwrap());
    let (done, end) = (Arc::new(AtomicU64::new(0)), CancellationToken::new());
    let ended = end.clone();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        ended.cancel();
    });
    let tasks = std::env::var(AT_ONCE).map_or(TASKS, |tasks| tasks.parse().unwrap());
    for _ in 0..tasks {
        tokio::spawn(calls(Arc::clone(&engine), Arc::clone(&done)));
    }
    let (mut before, mut diagnosed) = (Value::Null, false);
    while !end.is_cancelled() {
        let stats = plain(&engine, "client.stats").await;
        let now = json!({"is": "state", "scope": stats["scope"], "fallback": stats["fallback"],
            "members": stats["members"], "done": done.load(Ordering::Relaxed)});
        if now != before {
            say(&now);
            before = now;
        }
        if stats["scope"] == "process" && !std::mem::replace(&mut diagnosed, true) {
            tokio::spawn(diagnose(Arc::clone(&engine)));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Prints the findings of a diagnosis. A diagnosis may take as long as a window of the limit, so the worker may share
/// the limit again before the diagnosis ends.
async fn diagnose(engine: Arc<Engine>) {
    let diagnosis = plain(&engine, "client.diagnose").await;
    for finding in diagnosis["findings"].as_array().unwrap() {
        say(&json!({"is": "finding", "finding": finding["code"], "text": finding["message"]}));
    }
}

async fn plain(engine: &Engine, op: &str) -> Value {
    let output = engine.call(op, "{}", "{}", &Cancel::new()).await;
    assert!(output.ok, "{}", output.head);
    serde_json::from_slice(&output.body).unwrap()
}

async fn calls(engine: Arc<Engine>, done: Arc<AtomicU64>) {
    // The test must be able to use the whole limit. Requests with the priority `bulk` would leave a tenth of it free.
    let options = json!({"priority": "read"}).to_string();
    loop {
        let tell = |notice: String| {
            let notice: Value = serde_json::from_str(&notice).unwrap();
            if notice["event"] == "alone" || notice["event"] == "shared" {
                say(&json!({"is": "notice", "event": notice["event"], "text": notice["text"]}));
            }
        };
        let output = engine.call_telling("syncs.list", "{\"limit\":1}", &options, &Cancel::new(), tell).await;
        assert!(output.ok, "{}", output.head);
        done.fetch_add(1, Ordering::Relaxed);
    }
}
