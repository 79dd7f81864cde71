//! Many large answers at once: their memory is bounded, and none of them waits for ever.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hightouch_sdk::wire::{Cancel, Engine};
use http::Response;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::connections::engine;
use crate::tls::identity;

const MB: usize = 1 << 20;

/// Requests an answer of this many megabytes. Returns the size of the answer in megabytes, or the failure.
async fn read(engine: &Engine, megabytes: usize, options: Value) -> Result<usize, Value> {
    let mut options = options.as_object().unwrap().clone();
    options.insert("raw".to_owned(), true.into());
    let args = json!({ "sync": megabytes }).to_string();
    let outcome = engine.call("syncs.get", &args, &Value::from(options).to_string(), &Cancel::new()).await;
    let head: Value = serde_json::from_str(&outcome.head).unwrap();
    if outcome.ok { Ok(outcome.body.len() / MB) } else { Err(head) }
}

/// Returns how many megabytes a request asks for: `GET /api/v1/syncs/50` asks for 50.
fn asked(head: &str) -> usize {
    let path = head.split_whitespace().find(|word| word.contains("/syncs/")).unwrap();
    path.rsplit('/').next().unwrap().parse().unwrap()
}

/// Serves connections. Each request gets an answer of the size that it asks for. If an answer has more than ten
/// megabytes, the server sends this size to the channel `sent`, and waits for `go` before it sends the last byte.
async fn answering(listener: TcpListener, go: watch::Receiver<bool>, sent: mpsc::UnboundedSender<usize>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(connection(stream, go.clone(), sent.clone()));
    }
}

async fn connection(
    mut stream: TcpStream,
    mut go: watch::Receiver<bool>,
    sent: mpsc::UnboundedSender<usize>,
) -> io::Result<()> {
    let mut head = vec![0; 16 << 10];
    let block = vec![b'a'; MB];
    loop {
        let length = stream.read(&mut head).await?;
        if length == 0 {
            return Ok(());
        }
        let megabytes = asked(&String::from_utf8_lossy(&head[..length]));
        let start = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", megabytes * MB);
        stream.write_all(start.as_bytes()).await?;
        for _ in 1..megabytes {
            stream.write_all(&block).await?;
        }
        stream.write_all(&block[1..]).await?;
        if megabytes > 10 {
            let _ = sent.send(megabytes);
            let _ = go.wait_for(|go| *go).await;
        }
        stream.write_all(&block[..1]).await?;
    }
}

/// Incident: the SDK bounded the memory of each answer, but not of all answers together. 32 answers of 50 MB took 1.7
/// GB.
#[cfg(target_os = "linux")]
#[test]
fn thirty_two_large_answers_at_once_take_the_memory_of_a_few() {
    use std::process::Command;

    /// This variable is set in the child process that measures. The child runs only this test, because other tests in
    /// the same process would take memory too.
    const CHILD: &str = "HIGHTOUCH_TEST_OF_MEMORY";
    const NAME: &str = "large::thirty_two_large_answers_at_once_take_the_memory_of_a_few";
    if std::env::var_os(CHILD).is_some() {
        tokio::runtime::Runtime::new().unwrap().block_on(thirty_two());
        println!("\npeak {}", crate::table::peak());
        return;
    }
    let child = Command::new(std::env::current_exe().unwrap())
        .args([NAME, "--exact", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success(), "{shown}{}", String::from_utf8_lossy(&child.stderr));
    let peak: usize = shown.lines().find_map(|line| line.strip_prefix("peak ")?.parse().ok()).unwrap();
    println!("32 answers of 50 MB took {} MB", peak / MB);
    assert!(peak < 320 * MB, "it took {} MB", peak / MB);
}

#[cfg(target_os = "linux")]
async fn thirty_two() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let engine = engine(&listener, "http", &json!({"timeoutMs": 600_000}));
    let (_go, went) = watch::channel(true);
    let serving = tokio::spawn(answering(listener, went, mpsc::unbounded_channel().0));
    let mut reads = JoinSet::new();
    for _ in 0..32 {
        let engine = Arc::clone(&engine);
        reads.spawn(async move { read(&engine, 50, json!({})).await });
    }
    while let Some(read) = reads.join_next().await {
        assert_eq!(read.unwrap(), Ok(50));
    }
    serving.abort();
}

