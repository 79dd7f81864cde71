//! Proxies: from the settings or the environment, with and without credentials, and with every kind of failure.

use std::collections::BTreeMap;
use std::process::Command;

use hightouch_sdk::resources::ListSyncs;
use hightouch_sdk::{Client, Error, Kind, Settings};
use serde_json::{Value, json};

use crate::support::proxy::{Manner, Proxy};
use crate::support::sandbox::{World, sandbox};
use crate::support::socks;
use crate::support::tls::with_tls;
use crate::temporary::Folder;

/// The user `user` and the password `p@ss` in a URL.
const IN_URL: &str = "user:p%40ss";
/// The user `user` and the password `p@ss` in the header `Proxy-Authorization` (RFC 7617 §2).
const IN_HEADER: &str = "dXNlcjpwQHNz";
/// The forms of the password. No text of the SDK may contain any of them.
const SECRETS: [&str; 3] = ["p%40ss", "p@ss", IN_HEADER];

/// How a proxy is named: by the setting, or by a variable of the environment.
#[derive(Clone, Copy, Debug)]
enum Named {
    Given,
    By(&'static str),
}

const EVERY_WAY: [Named; 5] = [
    Named::Given,
    Named::By("HTTPS_PROXY"),
    Named::By("https_proxy"),
    Named::By("ALL_PROXY"),
    Named::By("all_proxy"),
];

fn settings(world: &World, named: Named, url: &str, others: &[(&str, &str)]) -> Settings {
    let mut environment: BTreeMap<String, _> =
        others.iter().map(|&(name, value)| (name.to_owned(), value.into())).collect();
    let mut settings = world.settings();
    match named {
        Named::Given => settings.proxy = Some(url.into()),
        Named::By(name) => drop(environment.insert(name.to_owned(), url.into())),
    }
    settings.environment = Some(environment);
    settings
}

async fn listed(settings: &Settings) -> Result<usize, Error> {
    let client = Client::new(settings)?;
    let listed = client.syncs().list(&ListSyncs::default()).all().await;
    assert_without_secrets(&format!("{client:?}"));
    if let Err(error) = &listed {
        assert_without_secrets(&format!("{error} {error:?} {:?} {:?}", error.causes(), error.details()));
    }
    Ok(listed?.len())
}

#[track_caller]
fn assert_without_secrets(shown: &str) {
    for secret in SECRETS {
        assert!(!shown.contains(secret), "{secret} is in {shown}");
    }
}

fn requests(world: &World) -> usize {
    world.log()["requests"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_proxy_is_used_however_it_is_named_and_is_told_only_where_to_connect() {
    let world = sandbox().world(&json!({}));
    for named in EVERY_WAY {
        let proxy = Proxy::start(Manner::Tunnels).await;
        let settings = settings(&world, named, &format!("http://{}", proxy.address), &[]);
        assert_eq!(listed(&settings).await.unwrap(), 3, "{named:?}");
        let asked = proxy.asked();
        assert_eq!(asked.len(), 1, "{named:?}: {asked:?}");
        let authority = world.info["authority"].as_str().unwrap();
        assert!(asked[0].starts_with(&format!("CONNECT {authority} HTTP/1.1\r\n")), "{asked:?}");
        assert!(!asked[0].contains("uthorization"), "{asked:?}");
    }
}

#[tokio::test]
async fn credentials_in_the_url_of_a_proxy_are_decoded_and_sent_as_basic_authentication() {
    let world = sandbox().world(&json!({}));
    for named in EVERY_WAY {
        let proxy = Proxy::start(Manner::Wants(IN_HEADER)).await;
        let settings = settings(&world, named, &format!("http://{IN_URL}@{}", proxy.address), &[]);
        assert_eq!(listed(&settings).await.unwrap(), 3, "{named:?}");
    }
    let log = world.log().to_string();
    assert!(!log.contains("proxy-authorization"), "the server behind it must not be sent them");
}

#[tokio::test]
async fn a_proxy_over_tls_is_used_with_credentials_and_only_if_its_certificate_is_trusted() {
    let world = sandbox().world(&json!({}));
    let proxy = Proxy::start(Manner::Wants(IN_HEADER)).await;
    let trusted = world.file("authorities.pem");
    let port = with_tls(proxy.address.port(), &trusted).await;
    for named in EVERY_WAY {
        let settings = settings(&world, named, &format!("https://{IN_URL}@127.0.0.1:{port}"), &[]);
        let error = listed(&settings).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (Kind::Tls, Some("unknown_ca")), "{named:?}: {error}");
        assert!(error.to_string().contains(&format!("or its proxy https://127.0.0.1:{port}")), "{error}");
        let settings = settings.ca_bundle(&trusted);
        assert_eq!(listed(&settings).await.unwrap(), 3, "{named:?}");
        assert_eq!(settings.diagnose().await.tls.unwrap().protocol, "TLS 1.3");
    }
}

#[tokio::test]
async fn a_socks_proxy_gets_an_address_or_the_name_of_the_server_as_its_scheme_says() {
    let world = sandbox().world(&json!({}));
    let base = world.info["baseUrl"].as_str().unwrap().replace("127.0.0.1", "localhost");
    for named in [Named::Given, Named::By("ALL_PROXY")] {
        for (scheme, expected) in [("socks5", "127.0.0.1"), ("socks5h", "localhost")] {
            for (credentials, user) in [(None, ""), (Some(["user", "p@ss"]), "user:p%40ss@")] {
                let (port, hosts) = socks::start(credentials).await;
                let url = format!("{scheme}://{user}127.0.0.1:{port}");
                let settings = settings(&world, named, &url, &[]).base_url(&base);
                assert_eq!(listed(&settings).await.unwrap(), 3, "{named:?} {url}");
                assert_eq!(settings.diagnose().await.tls.unwrap().protocol, "TLS 1.3");
                let hosts = hosts.lock().unwrap().clone();
                let as_expected =
                    |host: &String| host == expected || (host == "::1" && expected == "127.0.0.1");
                assert!(hosts.len() == 3 && hosts.iter().all(as_expected), "{url}: {hosts:?}");
            }
        }
    }
    let (port, _) = socks::start(Some(["user", "other"])).await;
    let settings = settings(&world, Named::Given, &format!("socks5://{IN_URL}@127.0.0.1:{port}"), &[]);
    assert_eq!(listed(&settings).await.unwrap_err().kind(), Kind::Proxy);
}

#[tokio::test]
async fn with_a_socks_proxy_an_error_says_whose_name_cannot_be_resolved() {
    let world = sandbox().world(&json!({}));
    let (port, hosts) = socks::start(None).await;
    for (base, proxy, kind, expected) in [
        (
            "https://server.hightouch.invalid/api/v1",
            format!("socks5://127.0.0.1:{port}"),
            Kind::Connect,
            "With socks5h",
        ),
        (
            "https://localhost/api/v1",
            "socks5h://proxy.hightouch.invalid".to_owned(),
            Kind::Proxy,
            "The proxy's name",
        ),
    ] {
        let settings = settings(&world, Named::Given, &proxy, &[]).base_url(base).max_retries(0_u32);
        let error = listed(&settings).await.unwrap_err();
        let text = format!("{error} {:?}", error.hint());
        assert!(error.kind() == kind && text.contains(expected), "{text}");
    }
    assert!(hosts.lock().unwrap().is_empty());
}

/// A proxy may lock an account after a few wrong passwords, so the SDK sends a wrong password only once.
#[tokio::test]
async fn wrong_credentials_are_tried_once_and_the_error_says_what_to_do() {
    let world = sandbox().world(&json!({}));
    for named in EVERY_WAY {
        for url in [format!("http://{IN_URL}@"), "http://".to_owned()] {
            let proxy = Proxy::start(Manner::Wants("c29tZTpvdGhlcg==")).await;
            let error =
                listed(&settings(&world, named, &format!("{url}{}", proxy.address), &[])).await.unwrap_err();
            assert_eq!((error.kind(), proxy.asked().len()), (Kind::Proxy, 1), "{named:?}: {error}");
            assert!(error.hint().unwrap().contains("user and a password"), "{error:?}");
        }
    }
    assert_eq!(requests(&world), 0);
}

#[tokio::test]
async fn a_proxy_that_cannot_be_reached_or_answers_with_a_page_gives_an_error_without_the_page() {
    let world = sandbox().world(&json!({}));
    let closed = sandbox().line["closed"].as_str().unwrap();
    for named in EVERY_WAY {
        let absent = settings(&world, named, &format!("http://{IN_URL}@{closed}"), &[]).max_retries(1_u32);
        let error = listed(&absent).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.meta().unwrap().attempts.len()),
            (Kind::Proxy, 2),
            "{named:?}: {error}"
        );
        for status in ["403 Forbidden", "502 Bad Gateway"] {
            let proxy = Proxy::start(Manner::Answers(status)).await;
            let settings = settings(&world, named, &format!("http://{IN_URL}@{}", proxy.address), &[]);
            let error = listed(&settings).await.unwrap_err();
            assert_eq!((error.kind(), proxy.asked().len()), (Kind::Proxy, 4), "{named:?}: {error}");
        }
        // The proxy confirms the tunnel, and then sends a page instead of TLS.
        let proxy = Proxy::start(Manner::Answers("200 OK")).await;
        let settings = settings(&world, named, &format!("http://{IN_URL}@{}", proxy.address), &[]);
        let error = listed(&settings).await.unwrap_err();
        assert!(matches!(error.kind(), Kind::Tls | Kind::Proxy | Kind::Connect), "{named:?}: {error}");
    }
    assert_eq!(requests(&world), 0);
}

