//! Tests of the diagnosis, as data and as text. The tests of findings about TLS are in `tests/tls`.

use std::time::Duration;

use hightouch_sdk::wire::{Cancel, Engine};
use hightouch_sdk::{Client, Diagnosis, Settings};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::support::sandbox::{World, sandbox};

fn codes(diagnosis: &Diagnosis) -> Vec<&str> {
    diagnosis.findings.iter().map(|finding| finding.code.as_str()).collect()
}

fn sent(world: &World) -> usize {
    world.log()["requests"].as_array().unwrap().len()
}

/// Returns the settings of the world with `key`, or without a key if `key` is null.
fn with_key(world: &World, key: &Value) -> Settings {
    let mut settings = world.settings();
    settings.api_key = key.as_str().map(Into::into);
    settings
}

/// Checks that a diagnosis has only this finding, with advice, and prints no secret.
#[track_caller]
fn found(diagnosis: &Diagnosis, code: &str, advice: &str, secrets: &[&str]) {
    assert_eq!((diagnosis.ok, codes(diagnosis)), (false, vec![code]), "{diagnosis}");
    let finding = &diagnosis.findings[0];
    assert!(finding.advice.as_deref().unwrap_or_default().contains(advice), "{diagnosis}");
    let text = diagnosis.to_string();
    assert!(text.contains(&format!("{code}: {}\n    {}", finding.message, finding.advice.as_ref().unwrap())));
    assert!(text.ends_with("The API does not answer."), "{text}");
    for secret in secrets {
        assert!(!format!("{diagnosis:?}{text}").contains(secret), "{text}");
    }
}

#[tokio::test]
async fn settings_from_which_no_client_can_be_created_are_diagnosed() {
    let world = sandbox().world(&json!({}));
    let base = world.info["baseUrl"].as_str().unwrap();
    for (key, code, advice) in [
        (Value::Null, "no_key", "Set HIGHTOUCH_API_KEY"),
        (json!(""), "no_key", "Copy the key again"),
        (json!("canary in two"), "malformed_key", "Copy the key again"),
        (json!("canary\nbelow"), "malformed_key", "Copy the key again"),
        (json!("canäry"), "malformed_key", "Copy the key again"),
    ] {
        let diagnosis = with_key(&world, &key).diagnose().await;
        found(&diagnosis, code, advice, &["canary", "canäry"]);
        assert_eq!(diagnosis.base_url.as_deref(), Some(base));
    }
    let wrong = world.settings().base_url("ftp://u:canary@example.com");
    let diagnosis = wrong.diagnose().await;
    assert_eq!((codes(&diagnosis), diagnosis.base_url.as_deref()), (vec!["config"], None));
    assert!(!diagnosis.to_string().contains("canary"));
    assert_eq!(sent(&world), 0);
}

#[tokio::test]
async fn a_bad_key_and_a_key_whose_creator_is_gone_are_different_findings() {
    let world = sandbox().world(&json!({}));
    for (name, code, advice) in
        [("invalid", "bad_token", "Create a new one"), ("orphaned", "orphaned_creator", "an active Admin")]
    {
        let key = &world.info["keys"][name];
        let diagnosis = with_key(&world, key).diagnose().await;
        found(&diagnosis, code, advice, &[key.as_str().unwrap()]);
        assert!(diagnosis.tls.is_some(), "the connection is not the key's fault");
    }
    assert_eq!(sent(&world), 2, "a refused key is not sent again");
}

#[tokio::test]
async fn a_key_that_is_removed_on_the_way_to_the_server_is_not_called_a_bad_key() {
    let body = json!({"message": "Unauthorized", "details": "No authorization header found"});
    let script = json!([{"when": {"operation": "ListSync"}, "answer": {"status": 401, "body": body}}]);
    let world = sandbox().world(&json!({"script": script}));
    found(&world.client().diagnose().await, "stripped_key", "took the header away", &[]);
}