/// A client without free memory for large answers. Two answers that lack their last byte hold the memory.
struct Full {
    engine: Arc<Engine>,
    holding: JoinSet<Result<usize, Value>>,
    go: watch::Sender<bool>,
}

impl Full {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let engine = engine(&listener, "http", &json!({"timeoutMs": 600_000}));
        let (go, went) = watch::channel(false);
        let (sent, mut arrived) = mpsc::unbounded_channel();
        let mut holding = JoinSet::new();
        tokio::spawn(answering(listener, went, sent));
        // The first body is larger than the memory that all bodies share, and the client accepts only one such body at
        // a time. The second body takes nearly all of the shared memory.
        for megabytes in [60, 30] {
            let reading = Arc::clone(&engine);
            holding.spawn(async move { read(&reading, megabytes, json!({})).await });
            assert_eq!(arrived.recv().await, Some(megabytes));
        }
        Self { engine, holding, go }
    }

    async fn end(mut self) {
        self.go.send(true).unwrap();
        while let Some(read) = self.holding.join_next().await {
            assert!(read.unwrap().is_ok());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_deadline_ends_the_wait_for_memory() {
    let full = Full::new().await;
    let late = read(&full.engine, 9, json!({"deadlineMs": 7000}));
    let late = timeout(Duration::from_mins(1), late).await.expect("it waits past its deadline").unwrap_err();
    let message = late["message"].as_str().unwrap();
    assert!(late["kind"] == "timeout" && message.contains("waited for memory"), "{message}");
    full.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_time_limit_of_an_attempt_does_not_include_the_wait_for_memory() {
    let full = Full::new().await;
    let options = json!({"timeoutMs": 8000, "maxRetries": 0});
    let waiting = tokio::spawn({
        let engine = Arc::clone(&full.engine);
        async move { read(&engine, 9, options).await }
    });
    tokio::time::sleep(Duration::from_secs(9)).await;
    assert!(!waiting.is_finished(), "there is no room for it");
    full.end().await;
    assert_eq!(waiting.await.unwrap(), Ok(9));
}

/// Guards against a deadlock. Answers that wait for memory could fill the flow-control window of the connection. Then
/// the answer that holds the memory could not arrive.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_answers_on_one_connection_do_not_wait_for_each_other_for_ever() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = json!({"timeoutMs": 600_000, "maxRetries": 0});
    let engine = engine(&listener, "https", &settings);
    let acceptor = identity().acceptor("h2");
    let serving = tokio::spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(multiplexing(acceptor.clone(), stream));
        }
    });
    assert_eq!(read(&engine, 1, json!({})).await, Ok(1), "the connection is there");
    let mut reads = JoinSet::new();
    for _ in 0..24 {
        let engine = Arc::clone(&engine);
        reads.spawn(async move { read(&engine, 6, json!({"deadlineMs": 120_000})).await });
    }
    while let Some(read) = reads.join_next().await {
        assert_eq!(read.unwrap(), Ok(6));
    }
    serving.abort();
}

async fn multiplexing(acceptor: TlsAcceptor, stream: TcpStream) -> Option<()> {
    let mut connection = h2::server::handshake(acceptor.accept(stream).await.ok()?).await.ok()?;
    while let Some(request) = connection.accept().await {
        let (request, mut respond) = request.ok()?;
        let megabytes = asked(request.uri().path());
        let mut body = respond.send_response(Response::new(()), false).ok()?;
        body.send_data(Bytes::from(vec![b'a'; megabytes * MB]), true).ok()?;
    }
    None
}