/// Incident: the SDK removed only one of the three forms of the password from errors, and none if the password came
/// from the environment.
#[tokio::test]
async fn credentials_of_a_proxy_that_the_server_repeats_are_in_no_error() {
    let said = format!("you are {IN_URL} user:p@ss Basic {IN_HEADER}");
    for named in EVERY_WAY {
        for answer in [
            json!({"status": 400, "body": {"message": said, "details": {"proxy": [said]}}}),
            json!({"status": 400, "text": format!("<html><title>{said}</title></html>")}),
            json!({"status": 302, "headers": {"location": format!("https://x.example/?{said}")}}),
            json!({"status": 200, "text": format!("<html><title>{said}</title></html>")}),
        ] {
            let world = sandbox().world(&json!({"script": [{"answer": answer}]}));
            let proxy = Proxy::start(Manner::Wants(IN_HEADER)).await;
            let settings = settings(&world, named, &format!("http://{IN_URL}@{}", proxy.address), &[]);
            let error = listed(&settings).await.unwrap_err();
            assert!(error.to_string().contains("[password]"), "it shall have come back: {error}");
        }
    }
}

#[tokio::test]
async fn a_server_in_the_variable_no_proxy_is_reached_without_the_proxy() {
    let world = sandbox().world(&json!({}));
    for (variable, list, direct) in [
        ("NO_PROXY", "127.0.0.1", true),
        ("no_proxy", "localhost, 127.0.0.0/8", true),
        ("NO_PROXY", "*", true),
        ("NO_PROXY", "api.example", false),
    ] {
        let proxy = Proxy::start(Manner::Tunnels).await;
        let url = format!("http://{}", proxy.address);
        let settings = settings(&world, Named::By("HTTPS_PROXY"), &url, &[(variable, list)]);
        assert_eq!(listed(&settings).await.unwrap(), 3, "{list}");
        assert_eq!(proxy.asked().is_empty(), direct, "{list}");
    }
}

