//! A server on the loopback interface that answers every request with the answer that was set last. It runs on the
//! client's runtime, in one thread. With two threads, each request would wake the other thread, which is slow on a busy
//! machine.

use std::fmt::Write as _;
use std::io::ErrorKind::WouldBlock;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// Headers that describe the connection or the body. [`Answering::set`] leaves them out, because a wrong value would
/// break the protocol.
const OURS: [&str; 4] = ["connection", "content-encoding", "content-length", "transfer-encoding"];

pub(crate) struct Answering {
    address: SocketAddr,
    answer: Arc<Mutex<Vec<u8>>>,
}

impl Answering {
    pub(crate) fn new(on: &Runtime) -> Self {
        let listener = on.block_on(TcpListener::bind(("127.0.0.1", 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let answer = Arc::<Mutex<Vec<u8>>>::default();
        let shared = answer.clone();
        on.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let answer = shared.clone();
                tokio::spawn(async move { serve(&stream, &answer).await });
            }
        });
        Self { address, answer }
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sets the answer to all further requests. Leaves out headers that HTTP does not allow, and the headers in
    /// [`OURS`].
    pub(crate) fn set(&self, status: u16, headers: &[(&str, &str)], body: &str) {
        let mut answer = format!("HTTP/1.1 {status} X\r\n");
        for (name, value) in headers {
            let allowed = !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !value.bytes().any(|byte| byte < b' ' && byte != b'\t' || byte == 0x7f);
            if allowed && !OURS.contains(&name.to_ascii_lowercase().as_str()) {
                let _ = write!(answer, "{name}: {value}\r\n");
            }
        }
        // 204 and 304 have no body (RFC 9110 §6.4.1).
        if matches!(status, 204 | 304) {
            answer += "\r\n";
        } else {
            let _ = write!(answer, "content-length: {}\r\n\r\n{body}", body.len());
        }
        *self.answer.lock().unwrap() = answer.into_bytes();
    }
}

/// Answers the requests of one connection until the client closes it.
async fn serve(stream: &TcpStream, answer: &Mutex<Vec<u8>>) -> Option<()> {
    let mut received = Vec::new();
    loop {
        stream.readable().await.ok()?;
        let mut chunk = [0; 8192];
        match stream.try_read(&mut chunk) {
            Ok(0) => return None,
            Ok(count) => received.extend_from_slice(&chunk[..count]),
            Err(error) if error.kind() == WouldBlock => continue,
            Err(_) => return None,
        }
        if is_request(&received) {
            received.clear();
            let answer = answer.lock().unwrap().clone();
            let mut rest = answer.as_slice();
            while !rest.is_empty() {
                stream.writable().await.ok()?;
                match stream.try_write(rest) {
                    Ok(count) => rest = &rest[count..],
                    Err(error) if error.kind() == WouldBlock => {}
                    Err(_) => return None,
                }
            }
        }
    }
}

/// Whether a request has arrived with its whole body.
fn is_request(received: &[u8]) -> bool {
    let text = String::from_utf8_lossy(received).to_ascii_lowercase();
    let Some((head, _)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    let start = received.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    received.len() >= start + length.unwrap_or(0)
}
