//! The API key and the password of a proxy must not appear in the trace logs of any library, nor in what the core
//! returns to a package: failures, reports and tokens.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::sync::Once;

use hightouch_sdk::resources::ListSyncs;
use hightouch_sdk::wire::{Cancel, Engine};
use hightouch_sdk::{Client, Options, Settings};
use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::support::sandbox::{World, sandbox};
use crate::support::trace::{decoded, trace};

/// Texts that only a key of the sandbox contains. Every key contains the first two texts, and percent-encoding changes
/// neither of these two. The base64 form of a key contains one of the other three texts, depending on the number of
/// bytes before the key.
const MARKS: [&str; 5] = ["cnry7Kq3", "vX9w", "Y25yeTdLcTMv", "Nucnk3S3Ez", "jbnJ5N0txM"];
const PASSWORD: &str = "pw-7Kq3vX9w";

thread_local! {
    /// The log of this thread; `None` while no log is collected. The sandbox runs on other threads, so its log is left
    /// out.
    static LOGGED: RefCell<Option<String>> = const { RefCell::new(None) };
}

fn note(text: &str) {
    LOGGED.with_borrow_mut(|logged| {
        if let Some(logged) = logged {
            logged.push_str(text);
            logged.push('\n');
        }
    });
}

struct Everything;

impl log::Log for Everything {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &log::Record<'_>) {
        note(&format!("log {} {}", record.target(), record.args()));
    }
    fn flush(&self) {}
}

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = write!(self.0, " {field}={value:?}");
    }
}

impl Subscriber for Everything {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = Fields(format!("span {}", span.metadata().name()));
        span.record(&mut fields);
        note(&fields.0);
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut fields = Fields("record".to_owned());
        values.record(&mut fields);
        note(&fields.0);
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(format!("event {}", event.metadata().target()));
        event.record(&mut fields);
        note(&fields.0);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// Collects everything that is logged on this thread during `calls`.
fn logged(calls: impl Future<Output = ()>) -> String {
    static LOGGER: Once = Once::new();
    LOGGER.call_once(|| {
        log::set_logger(&Everything).expect("there is no other logger");
        log::set_max_level(log::LevelFilter::Trace);
    });
    LOGGED.set(Some(String::new()));
    // The runtime has only this thread, so the tasks that the client spawns also log on this thread.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tracing::subscriber::with_default(Everything, || runtime.block_on(calls));
    LOGGED.take().expect("it was set")
}

fn shows_no_secret(what: &str, text: &str) {
    trace("checked", text);
    for secret in MARKS.into_iter().chain([PASSWORD, "dXNlcjpwdy03S3"]) {
        if let Some(at) = text.find(secret) {
            let around: String =
                text.get(at.saturating_sub(300)..).unwrap_or(text).chars().take(600).collect();
            panic!("{what} shows a secret as {secret:?}: {around}");
        }
    }
}

async fn read_well_and_badly(settings: &Settings) {
    let client = Client::new(settings).unwrap();
    for _ in 0..4 {
        let given =
            client.syncs().list(&ListSyncs::default()).with(Options::new().max_retries(0)).all().await;
        note(&format!("{given:?}"));
    }
    note(&format!("{:?} {client:?}", client.diagnose().await));
    client.close();
}

fn echoing() -> World {
    let echo = |status: u16| {
        json!({
            "when": {"operation": "ListSync"},
            "answer": {"status": status, "body": {"message": "{{key}}", "details": "{{key}}"}, "headers": {"x-echo": "x"}},
        })
    };
    sandbox().world(&json!({"script": [echo(500), echo(422), {"when": {"operation": "ListSync"}, "answer": {"reset": "in-body"}}]}))
}

#[test]
fn logs_at_the_level_trace_show_no_key_over_http_2_with_tls() {
    let world = echoing();
    let text = logged(read_well_and_badly(&world.settings()));
    assert!(text.contains("event h2::"), "HTTP/2 is what logs most, and it logged nothing");
    shows_no_secret("log over http/2", &text);
}

#[test]
fn logs_at_the_level_trace_show_no_key_over_http_1() {
    let world = echoing();
    let base_url = world.info["httpBaseUrl"].as_str().unwrap();
    let text = logged(read_well_and_badly(&world.settings().base_url(base_url)));
    assert!(text.contains("event hyper_util::"), "the connection was not logged: {text}");
    shows_no_secret("log over http/1.1", &text);
}

/// Starts a proxy and returns its port. The proxy refuses the first request, in an answer that repeats the request.
/// Later requests get a connection to the server.
fn proxy(target: String) -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for (turn, stream) in listener.incoming().take(12).enumerate() {
            let (mut stream, mut head) = (stream.unwrap(), Vec::new());
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                if stream.read(&mut byte).unwrap_or(0) == 0 {
                    break;
                }
                head.push(byte[0]);
            }
            if turn == 0 {
                let asked = String::from_utf8_lossy(&head).replace("\r\n", " ");
                let _ = write!(stream, "HTTP/1.1 407 {asked}\r\nx-asked: {asked}\r\n\r\n");
                continue;
            }
            let Ok(onward) = std::net::TcpStream::connect(&target) else { continue };
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            for (mut from, mut to) in [
                (stream.try_clone().unwrap(), onward.try_clone().unwrap()),
                (onward.try_clone().unwrap(), stream.try_clone().unwrap()),
            ] {
                std::thread::spawn(move || std::io::copy(&mut from, &mut to));
            }
        }
    });
    port
}