#[tokio::test]
async fn an_unknown_host_name_and_a_closed_port_are_different_findings() {
    let world = sandbox().world(&json!({}));
    let closed = sandbox().line["closed"].as_str().unwrap();
    for (base, code, advice) in [
        ("https://api.hightouch.invalid/api/v1".to_owned(), "dns", "this machine's DNS"),
        (format!("https://{closed}/api/v1"), "refused", "host and port"),
        (format!("http://{closed}/api/v1"), "refused", "host and port"),
    ] {
        let settings = world.settings().base_url(base.as_str());
        let diagnosis = settings.diagnose().await;
        let plain = base.starts_with("http:");
        if plain {
            // Over http there is no TLS handshake, and the first finding says so. The second finding says that the
            // request found the port closed.
            assert_eq!(codes(&diagnosis), ["ok", code], "{diagnosis}");
        } else {
            found(&diagnosis, code, advice, &[]);
        }
        let client = Client::new(&settings).unwrap();
        let error = client
            .syncs()
            .list(&hightouch_sdk::resources::ListSyncs::default())
            .next_page()
            .await
            .unwrap_err();
        assert_eq!(error.kind().as_str(), "connect", "{error}");
        assert!(error.hint().unwrap().contains(advice), "{error}");
    }
}

#[tokio::test]
async fn a_used_up_limit_is_found_whether_or_not_the_request_succeeds_in_the_end() {
    let refusal = json!({"status": 429, "body": {"message": "Too many requests"}});
    let always = json!([{"when": {"operation": "ListSync"}, "times": 1000, "answer": refusal}]);
    let world = sandbox().world(&json!({"timeScale": 20, "script": always}));
    let diagnosis = world.client().diagnose().await;
    assert_eq!((diagnosis.ok, codes(&diagnosis)), (false, vec!["quota_exhausted"]), "{diagnosis}");
    assert!(diagnosis.findings[0].advice.is_some());

    let once = json!([{"when": {"operation": "ListSync", "nth": 1}, "answer": refusal}]);
    let world = sandbox().world(&json!({"timeScale": 20, "script": once}));
    let diagnosis = world.client().diagnose().await;
    assert_eq!((diagnosis.ok, codes(&diagnosis)), (true, vec!["quota_exhausted", "ok"]), "{diagnosis}");
}

#[tokio::test]
async fn the_diagnosis_of_a_working_connection_shows_what_tls_negotiated() {
    let world = sandbox().world(&json!({}));
    let diagnosis = world.client().diagnose().await;
    assert_eq!((diagnosis.ok, codes(&diagnosis)), (true, vec!["ok"]), "{diagnosis}");
    let tls = diagnosis.tls.as_ref().unwrap();
    // The key exchange is checked here and not in `tests/tls`, because OpenSSL before 3.5 has no post-quantum key
    // exchange.
    assert_eq!(tls.key_exchange, "X25519MLKEM768");
    assert_eq!((tls.protocol.as_str(), tls.application_protocol.as_deref()), ("TLS 1.3", Some("h2")));
    let text = diagnosis.to_string();
    assert!(text.contains("key exchange: X25519MLKEM768\n") && text.ends_with("The API answers."), "{text}");
}

/// Starts a proxy that connects to any server. Returns the proxy's address, and the heads of the requests to the proxy.
async fn proxy() -> (String, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (tell, asked) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let tell = tell.clone();
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") {
                    stream.read_line(&mut head).await.unwrap();
                }
                let to = head.split(' ').nth(1).unwrap().to_owned();
                tell.send(head).unwrap();
                let mut server = TcpStream::connect(to).await.unwrap();
                stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await.unwrap();
                let _ = copy_bidirectional(&mut stream, &mut server).await;
            });
        }
    });
    (address, asked)
}

/// Incident: the diagnosis made its TLS handshake without the proxy, although requests go through the proxy.
#[tokio::test]
async fn the_handshake_of_a_diagnosis_goes_through_the_proxy() {
    let world = sandbox().world(&json!({}));
    let (address, mut asked) = proxy().await;
    let given = format!("http://user:s3cr3t@{address}");
    let settings = world.settings().proxy(given);
    let diagnosis = settings.diagnose().await;
    assert_eq!((diagnosis.ok, codes(&diagnosis)), (true, vec!["ok"]), "{diagnosis}");
    assert_eq!(diagnosis.proxy, Some(format!("http://{address}")));
    assert_eq!(diagnosis.tls.as_ref().unwrap().key_exchange, "X25519MLKEM768");
    assert!(!format!("{diagnosis:?}{diagnosis}").contains("s3cr3t"));
    let (handshake, read) = (asked.recv().await.unwrap(), asked.recv().await.unwrap());
    for head in [handshake, read] {
        let lower = head.to_lowercase();
        assert!(head.starts_with("CONNECT ") && lower.contains("\r\nproxy-authorization: basic "), "{head}");
    }
}

