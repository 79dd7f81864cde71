//! The server that should keep the limit is hostile, or is no Redis server. A call still ends, because the process
//! keeps a limit alone. The client reads only a bounded number of bytes from such a server.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hightouch_sdk::resources::ListSyncs;
use hightouch_sdk::wire::with_time_scale;
use hightouch_sdk::{Client, LimitScope, LimitStats, Options, Priority, Scope};

use super::worker::LATE;
use super::world;

const RUN_ID: &str = "0123456789abcdef0123456789abcdef01234567";
/// The longest time that a call may take. A call that takes longer fails the test.
const ENDS: Duration = Duration::from_secs(20);

/// The reaction of a hostile server to a client that runs the Lua script of the limit. Returns whether the server keeps
/// the connection open.
type Manner = dyn Fn(&mut TcpStream, u64) -> bool + Send + Sync;

/// Starts a server on a free port and returns the URL of the server. The server runs until the test ends.
fn serve(at_once: bool, manner: Arc<Manner>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let manner = Arc::clone(&manner);
            std::thread::spawn(move || {
                let _ = talk(stream, at_once, &*manner);
            });
        }
    });
    format!("redis://:hunter2@{address}/0")
}

fn talk(mut stream: TcpStream, at_once: bool, manner: &Manner) -> Option<()> {
    let (mut heard, mut asked) = (String::new(), 0);
    if at_once {
        manner(&mut stream, 0);
        return None;
    }
    let mut bytes = vec![0; 65536];
    loop {
        let read = stream.read(&mut bytes).ok().filter(|read| *read > 0)?;
        heard += &String::from_utf8_lossy(&bytes[..read]);
        while let Some(end) = heard.find("\r\n") {
            let line: String = heard.drain(..end + 2).collect();
            let line = line.trim_end().to_ascii_uppercase();
            match line.as_str() {
                "AUTH" => stream.write_all(b"+OK\r\n").ok()?,
                "INFO" => {
                    let told = format!(
                        "run_id:{RUN_ID}\r\nuptime_in_seconds:9999\r\nmaxmemory:0\r\nrole:master\r\n\
                         second_repl_offset:-1\r\ncmdstat_info:calls=1"
                    );
                    stream.write_all(format!("${}\r\n{told}\r\n", told.len()).as_bytes()).ok()?;
                }
                "EVALSHA" | "EVAL" => {
                    asked += 1;
                    if !manner(&mut stream, asked) {
                        return None;
                    }
                }
                _ => {}
            }
        }
    }
}

fn array<'a>(words: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let words: Vec<_> = words.into_iter().collect();
    let mut text = format!("*{}\r\n", words.len());
    for word in words {
        let _ = write!(text, "${}\r\n{word}\r\n", word.len());
    }
    text.into_bytes()
}

fn says(reply: Vec<u8>) -> Arc<Manner> {
    Arc::new(move |stream, _| stream.write_all(&reply).is_ok())
}

/// Makes calls while the server at `url` is hostile. Each call must end, and the client must say why it does not share
/// the limit.
async fn alone(what: &str, url: &str, why: &str) {
    let world = world();
    let settings = world.settings().limit_scope(LimitScope::Fleet(url.into())).share(0.5);
    let settings = with_time_scale(settings, 50.0);
    let client = Client::new(&settings).unwrap();
    let list = || {
        let options = Options::new().priority(Priority::Read);
        let mut page =
            client.syncs().list(&ListSyncs { limit: Some(1), ..ListSyncs::default() }).with(options);
        async move { page.next_page().await }
    };
    for _ in 0..3 {
        let called = tokio::time::timeout(ENDS, list()).await;
        called.unwrap_or_else(|_| panic!("{what}: a call does not end: {:?}", client.stats())).unwrap();
    }
    // After a readable answer that grants nothing, the client reports the limit as shared until its next request to
    // this server. On a busy machine, the first answers may come too late, which the client reports instead. So the
    // test waits.
    let began = Instant::now();
    let mut stats = client.stats();
    let is_told = |stats: &LimitStats| stats.fallback.as_ref().is_some_and(|told| told.contains(why));
    while !(stats.scope == Scope::Process && is_told(&stats)) {
        assert!(began.elapsed() < ENDS, "{what}: {stats:?}");
        tokio::time::sleep(Duration::from_millis(1)).await;
        tokio::time::timeout(ENDS, list()).await.unwrap().unwrap();
        stats = client.stats();
    }
    let diagnosis = client.diagnose().await;
    let shown = format!("{stats:?} {diagnosis:?} {diagnosis} {client:?} {settings:?}");
    assert!(!shown.contains("hunter2"), "{what}: {shown}");
    world.delete();
}

