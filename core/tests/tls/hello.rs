//! The first message of a client, the `ClientHello`, byte by byte (RFC 8446 §4.1.2).

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use crate::client::{client, read};

/// `TLS_EMPTY_RENEGOTIATION_INFO_SCSV` (RFC 5746 §3.3), a signal in the list of suites.
const RENEGOTIATION_SIGNAL: u16 = 0x00FF;
/// The numbers of the seven cipher suites that Hightouch's documentation lists, in order of preference.
const SUITES: [u16; 7] = [0x1302, 0x1301, 0x1303, 0xC02C, 0xC02B, 0xC030, 0xC02F];

const SUPPORTED_GROUPS: u16 = 10;
const ALPN: u16 = 16;
const COMPRESS_CERTIFICATE: u16 = 27;
const SUPPORTED_VERSIONS: u16 = 43;
const KEY_SHARE: u16 = 51;
const RENEGOTIATION_INFO: u16 = 0xFF01;
const X25519MLKEM768: u16 = 0x11EC;

struct Hello {
    suites: Vec<u16>,
    extensions: Vec<(u16, Vec<u8>)>,
}

/// Reads numbers and lengths from a message.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        taken
    }

    fn number(&mut self, width: usize) -> usize {
        self.take(width).iter().fold(0, |number, byte| number << 8 | usize::from(*byte))
    }

    /// Reads a length, which is a number of `width` bytes, and then as many bytes of content.
    fn vector(&mut self, width: usize) -> Bytes<'a> {
        let length = self.number(width);
        Bytes(self.take(length))
    }
}

fn pairs(mut bytes: Bytes<'_>) -> Vec<u16> {
    let mut pairs = Vec::new();
    while !bytes.0.is_empty() {
        pairs.push(u16::try_from(bytes.number(2)).unwrap());
    }
    pairs
}

fn parse(message: &[u8]) -> Hello {
    let mut bytes = Bytes(message);
    assert_eq!(bytes.number(1), 1, "a ClientHello");
    let mut body = bytes.vector(3);
    assert_eq!(body.number(2), 0x0303, "legacy_version");
    body.take(32);
    body.vector(1);
    let suites = pairs(body.vector(2));
    assert_eq!(body.vector(1).0, [0], "no compression");
    let mut rest = body.vector(2);
    let mut extensions = Vec::new();
    while !rest.0.is_empty() {
        let kind = u16::try_from(rest.number(2)).unwrap();
        extensions.push((kind, rest.vector(2).0.to_vec()));
    }
    Hello { suites, extensions }
}

impl Hello {
    fn extension(&self, kind: u16) -> Bytes<'_> {
        let found = self.extensions.iter().find(|(known, _)| *known == kind);
        Bytes(&found.unwrap_or_else(|| panic!("there is no extension {kind}")).1)
    }
}

/// Returns the `ClientHello` of a client of the SDK.
async fn hello() -> Hello {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let listening = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut message = Vec::new();
        // The message may come in several records. The length field of the message says where the message ends.
        loop {
            let mut head = [0; 5];
            stream.read_exact(&mut head).await.unwrap();
            assert_eq!(head[0], 22, "a handshake record");
            let mut record = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
            stream.read_exact(&mut record).await.unwrap();
            message.extend(record);
            if message.len() >= 4 && message.len() >= 4 + Bytes(&message[1..4]).number(3) {
                return message;
            }
        }
    });
    let reading = tokio::spawn(async move { read(&client(port, None)).await });
    let message = listening.await.unwrap();
    reading.abort();
    parse(&message)
}

#[tokio::test]
async fn a_client_hello_holds_the_seven_suites_and_the_renegotiation_signal_and_no_more() {
    let hello = hello().await;
    let mut expected = SUITES.to_vec();
    expected.push(RENEGOTIATION_SIGNAL);
    assert_eq!(hello.suites, expected);
    // `RENEGOTIATION_SIGNAL` replaces this extension. RFC 5746 §3.4 recommends that a client sends only one of the two.
    assert!(hello.extensions.iter().all(|(kind, _)| *kind != RENEGOTIATION_INFO));
}

#[tokio::test]
async fn a_client_hello_offers_tls_1_3_and_1_2_post_quantum_keys_and_http_2_first() {
    let hello = hello().await;
    let versions = pairs(hello.extension(SUPPORTED_VERSIONS).vector(1));
    assert_eq!(versions, [0x0304, 0x0303]);
    let groups = pairs(hello.extension(SUPPORTED_GROUPS).vector(2));
    assert_eq!(groups[0], X25519MLKEM768, "{groups:04x?}");
    let mut shares = hello.extension(KEY_SHARE).vector(2);
    assert_eq!(
        shares.number(2),
        usize::from(X25519MLKEM768),
        "its key is sent at once: no second round trip"
    );
    let mut protocols = hello.extension(ALPN).vector(2);
    assert_eq!(protocols.vector(1).0, b"h2");
    assert_eq!(protocols.vector(1).0, b"http/1.1");
}

#[tokio::test]
async fn a_client_hello_offers_no_compression_of_certificates() {
    // rustls offers it (RFC 8879) once any crate of the program has turned on the feature `brotli` or `zlib`.
    let hello = hello().await;
    assert!(hello.extensions.iter().all(|(kind, _)| *kind != COMPRESS_CERTIFICATE));
}