#[tokio::test]
async fn a_proxy_that_cannot_be_reached_or_refuses_is_found() {
    let world = sandbox().world(&json!({}));
    let closed = sandbox().line["closed"].as_str().unwrap();
    let authority = world.info["authority"].as_str().unwrap();
    for (proxy, shown) in [
        (format!("http://user:s3cr3t@{closed}"), format!("http://{closed}")),
        // The sandbox answers CONNECT with 407.
        (format!("http://user:s3cr3t@{authority}"), format!("http://{authority}")),
        ("http://proxy.hightouch.invalid:3128".to_owned(), "http://proxy.hightouch.invalid:3128".to_owned()),
    ] {
        let settings = world.settings().proxy(proxy.clone());
        let diagnosis = settings.diagnose().await;
        found(&diagnosis, "proxy", "HTTPS_PROXY", &["s3cr3t"]);
        assert_eq!(diagnosis.proxy.as_ref(), Some(&shown));
        assert!(diagnosis.findings[0].message.contains(&shown), "{diagnosis}");
    }
    assert_eq!(sent(&world), 0);
}

#[tokio::test]
async fn a_diagnosis_crosses_the_door_with_its_text_and_without_the_key() {
    let world = sandbox().world(&json!({}));
    let settings = json!({
        "apiKey": "canary in two", "baseUrl": world.info["baseUrl"], "environment": {}, "diagnosing": true,
    });
    let engine = Engine::new(&settings.to_string()).unwrap();
    let call = async |op: &str| {
        let outcome = engine.call(op, "{}", "{}", &Cancel::new()).await;
        (outcome.ok, outcome.head, String::from_utf8(outcome.body).unwrap())
    };
    let (ok, head, body) = call("client.diagnose").await;
    let diagnosis: Value = serde_json::from_str(&body).unwrap();
    assert!(ok, "{head}");
    assert_eq!((&diagnosis["ok"], &diagnosis["baseUrl"]), (&json!(false), &world.info["baseUrl"]));
    let finding = &diagnosis["findings"][0];
    assert_eq!(finding["code"], "malformed_key");
    let text = diagnosis["text"].as_str().unwrap();
    assert!(text.contains(finding["message"].as_str().unwrap()), "{text}");
    assert!(text.contains(finding["advice"].as_str().unwrap()), "{text}");
    assert!(!format!("{head}{body}{engine:?}").contains("canary"));
    let (ok, head, _) = call("syncs.list").await;
    assert!(!ok && head.contains(r#""kind":"config""#), "{head}");
    assert!(call("client.close").await.0);

    // Settings that cannot be read are reported as a finding.
    for unreadable in [r#"{"diagnosing": true, "apiKee": "canary"}"#, r#"{"diagnosing": true, "apiKey": 7}"#]
    {
        let engine = Engine::new(unreadable).unwrap();
        let outcome = engine.call("client.diagnose", "{}", "{}", &Cancel::new()).await;
        let diagnosis: Value = serde_json::from_slice(&outcome.body).unwrap();
        assert_eq!(diagnosis["findings"][0]["code"], "config", "{diagnosis}");
        assert!(!diagnosis.to_string().contains("canary"), "{diagnosis}");
    }
    assert!(Engine::new(r#"{"diagnosing": false, "environment": {}}"#).is_err());
}

#[tokio::test]
async fn a_diagnosis_ends_in_time_although_the_server_never_answers_the_handshake() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let world = sandbox().world(&json!({}));
    let settings = world
        .settings()
        .base_url(format!("https://127.0.0.1:{port}/api/v1"))
        .timeout(Duration::from_millis(200));
    let diagnosis = tokio::time::timeout(Duration::from_mins(1), settings.diagnose()).await.unwrap();
    assert_eq!((diagnosis.ok, codes(&diagnosis)), (false, vec!["timeout"]), "{diagnosis}");
}

#[test]
fn every_finding_code_is_documented_in_the_docs_and_in_each_language() {
    let catalogue: Value = serde_json::from_str(&hightouch_sdk::wire::catalogue()).unwrap();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let codes: Vec<&str> = catalogue["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|known| known["code"].as_str().unwrap())
        .collect();
    assert!(codes.contains(&"tls_suites"));
    for file in [
        "docs/diagnosis.md",
        "core/src/diagnose/mod.rs",
        "bindings-python/python/hightouch_sdk/_health.py",
        "bindings-node/src/reports.ts",
        "bindings-swift/Sources/HightouchSDK/Diagnostics.swift",
    ] {
        let text = std::fs::read_to_string(root.join(file)).unwrap();
        for code in &codes {
            assert!(text.contains(&format!("`{code}`")), "{code} is not in {file}");
        }
    }
}
