//! Tests what a container needs: the address that clients use, and the health check.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Output};

use hightouch_sandbox::{Options, Sandbox};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

fn health(address: &str) -> Output {
    let program = env!("CARGO_BIN_EXE_hightouch-sandbox");
    Command::new(program).args(["health", address]).output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn worlds_name_the_address_of_clients() {
    let public_address = Some("127.0.0.1:4010".to_owned());
    let sandbox = Sandbox::start(Options { public_address, ..Options::default() }).await.unwrap();
    assert_eq!(sandbox.http_url, "http://127.0.0.1:4010");
    let world = sandbox.create_world(json!({})).unwrap();
    assert!(world.http_base_url.starts_with("http://127.0.0.1:4010/w/"), "{}", world.http_base_url);
    assert!(world.base_url.starts_with("https://127.0.0.1:4010/w/"), "{}", world.base_url);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_sandbox_is_healthy() {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    let asked = health(sandbox.http_url.trim_start_matches("http://"));
    assert!(asked.status.success(), "{asked:?}");
    assert!(!health(&sandbox.closed).status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_server_is_not_healthy() {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        // Reads the request first, because closing a connection with an unread request resets the connection, and the
        // answer may get lost.
        let _ = stream.read(&mut [0; 1024]).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await.unwrap();
    });
    let asked = health(&address);
    assert!(!asked.status.success());
    assert!(String::from_utf8(asked.stderr).unwrap().contains("another server"));
}
