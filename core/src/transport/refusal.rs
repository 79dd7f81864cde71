//! Explains why no connection could be made, by an error with a message, a hint and a code.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use jiff::Timestamp;
use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, InvalidMessage, OtherError, PeerIncompatible};
use tower_service::Service;

use super::addresses::Unresolved;
use super::connect::ServerUnresolved;
use super::proxy::Way;
use super::tls;
use super::verifier::Unproven;
use crate::descriptors;
use crate::error::{Error, Kind};
use crate::message::{Message, Name};
use crate::reason::Reason;

/// The error of a tunnel through a proxy. hyper-util does not export this type by name.
type TunnelError = <Tunnel<HttpConnector> as Service<http::Uri>>::Error;

/// How many names of a certificate are shown. Some certificates have hundreds of names.
const MOST_NAMES: usize = 5;

fn since(reason: Reason, kind: Kind, what: String, hint: impl Into<Message>) -> Error {
    Error::new(kind, what).with_reason(reason).with_hint(hint)
}

/// The error of a call that could not open a file or a connection, because the process has reached its limit of open
/// files.
pub(crate) fn out_of_descriptors() -> Error {
    let what = format!("no connection could be made: {}", descriptors::NONE_LEFT);
    since(Reason::NoDescriptors, Kind::Connect, what, descriptors::HINT)
}