#[tokio::test]
async fn a_proxy_from_the_settings_replaces_the_proxy_and_the_exceptions_of_the_environment() {
    let world = sandbox().world(&json!({}));
    let proxy = Proxy::start(Manner::Tunnels).await;
    let others = [("HTTPS_PROXY", "http://127.0.0.1:1"), ("NO_PROXY", "*")];
    let settings = settings(&world, Named::Given, &format!("http://{}", proxy.address), &others);
    assert_eq!((listed(&settings).await.unwrap(), proxy.asked().len()), (3, 1));
}

/// The environment variable that tells a child process of this test to which file it writes its result.
const CHILD: &str = "HIGHTOUCH_TEST_PROXY_CHILD";

/// A process shares its environment among all tests, so this test runs itself again in child processes with other
/// variables.
#[tokio::test]
async fn the_environment_of_the_process_names_the_proxy() {
    if std::env::var_os(CHILD).is_some() {
        let world = sandbox().world(&json!({}));
        let mut settings = world.settings();
        settings.environment = None;
        let listed = listed(&settings).await.map_err(|error| error.to_string());
        std::fs::write(std::env::var_os(CHILD).unwrap(), json!(listed.ok()).to_string()).unwrap();
        return;
    }
    for (exceptions, asked) in [("", 1), ("*", 0)] {
        let proxy = Proxy::start(Manner::Wants(IN_HEADER)).await;
        let url = format!("http://{IN_URL}@{}", proxy.address);
        let folder = Folder::new("proxy");
        let file = folder.0.join("listed");
        let mut child = Command::new(std::env::current_exe().unwrap());
        child
            .args(["--exact", "proxies::the_environment_of_the_process_names_the_proxy"])
            .env(CHILD, &file)
            .env("HTTPS_PROXY", url)
            .env("NO_PROXY", exceptions)
            .env_remove("no_proxy")
            .env_remove("HIGHTOUCH_COVERAGE");
        let output = tokio::task::spawn_blocking(move || child.output().unwrap()).await.unwrap();
        let met: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        assert_eq!((met, proxy.asked().len()), (json!(3), asked), "{output:?}");
    }
}
