//! A small proxy that opens tunnels (RFC 9110 §9.3.6) or refuses them.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// How the proxy answers a request for a tunnel.
#[derive(Clone, Copy)]
pub enum Manner {
    /// Opens the tunnel.
    Tunnels,
    /// Opens the tunnel if the request has these credentials, and otherwise answers 407.
    Wants(&'static str),
    /// Answers with this status and a page that repeats the request.
    Answers(&'static str),
}

pub struct Proxy {
    pub address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    pub async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&heads);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, manner, Arc::clone(&seen)));
            }
        });
        Self { address, heads, task }
    }

    /// Returns the heads of the requests that the proxy got, in order.
    pub fn asked(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn serve(mut client: TcpStream, manner: Manner, heads: Arc<Mutex<Vec<String>>>) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    heads.lock().unwrap().push(head.clone());
    let page = format!("<html><title>Denied</title><pre>{head}</pre></html>");
    let status = match manner {
        Manner::Tunnels => None,
        Manner::Wants(credentials)
            if head.contains(&format!("Proxy-Authorization: Basic {credentials}\r\n")) =>
        {
            None
        }
        Manner::Wants(_) => Some("407 Proxy Authentication Required"),
        Manner::Answers(status) => Some(status),
    };
    if let Some(status) = status {
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n{page}",
            page.len()
        );
        client.write_all(answer.as_bytes()).await.ok()?;
        return client.shutdown().await.ok();
    }
    let target = head.strip_prefix("CONNECT ")?.split(' ').next()?;
    let mut server = TcpStream::connect(target).await.ok()?;
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.ok()?;
    copy_bidirectional(&mut client, &mut server).await.ok()?;
    Some(())
}