#[test]
fn logs_at_the_level_trace_show_neither_key_nor_password_through_a_proxy() {
    let world = echoing();
    let port = proxy(world.info["authority"].as_str().unwrap().to_owned());
    let proxy = format!("http://user:{PASSWORD}@127.0.0.1:{port}");
    let text = logged(read_well_and_badly(&world.settings().proxy(proxy)));
    assert!(text.contains("Proxy") || text.contains("proxy"), "no error of the proxy's was met: {text}");
    assert!(text.contains("422"), "the proxy never carried anything: {text}");
    shows_no_secret("log through a proxy", &text);
}

fn engine(world: &World, with: &Value) -> Engine {
    let mut settings = json!({
        "apiKey": world.info["apiKey"], "baseUrl": world.info["baseUrl"], "caBundle": world.info["ca"],
        "timeScale": world.info["timeScale"], "environment": {},
    });
    settings.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
    Engine::new(&settings.to_string()).unwrap()
}

#[tokio::test]
async fn calls_with_the_key_in_the_wrong_place_fail_without_showing_it() {
    let world = sandbox().world(&json!({}));
    let engine = engine(&world, &json!({"selfTest": true}));
    let key = &world.info["apiKey"];
    let name = key.as_str().unwrap();
    for (op, args, opts) in [
        ("client.panic", json!({"apiKey": key}), json!({})),
        ("client.setKey", json!({"apiKey": [key]}), json!({})),
        ("client.setKey", json!({"apiKey": format!("{name} ")}), json!({})),
        ("client.setKey", json!({"key": key}), json!({})),
        ("client.setKey", json!({name: name}), json!({})),
        ("client.stats", json!(key), json!({})),
        (name, json!({}), json!({})),
        ("syncs.list", json!({"modelId": key}), json!({})),
        ("syncs.list", json!({"orderBy": key}), json!({})),
        ("syncs.list", json!({name: 1}), json!({})),
        ("syncs.list", json!({"next": key}), json!({})),
        ("syncs.get", json!({"sync": 1}), json!({"headers": {name: "x"}})),
        ("syncs.get", json!({"sync": key}), json!({})),
        ("syncs.list", json!({}), json!({"timeoutMs": key})),
        ("syncs.list", json!({}), json!({"priority": key})),
        ("syncs.list", json!({}), json!({"headers": {"x": format!("{name}\n")}})),
        ("runs.open", json!({"token": key}), json!({})),
        ("run", json!({"run": key, "onFailure": key}), json!({})),
        ("request", json!({"method": key, "path": "/syncs"}), json!({})),
        ("request", json!({"method": "GET", "path": format!("/{name}")}), json!({})),
        ("request", json!({"method": "GET", "path": "/syncs", "query": {name: {}}}), json!({})),
    ] {
        let outcome = engine.call(op, &args.to_string(), &opts.to_string(), &Cancel::new()).await;
        assert!(!outcome.ok, "{op} {args} {opts} went well");
        shows_no_secret(&format!("the failure of {args}").replace(name, "KEY"), &outcome.head);
    }
}