const LOST: &str = "the connection was lost";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_do_not_speak() {
    alone("closes", &serve(true, Arc::new(|_, _| false)), LOST).await;
    let silent = Arc::new(|_: &mut TcpStream, _: u64| {
        std::thread::sleep(ENDS);
        false
    });
    alone("is silent at once", &serve(true, silent.clone()), LATE).await;
    alone("is silent when asked", &serve(false, silent), LATE).await;
    alone("closes when asked", &serve(false, Arc::new(|_, _| false)), LOST).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_speak_without_end() {
    let most = Arc::new(AtomicUsize::new(0));
    let drip = Arc::new(|stream: &mut TcpStream, _: u64| {
        while stream.write_all(b"+").is_ok() {
            std::thread::sleep(Duration::from_millis(1));
        }
        false
    });
    alone("drips at once", &serve(true, drip.clone()), LATE).await;
    alone("drips", &serve(false, drip), LATE).await;
    for (what, begins, chunk) in [
        ("one line", "+", "x".repeat(65536)),
        ("one bulk", "$99999999999\r\n", "x".repeat(65536)),
        ("many replies", "", "+x\r\n".repeat(16384)),
        ("one array", "*999999999\r\n", "+x\r\n".repeat(16384)),
        ("deep arrays", "", "*4000\r\n".repeat(9000)),
    ] {
        let most = Arc::clone(&most);
        let flood = Arc::new(move |stream: &mut TcpStream, _: u64| {
            let _ = stream.write_all(begins.as_bytes());
            let mut sent = 0;
            while stream.write_all(chunk.as_bytes()).is_ok() {
                sent += chunk.len();
            }
            most.fetch_max(sent, Ordering::Relaxed);
            false
        });
        alone(what, &serve(true, flood.clone()), "").await;
        alone(what, &serve(false, flood), "").await;
    }
    // The client reads a megabyte at most. The rest of the sent bytes is in buffers of the system.
    let most = most.load(Ordering::Relaxed);
    assert!((1..20_000_000).contains(&most), "the client has taken {most} bytes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_whose_answers_make_no_sense() {
    let zeros = |words: &str| array(std::iter::once("asked").chain(words.split(' ')));
    let many = format!("0 0 1 80 80 0 0 1 0 0 0 0{}", " 7".repeat(5000));
    let endless = format!("0 0 1 80 80 0 0 1 0 0 0 0{}", " 18446744073709551615");
    for (what, reply) in [
        ("garbage", b"\x00\xff\x16\x03\x01 HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
        ("http", b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
        ("text", b"+OK\r\n".to_vec()),
        ("number", b":-1\r\n".to_vec()),
        ("nothing", b"$-1\r\n".to_vec()),
        ("negative length", b"*-7\r\n".to_vec()),
        ("huge length", b"$9223372036854775807\r\n".to_vec()),
        ("length that is no number", b"*x\r\n".to_vec()),
        ("map", b"%1\r\n+a\r\n+b\r\n".to_vec()),
        ("nested", b"*1\r\n*1\r\n+asked\r\n".to_vec()),
        ("empty", array([])),
        ("unknown", array(["granted"])),
        ("too short", zeros("0 0 1")),
        ("negative", zeros("0 0 1 80 80 -1 0 1 0 0 0 0")),
        ("fraction", zeros("0 0 1 80 80 0.5 0 1 0 0 0 0")),
        ("years until the next", zeros("9000000000000000 0 1 80 80 0 0 1 0 0 0 0")),
        ("no time until the next", zeros("0 0 1 80 80 0 0 1 0 0 0 0")),
        ("closed for years", zeros("1000 9000000000000000 1 80 80 0 0 1 0 0 0 0")),
        ("sums that overflow", zeros("1000 0 1 80 80 18446744073709551615 18446744073709551615 1 0 0 0 0")),
        ("cuts that no number of a host holds", zeros("1000 0 1 80 80 0 0 1 0 0 18446744073709551615 0")),
        ("all processes of the world", zeros("1000 0 1 80 80 0 0 9000000000000000 0 0 0 0")),
        ("grants that nobody asked for", zeros(&many)),
        ("a grant with a strange number", zeros(&endless)),
        ("moved out of the key", array(["moved", "../../x{y}"])),
        ("moved to nothing", array(["moved"])),
        ("left", array(["left", "1 x"])),
    ] {
        alone(what, &serve(false, says(reply)), "").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_send_the_client_around() {
    let around = |text: &str| says(format!("-{text}\r\n").into_bytes());
    alone("MOVED to nowhere", &serve(false, around("MOVED 1 256.0.0.1:99999")), "").await;
    alone("MOVED without an address", &serve(false, around("MOVED 1 :")), "").await;
    alone("MOVED alone", &serve(false, around("MOVED")), "").await;
    let same = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    alone("MOVED to a closed port", &serve(false, around(&format!("MOVED 1 {same}"))), "").await;
    let endless = Arc::new(|stream: &mut TcpStream, _: u64| {
        let own = stream.local_addr().unwrap();
        stream.write_all(format!("-MOVED 7 {own}\r\n").as_bytes()).is_ok()
    });
    alone("MOVED without end", &serve(false, endless), "redirects without end").await;
    let name = |nth: u64| format!("{nth:032x}");
    let moving = Arc::new(move |stream: &mut TcpStream, nth: u64| {
        stream.write_all(&array(["moved", name(nth).as_str()])).is_ok()
    });
    alone("moved without end", &serve(false, moving), "moves without end").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_that_repeat_the_password_are_told_without_it() {
    for text in [
        "ERR invalid password hunter2",
        "WRONGPASS hunter2",
        "HUNTER2 is wrong",
        "hunter2",
        "NOPERM hunter2 has no permission",
        "MOVED 1 hunter2:1",
    ] {
        alone(text, &serve(false, says(format!("-{text}\r\n").into_bytes())), "").await;
        let at_once = format!("-{text}\r\n").repeat(20);
        alone(text, &serve(true, says(at_once.into_bytes())), "").await;
    }
}
