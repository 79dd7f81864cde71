//! Wrong settings, options and paths are reported before anything is sent, and errors do not repeat secret values.

use hightouch_sdk::wire::{Cancel, Engine};
use serde_json::{Value, json};

use crate::support::sandbox::sandbox;
use crate::temporary::Folder;

/// A secret in the settings that no error may contain.
const CANARY: &str = "canary";

fn refused(settings: &Value, path: &str) {
    let failure = Engine::new(&settings.to_string()).expect_err(&settings.to_string());
    let (text, json) = (failure.to_string(), failure.to_json());
    assert!(text.contains(path), "{path:?} is not in {text}");
    assert!(json.contains(r#""kind":"config""#), "{json}");
    assert!(!json.contains(CANARY) && !format!("{failure:?}").contains(CANARY), "{json}");
}

#[tokio::test]
async fn a_wrong_setting_is_named_and_its_value_is_not_repeated() {
    for (settings, path) in [
        (json!({"baseURL": "x"}), "baseURL"),
        (json!({"apiKey": "canary\nsecond"}), "line break"),
        (json!({"apiKey": "canary\r"}), "line break"),
        (json!({"apiKey": " canary"}), "space"),
        (json!({"apiKey": "canary\u{e9}"}), "outside ASCII"),
        (json!({"apiKey": ""}), "is empty"),
        (json!({"apiKeyFile": "/nowhere/at/all", "apiKey": null}), "`api_key`"),
        (json!({"apiKeyFile": "/nowhere/at/all"}), "either `api_key` or `api_key_file`, not both"),
        (
            json!({"apiKeyFile": "/canary", "caBundle": "/canary"}),
            "either `api_key` or `api_key_file`, not both",
        ),
        (
            json!({"apiKeyFile": "/canary", "caBundle": "/canary", "keyLater": true}),
            "together with a function",
        ),
        (json!({"share": 0}), "share"),
        (json!({"share": -0.5}), "share"),
        (json!({"share": 1.5}), "share"),
        (json!({"share": "half"}), "`share`"),
        (json!({"limit": [200]}), "limit"),
        (json!({"limit": 5}), "`limit` must be two numbers: requests and seconds"),
        (json!({"limit": {"requests": 5}}), "`limit` must be two numbers: requests and seconds"),
        (json!({"limit": [0, 10]}), "limit"),
        (json!({"limit": [1.5, 10]}), "limit"),
        (json!({"limit": [200, 0]}), "limit"),
        (json!({"limit": [200, -10]}), "limit"),
        (json!({"maxRetries": -1}), "`max_retries`"),
        (json!({"maxRetries": 1.5}), "`max_retries`"),
        (json!({"timeScale": 0}), "`time_scale`"),
        (json!({"language": "a b"}), "language"),
    ] {
        let mut whole = json!({"apiKey": CANARY, "environment": {}});
        whole.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        refused(&whole, path);
    }
    refused(&json!({"environment": {}}), "No API key");
    refused(
        &json!({"environment": {}, "apiKeyFile": "/nowhere/at/all"}),
        "`api_key_file` names cannot be read: the file does not exist",
    );
    refused(&json!({"apiKeyFile": CANARY, "keyLater": true}), "together with a function");
    refused(&json!([CANARY]), "The settings must be one JSON object");
}

#[tokio::test]
async fn a_length_of_time_must_be_a_whole_number_of_milliseconds_above_zero() {
    for (name, shown) in
        [("timeoutMs", "`timeout`"), ("deadlineMs", "`deadline`"), ("maxWaitMs", "`max_wait`")]
    {
        for wrong in
            [json!(-1), json!(1.5), json!("1"), json!("canary"), json!(null), json!(1e30), json!(true)]
        {
            refused(&json!({"apiKey": CANARY, "environment": {}, name: wrong}), shown);
        }
        let zero = json!({"apiKey": CANARY, "environment": {}, name: 0});
        if name == "maxWaitMs" {
            assert!(Engine::new(&zero.to_string()).is_ok(), "not to wait at all is a choice");
        } else {
            refused(&zero, &format!("{shown} must be above 0"));
        }
    }
}

#[tokio::test]
async fn a_base_url_must_use_https_or_a_loopback_address_and_hold_no_credentials_query_or_fragment() {
    for (url, why) in [
        ("", "is not a URL"),
        ("hightouch", "is not a URL"),
        ("//api.example.com", "is not a URL"),
        ("https://", "is not a URL"),
        ("https://api.example.com:port", "is not a URL"),
        ("ftp://api.example.com", "must be https"),
        ("http://api.example.com", "must be https"),
        ("http://192.0.2.1", "must be https"),
        ("http://localhost.example.com", "must be https"),
        ("http://127.0.0.1.example.com", "must be https"),
        ("https://user:canary@api.example.com", "credentials"),
        ("https://canary@api.example.com", "credentials"),
        ("https://api.example.com/?x=canary", "no query"),
        ("https://api.example.com/#canary", "no fragment"),
    ] {
        let given = json!({"apiKey": CANARY, "environment": {}, "baseUrl": url});
        refused(
            &given,
            &format!("`base_url` {}", if why.starts_with("no ") { "must have no query" } else { "" }),
        );
        refused(&given, why);
        if !url.is_empty() {
            let named = json!({"apiKey": CANARY, "environment": {"HIGHTOUCH_BASE_URL": url}});
            refused(&named, "HIGHTOUCH_BASE_URL");
        }
    }
    for url in ["http://127.0.0.1:1/api/v1", "http://[::1]:1", "http://localhost:1", "https://192.0.2.1"] {
        assert!(
            Engine::new(&json!({"apiKey": CANARY, "baseUrl": url, "environment": {}}).to_string()).is_ok()
        );
    }
}

#[tokio::test]
async fn a_wrong_share_from_the_environment_is_reported_with_the_name_of_its_variable() {
    for text in ["half", "0", "-1", "1.5", "nan", "inf"] {
        refused(&json!({"apiKey": CANARY, "environment": {"HIGHTOUCH_SHARE": text}}), "HIGHTOUCH_SHARE");
    }
}

#[tokio::test]
async fn a_proxy_must_be_a_url_with_a_supported_scheme_and_errors_name_the_setting_or_the_variable() {
    // The SDK refuses an unsupported scheme only in the setting. It ignores a proxy with such a scheme in the
    // environment.
    let unknown = json!({"apiKey": "k", "environment": {}, "proxy": "socks4://canary@proxy.example"});
    refused(&unknown, "must be an http, https, socks5 or socks5h URL");
    for url in [
        "nonsense canary",
        "http://",
        "http://user:canary@proxy.example:port",
        "http://user:canary@proxy.example/path",
        "http://proxy.example/?canary",
    ] {
        refused(&json!({"apiKey": "k", "environment": {}, "proxy": url}), "The setting `proxy`");
        let named = json!({"apiKey": "k", "environment": {"HTTPS_PROXY": url}});
        refused(&named, "The variable HTTPS_PROXY");
    }
    refused(
        &json!({"apiKey": "k", "environment": {}, "proxy": "http://user:canary@p", "baseUrl": "http://127.0.0.1:1"}),
        "The setting `proxy` cannot be used, because the base URL is http",
    );
}

async fn failed(engine: &Engine, op: &str, args: &Value, opts: &Value) -> Value {
    let outcome = engine.call(op, &args.to_string(), &opts.to_string(), &Cancel::new()).await;
    assert!(!outcome.ok, "{op} {args} {opts}");
    serde_json::from_str(&outcome.head).unwrap()
}

#[test]
fn a_ca_bundle_that_is_missing_or_holds_no_certificate_is_reported_when_the_client_is_created() {
    let folder = Folder::new("no-certificate");
    let empty = folder.0.join("ca.pem");
    std::fs::write(&empty, "none").unwrap();
    for (bundle, why) in [
        ("/nowhere/ca.pem", "cannot be read: the file does not exist"),
        (empty.to_str().unwrap(), "holds no certificate"),
    ] {
        let settings =
            json!({"apiKey": "k", "environment": {}, "caBundle": bundle, "language": "python/3.11"});
        refused(&settings, &format!("The setting `ca_bundle` names {bundle}, which {why}."));
    }
}

/// The SDK sends the API key only to the configured origin, so it refuses a path that could lead to another server.
#[tokio::test]
async fn options_and_paths_that_are_wrong_are_named_and_nothing_is_sent() {
    let world = sandbox().world(&json!({}));
    let settings = json!({
        "apiKey": world.info["apiKey"], "baseUrl": world.info["baseUrl"], "environment": {},
        "caBundle": world.info["ca"],
    });
    let engine = Engine::new(&settings.to_string()).unwrap();
    for (name, shown) in [("timeoutMs", "`timeout`"), ("deadlineMs", "`deadline`")] {
        for wrong in [json!(-1), json!(0), json!(1.5), json!("1"), json!(1e30)] {
            let failure = failed(&engine, "syncs.trigger", &json!({"sync": 1}), &json!({name: wrong})).await;
            assert_eq!(failure["kind"], "invalid_request");
            assert!(failure["message"].as_str().unwrap().contains(shown), "{failure}");
        }
    }
    for (wrong, name) in [
        (json!({"maxRetries": -1}), "`max_retries`"),
        (json!({"maxWaitMs": -1}), "`max_wait`"),
        (json!({"maxWaitMs": 0.5}), "`max_wait`"),
    ] {
        let failure = failed(&engine, "syncs.list", &json!({}), &wrong).await;
        assert_eq!(failure["kind"], "invalid_request");
        assert!(failure["message"].as_str().unwrap().contains(name), "{failure}");
    }
    for path in [
        "",
        "syncs",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example/syncs",
        "https:/evil.example",
        "@evil.example",
        "/..//",
        "/../../x",
        "/syncs/..",
        "/%2e%2e/x",
        "/%2E%2e%2fx",
        "/.%2e/x",
        "/%2e/x",
        "/a%5c..%5cb",
        "/syncs\n",
        "/syncs#x",
        "/syncs?x=1",
    ] {
        let failure = failed(&engine, "request", &json!({"method": "GET", "path": path}), &json!({})).await;
        assert_eq!(failure["kind"], "invalid_request", "{path:?}");
        assert!(failure["message"].as_str().unwrap().contains("path"), "{failure}");
    }
    assert!(world.log()["requests"].as_array().unwrap().is_empty());
}
