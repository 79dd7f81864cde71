//! The SDK refuses each kind of invalid certificate with a message of its own, and sends no request.

use std::collections::BTreeSet;
use std::path::Path;

use hightouch_sdk::{Error, Kind};

use crate::certificates::{Authority, Identity, Wanted, self_signed};
use crate::client::{client, read, settings};
use crate::server::Server;

/// Checks that a request and the diagnosis both refuse this server, and that the diagnosis finds only `code`. There
/// must be no retry, and no request may reach the server. Returns the error of the request.
pub async fn refusal(server: Server, ca_bundle: Option<&Path>, code: &str) -> Error {
    let client = client(server.port, ca_bundle);
    let error = read(&client).await.expect_err(code);
    assert_eq!(error.kind(), Kind::Tls, "{error}");
    let attempts = &error.meta().unwrap().attempts;
    assert_eq!(attempts.len(), 1, "what fails by policy is not tried again: {error}");
    assert_eq!(attempts[0].failure, Some("tls"), "{error}");
    assert!(error.hint().is_some(), "{error}");
    // The limit must not count requests that were never sent.
    assert_eq!(client.stats().used, 0, "{error}");
    let diagnosis = client.diagnose().await;
    let codes: Vec<&str> = diagnosis.findings.iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!((diagnosis.ok, codes), (false, vec![code]), "{diagnosis}");
    let finding = &diagnosis.findings[0];
    assert_eq!(finding.advice, error.hint());
    // The request's error ends with the text of the finding. Both name the present time, which may differ by a second.
    let text = finding.message.split(", and it is ").next().unwrap_or_default().to_lowercase();
    assert!(error.to_string().to_lowercase().contains(&text), "{error}\n{}", finding.message);
    assert!(finding.message.contains(&format!("127.0.0.1:{}", server.port)), "{}", finding.message);
    assert!(!format!("{diagnosis}{error}{error:?}").contains("a-key"));
    assert_eq!(server.requests(), 0, "{code}");
    error
}

#[tokio::test]
async fn each_kind_of_invalid_certificate_is_refused_with_a_message_and_advice_of_its_own() {
    let authority = Authority::named("Made anew");
    let trusted = authority.file();
    let issued = |wanted| authority.issue(&wanted);
    let cases: [(&str, Identity, &str, &str); 7] = [
        (
            "expired_certificate",
            issued(Wanted { valid: (-30, -3), ..Wanted::default() }),
            "expired at 20",
            "must renew its certificate",
        ),
        (
            "future_certificate",
            issued(Wanted { valid: (3, 30), ..Wanted::default() }),
            "is not valid before 20",
            "this machine's clock is wrong",
        ),
        (
            "wrong_host",
            issued(Wanted { name: "other.example", ..Wanted::default() }),
            "is not for this host; it is for other.example",
            "Check the base URL's host",
        ),
        ("self_signed", self_signed(false), "is self-signed", "give it with the setting `ca_bundle`"),
        (
            "self_signed",
            self_signed(true),
            "marked as an authority's (CA:TRUE)",
            "must not be marked as an authority's",
        ),
        (
            "unknown_ca",
            Authority::new().issue(&Wanted::default()),
            "comes from an authority that is not trusted here",
            "with the setting `ca_bundle`",
        ),
        // A company has replaced its authority with a new authority of the same name. For a certificate of the new
        // authority, the verifier reports a bad signature.
        (
            "unknown_ca",
            Authority::named("Made anew").issue(&Wanted::default()),
            "names a trusted authority as its issuer, but is signed with a different key",
            "give the new authority's certificate",
        ),
    ];
    let mut sentences = BTreeSet::new();
    for (code, identity, sentence, advice) in cases {
        let server = Server::start(&identity, &[]);
        let error = refusal(server, Some(&trusted), code).await;
        assert!(error.to_string().contains(sentence), "{code}: {error}");
        assert!(error.hint().unwrap().contains(advice), "{code}: {}", error.hint().unwrap());
        sentences.insert((code, error.hint().unwrap()));
    }
    assert_eq!(sentences.len(), 7);
}

/// For a self-signed certificate, the SDK advises to trust the certificate. So trusting it must help.
#[tokio::test]
async fn a_server_with_a_self_signed_certificate_connects_if_the_certificate_is_in_the_ca_bundle() {
    let identity = self_signed(false);
    let server = Server::start(&identity, &[]);
    let client = client(server.port, Some(&identity.certificate));
    read(&client).await.unwrap();
    assert_eq!(server.requests(), 1);
}

/// The SDK refuses a self-signed certificate that is marked as an authority's, even if the certificate is trusted. So
/// the SDK must not advise to trust it.
#[tokio::test]
async fn a_self_signed_certificate_marked_as_an_authority_is_explained_even_where_it_is_trusted() {
    let identity = self_signed(true);
    let server = Server::start(&identity, &[]);
    let error = refusal(server, Some(&identity.certificate), "self_signed").await;
    assert!(
        error.hint().unwrap().contains("A server's own certificate must not be marked as an authority's"),
        "{:?}",
        error.hint()
    );
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_is_reported_as_not_tls() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let said = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
            tokio::io::AsyncWriteExt::write_all(&mut stream, said).await.unwrap();
            let mut rest = Vec::new();
            let _ = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut rest).await;
        }
    });
    let diagnosis = settings(port, None).diagnose().await;
    serving.abort();
    let codes: Vec<&str> = diagnosis.findings.iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(codes, ["not_tls"], "{diagnosis}");
}