/// If a base URL does not end in the API's path, the hint of a 404 shows the URL. A key in this URL must be removed.
#[tokio::test]
async fn a_base_url_with_the_key_in_it_is_not_shown_by_hints_or_diagnoses() {
    let world = sandbox().world(&json!({}));
    let text = |name: &str| world.info[name].as_str().unwrap();
    let base = format!("{}/{}", text("baseUrl"), text("apiKey"));
    let engine = engine(&world, &json!({"baseUrl": base}));
    let failed = engine.call("syncs.get", r#"{"sync": 1}"#, "", &Cancel::new()).await;
    assert!(!failed.ok && failed.head.contains("does not end in /api/v1"), "{}", failed.head);
    shows_no_secret("the hint", &failed.head);
    let diagnosed = engine.call("client.diagnose", "{}", "", &Cancel::new()).await;
    shows_no_secret("the diagnosis", &String::from_utf8_lossy(&diagnosed.body));
}

#[tokio::test]
async fn settings_with_the_key_in_the_wrong_place_fail_without_showing_it() {
    let world = sandbox().world(&json!({}));
    let key = &world.info["apiKey"];
    let name = key.as_str().unwrap();
    for settings in [
        json!({"apiKey": [key]}),
        json!({"apiKey": {"value": key}}),
        json!({"apiKey": format!("{name}\nx")}),
        json!({"environment": {"HIGHTOUCH_API_KEY": format!("{name} x")}}),
        json!({"environment": {name: 1}, "apiKey": key}),
        json!({"apiKey": key, name: 1}),
        json!({"apiKey": key, "baseUrl": format!("https://u:{}@example.com", name.replace('/', "%2F"))}),
        json!({"apiKey": key, "timeoutMs": key}),
        json!({"apiKey": key, "limit": key}),
        json!({"apiKey": key, "proxy": format!("socks5://{name}@x")}),
        json!({"apiKey": key, "language": format!("{name}\n")}),
        json!({"apiKey": key, "apiKeyFile": format!("/{name}"), "keyLater": true}),
        json!({"environment": {}, "apiKeyFile": format!("/nowhere/{name}")}),
        json!({"apiKey": key, "apiKeyFile": "/nowhere", "caBundle": format!("/{name}")}),
        json!({"apiKey": key, "headers": {format!("{name} x\u{7}"): "y"}}),
        json!(key),
        json!([key]),
    ] {
        let failure = Engine::new(&settings.to_string()).unwrap_err();
        let what = settings.to_string().replace(name, "KEY");
        shows_no_secret(&what, &format!("{failure} {failure:?} {}", failure.to_json()));
    }
}

#[tokio::test]
async fn the_key_in_the_name_of_a_header_is_not_shown() {
    let world = sandbox().world(&json!({}));
    let key = world.info["apiKey"].as_str().unwrap();
    let engine = engine(&world, &json!({}));
    for name in [format!("{key}\u{7}"), format!("\"{key}\""), format!("Bearer {key}\n"), format!("\\{key}")] {
        let opts = json!({"headers": {name: "x"}}).to_string();
        let failed = engine.call("syncs.get", r#"{"sync": 1}"#, &opts, &Cancel::new()).await;
        assert!(!failed.ok && failed.head.contains("[key]"), "{}", failed.head);
        shows_no_secret("the failure", &failed.head);
    }
}

#[tokio::test]
async fn the_failure_beside_a_raw_answer_shows_no_key_although_the_body_repeats_it() {
    for text in
        [r#"{"message": "{{key}}", "details": {"{{key}}": "{{key:percent}}"}}"#, "<title>{{key}}</title>"]
    {
        let echo = json!({"when": {}, "answer": {"status": 200, "text": text}});
        let world = sandbox().world(&json!({"script": [echo]}));
        let args = json!({"sourceId": 1, "name": "x"}).to_string();
        let outcome = engine(&world, &json!({}))
            .call("sources.update", &args, r#"{"raw": true}"#, &Cancel::new())
            .await;
        let key = world.info["apiKey"].as_str().unwrap();
        assert!(String::from_utf8_lossy(&outcome.body).contains(key), "the sandbox repeats the key");
        assert!(outcome.head.contains(r#""failure":{"#), "{}", outcome.head);
        shows_no_secret("the failure", &outcome.head);
    }
}

/// The head of a result (its JSON without the value) contains the headers of a raw answer, and the token for the rest
/// of a list. The value of a trigger contains the token of its run.
#[tokio::test]
async fn heads_and_tokens_show_no_key_although_the_server_repeats_it() {
    let echo = json!({"when": {}, "answer": {"headers": {
        "x-echo": "{{key}}", "x-percent": "{{key:percent}}", "set-cookie": "a={{key:base64}}",
    }}, "times": 9});
    let world = sandbox().world(&json!({"syncs": 150, "script": [echo]}));
    let engine = engine(&world, &json!({}));
    for (op, args) in [
        ("syncs.list", json!({})),
        ("syncs.trigger", json!({"sync": 1})),
        ("request", json!({"method": "GET", "path": "/syncs"})),
    ] {
        for raw in [true, false] {
            let opts = json!({"raw": raw}).to_string();
            let outcome = engine.call(op, &args.to_string(), &opts, &Cancel::new()).await;
            assert!(outcome.ok, "{op}: {}", outcome.head);
            assert_eq!(outcome.head.contains("[key]"), raw, "{op}: {}", outcome.head);
            let head: Value = serde_json::from_str(&outcome.head).unwrap();
            shows_no_secret("a head", &outcome.head);
            shows_no_secret("the rest of a list", &decoded(head["next"].as_str().unwrap_or_default()));
            let body: Value = serde_json::from_slice(&outcome.body).unwrap();
            let run = if raw { &head["answer"]["value"] } else { &body };
            shows_no_secret("a run", &decoded(run["token"].as_str().unwrap_or_default()));
        }
    }
}