/// Whether another attempt would fail in the same way, as with a certificate that is not trusted or a wrong password.
pub(super) fn lasts(error: &(dyn StdError + 'static)) -> bool {
    find::<rustls::Error>(error).is_some() || is_unknown_to_proxy(error)
}

/// Whether the proxy answered 407.
fn is_unknown_to_proxy(error: &(dyn StdError + 'static)) -> bool {
    matches!(find::<TunnelError>(error), Some(TunnelError::ProxyAuthRequired))
}

/// Explains why a connection failed. `causes` are the texts of the causes of `error`; see [`chain`].
pub(crate) fn of(error: &(dyn StdError + 'static), causes: Vec<String>, way: &Way) -> Error {
    read(error, &causes, way).with_causes(causes)
}

fn read(error: &(dyn StdError + 'static), causes: &[String], way: &Way) -> Error {
    let innermost = causes.last().map_or("no cause was given", String::as_str);
    if let Some(error) = find::<rustls::Error>(error) {
        return handshake(error, &way.peer());
    }
    let to = &way.to;
    let unresolved = find::<Unresolved>(error).is_some();
    let server_unresolved = find::<ServerUnresolved>(error).is_some();
    // If the process can open no more files, the error of the system's resolver does not say so. So `are_gone` tries to
    // open a file.
    if find::<io::Error>(error).is_some_and(descriptors::ran_out)
        || ((unresolved || server_unresolved) && descriptors::are_gone())
    {
        return out_of_descriptors();
    }
    let nameless = |hint: &'static str| {
        let what = format!("the name of {to} cannot be resolved: {innermost}");
        since(Reason::Dns, Kind::Connect, what, hint)
    };
    if server_unresolved {
        return nameless(
            "With a proxy URL of socks5, this machine resolves the name of the server. With socks5h, the proxy does.",
        );
    }
    if let Some(proxy) = &way.proxy {
        let what = format!("no connection to {to} through the proxy {proxy}: {innermost}");
        return since(
            Reason::Proxy,
            Kind::Proxy,
            what,
            if is_unknown_to_proxy(error) {
                message![
                    "The proxy asks for a user and a password: give them in its URL (setting ",
                    Name("proxy"),
                    ", or HTTPS_PROXY), as http://user:password@host:port with special characters percent-encoded."
                ]
            } else if unresolved {
                message![
                    "The proxy's name cannot be resolved: check the setting ",
                    Name("proxy"),
                    ", or HTTPS_PROXY."
                ]
            } else {
                message![
                    "Check the proxy's address and credentials in the setting ",
                    Name("proxy"),
                    ", or HTTPS_PROXY, and whether the proxy allows this host. NO_PROXY bypasses a proxy of the \
                     environment."
                ]
            },
        );
    }
    if unresolved {
        return nameless("Check the base URL's host, and this machine's DNS and network.");
    }
    if find::<io::Error>(error).is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
        return since(
            Reason::Refused,
            Kind::Connect,
            format!("{to} refuses connections: {innermost}"),
            "Check the base URL's host and port. A firewall may be in between.",
        );
    }
    Error::new(Kind::Connect, format!("no connection to {to} could be made: {innermost}"))
}

/// Explains a failed TLS handshake. Every reason concerns the server or the server's certificate, so another attempt
/// would fail in the same way.
fn handshake(error: &rustls::Error, to: &str) -> Error {
    match error {
        rustls::Error::InvalidCertificate(error) => certificate(error, to),
        rustls::Error::AlertReceived(AlertDescription::ProtocolVersion)
        | rustls::Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => since(
            Reason::TlsVersion,
            Kind::Tls,
            format!("{to} supports neither TLS 1.2 nor TLS 1.3: {error}"),
            "The server, or a proxy that intercepts TLS, must support TLS 1.2 or newer. The SDK refuses older versions, \
             because they are broken.",
        ),
        rustls::Error::AlertReceived(
            AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity,
        ) => since(
            Reason::TlsSuites,
            Kind::Tls,
            format!(
                "{to} offers none of the cipher suites that the SDK supports ({}), or none that fits its certificate: {error}",
                tls::suites().join(", ")
            ),
            "The server, or a proxy that intercepts TLS, must offer one of these suites. The SDK refuses weaker ones.",
        ),
        rustls::Error::AlertReceived(AlertDescription::UnrecognisedName) => since(
            Reason::WrongHost,
            Kind::Tls,
            format!("the server at {to} knows no host of that name: {error}"),
            "Check the base URL's host.",
        ),
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => since(
            Reason::NotTls,
            Kind::Tls,
            format!("{to} does not speak TLS: {error}"),
            "Check the base URL's port, and whether something answers in the server's place.",
        ),
        error => Error::new(Kind::Tls, format!("the TLS handshake with {to} failed: {error}")),
    }
}

fn certificate(error: &CertificateError, to: &str) -> Error {
    let since = |reason, what, hint: Message| since(reason, Kind::Tls, what, hint);
    match error {
        CertificateError::ExpiredContext { time, not_after } => since(
            Reason::ExpiredCertificate,
            format!(
                "the certificate of {to} expired at {}, and it is {} by this machine's clock",
                date(*not_after),
                date(*time)
            ),
            "Whoever runs the server must renew its certificate. If this machine's clock is wrong, set it.".into(),
        ),
        CertificateError::NotValidYetContext { time, not_before } => since(
            Reason::FutureCertificate,
            format!(
                "the certificate of {to} is not valid before {}, and it is {} by this machine's clock",
                date(*not_before),
                date(*time)
            ),
            "Most likely this machine's clock is wrong: set it. Otherwise whoever runs the server must change the \
             certificate."
                .into(),
        ),
        CertificateError::NotValidForNameContext { presented, .. } => since(
            Reason::WrongHost,
            format!("the certificate of {to} is not for this host; it is for {}", names(presented)),
            "Check the base URL's host. If it is right, something else answers in the server's place.".into(),
        ),
        CertificateError::UnknownIssuer => since(
            Reason::UnknownCa,
            format!("the certificate of {to} comes from an authority that is not trusted here"),
            message![
                "If you know the authority (a company's own, or that of a proxy that intercepts TLS), give its certificate \
                 with the setting ",
                Name("caBundle"),
                ", which is trusted in addition to the system's certificates. On Linux the file in SSL_CERT_FILE, if it is \
                 set, replaces the system's certificates."
            ],
        ),
        CertificateError::Other(OtherError(other)) if let Some(why) = other.downcast_ref() => {
            unproven(*why, to)
        }
        error => Error::new(
            Kind::Tls,
            format!(
                "the certificate of {to} is not acceptable: {}",
                rustls::Error::InvalidCertificate(error.clone())
            ),
        ),
    }
}

fn unproven(why: Unproven, to: &str) -> Error {
    let since = |reason, what, hint: Message| since(reason, Kind::Tls, what, hint);
    match why {
        Unproven::SelfSigned => since(
            Reason::SelfSigned,
            format!("the certificate of {to} is self-signed and not trusted here"),
            message![
                "If you know it to be the server's, give it with the setting ",
                Name("caBundle"),
                ". Otherwise something answers in the server's place."
            ],
        ),
        Unproven::SelfSignedAuthority => since(
            Reason::SelfSigned,
            format!("the certificate of {to} is self-signed and marked as an authority's (CA:TRUE)"),
            message![
                "A server's own certificate must not be marked as an authority's, even if it is trusted. Create an \
                 authority, let it sign a certificate for the server, and give the authority's certificate with the \
                 setting ",
                Name("caBundle"),
                "."
            ],
        ),
        Unproven::Namesake => since(
            Reason::UnknownCa,
            format!(
                "the certificate of {to} names a trusted authority as its issuer, but is signed with a different key than that \
                 authority's"
            ),
            message![
                "Most likely the authority was replaced by a new one of the same name: give the new authority's certificate \
                 with the setting ",
                Name("caBundle"),
                ". Otherwise something answers in the server's place."
            ],
        ),
    }
}

fn date(at: UnixTime) -> impl fmt::Display {
    let seconds = i64::try_from(at.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}

/// The names in a certificate. This function takes the names out of rustls's texts, such as `DnsName("example.com")`,
/// because webpki's list of the names leaves out IP addresses.
fn names(presented: &[String]) -> String {
    let bare = |name: &String| name.split('"').nth(1).unwrap_or(name).to_owned();
    let mut names: Vec<String> = presented.iter().take(MOST_NAMES).map(bare).collect();
    match presented.len().checked_sub(MOST_NAMES) {
        _ if names.is_empty() => return "no host at all".to_owned(),
        Some(more) if more > 0 => names.push(format!("{more} more")),
        _ => {}
    }
    names.join(", ")
}

/// The causes beneath an error, outermost first.
pub(crate) fn chain(error: &(dyn StdError + 'static)) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if causes.last() != Some(&text) {
            causes.push(text);
        }
        next = cause.source();
    }
    causes
}

/// Finds an error of this type: the error itself or one of its causes.
pub(super) fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(found) = cause.downcast_ref::<E>() {
            return Some(found);
        }
        // The method `source` of an I/O error skips the error that the I/O error wraps, so the wrapped error is
        // searched here.
        if let Some(inner) = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref)
            && let Some(found) = find::<E>(inner)
        {
            return Some(found);
        }
        next = cause.source();
    }
    None
}
