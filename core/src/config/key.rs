//! The API key: checked before anything is sent, and scrubbed from every text that repeats it.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use crate::error::{Error, Kind};
use crate::reason::Reason;
use crate::text::without;

/// The text that replaces the key.
const REDACTED: &str = "[key]";

/// What the header has before the key (RFC 6750 §2.1).
const BEARER: &str = "Bearer ";

/// A workspace's API key.
#[derive(Clone)]
pub(crate) struct Key(Arc<Held>);

/// The key, and what every request needs of it.
struct Held {
    text: SecretString,
    header: HeaderValue,
    digest: [u8; 32],
}

impl Key {
    /// A key from the caller, which is used unchanged.
    pub(crate) fn new(text: &str) -> Result<Self, Error> {
        let refused = |reason: Reason, what: &'static str, hint: &'static str| {
            Err(Error::new(Kind::Config, message!["the API key ", what]).with_reason(reason).with_hint(hint))
        };
        let wrong = |reason: Reason, what: &'static str| {
            let hint =
                "Copy the key again from Settings, API keys, in the Hightouch workspace. Nothing was sent.";
            refused(reason, what, hint)
        };
        if text.is_empty() {
            return wrong(Reason::NoKey, "is empty");
        }
        if text.get(..BEARER.len()).is_some_and(|start| start.eq_ignore_ascii_case(BEARER)) {
            let hint = "Pass the key alone: the SDK writes `Bearer` before it. Nothing was sent.";
            return refused(Reason::MalformedKey, "begins with `Bearer`", hint);
        }
        if text.starts_with(['"', '\'']) || text.ends_with(['"', '\'']) {
            let hint = "Pass the key without them: a file or a shell may have kept them. Nothing was sent.";
            return refused(Reason::MalformedKey, "has quotation marks around it", hint);
        }
        if is_placeholder(text) {
            let hint = "Whatever should have put the key in its place did not: check how it is passed on. Nothing was \
                        sent.";
            return refused(Reason::MalformedKey, "is the name of a variable and not its value", hint);
        }
        // RFC 9110 §5.5 forbids control characters in a header's value; a space would end the token (RFC 6750 §2.1).
        if text.bytes().any(|byte| byte == b'\n' || byte == b'\r') {
            return wrong(Reason::MalformedKey, "has a line break in it");
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            let what = "has a space, a control character or a character outside ASCII in it";
            return wrong(Reason::MalformedKey, what);
        }
        let mut header = HeaderValue::try_from(format!("{BEARER}{text}"))
            .map_err(|_| Error::new(Kind::Config, "the API key cannot be sent in a header"))?;
        header.set_sensitive(true);
        let mut sum = [0; 32];
        for (to, from) in sum.iter_mut().zip(digest(&SHA256, text.as_bytes()).as_ref()) {
            *to = *from;
        }
        Ok(Self(Arc::new(Held { text: SecretString::from(text), header, digest: sum })))
    }

    /// A key from a file or the environment. These often end in a line break that is not part of the key; one is
    /// removed.
    pub(crate) fn from_outside(text: &str) -> Result<Self, Error> {
        let text = text.strip_suffix('\n').map_or(text, |rest| rest.strip_suffix('\r').unwrap_or(rest));
        Self::new(text)
    }

    /// The `Authorization` header (RFC 6750 §2.1), marked so that HTTP/2 neither indexes nor prints it.
    pub(crate) fn header(&self) -> HeaderValue {
        self.0.header.clone()
    }

    /// Tells keys apart without holding them.
    pub(crate) fn digest(&self) -> [u8; 32] {
        self.0.digest
    }

    /// The text without the key.
    pub(crate) fn scrub(&self, text: &str) -> String {
        without(text, self.0.text.expose_secret(), REDACTED)
    }
}

/// Whether the text is a variable of a template or a shell in place of its value: `${KEY}`, `$KEY`, `%KEY%`, `{{ KEY
/// }}`.
fn is_placeholder(text: &str) -> bool {
    let within = |open: &str, close: &str| text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
    let is_name = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'_' | b'0'..=b'9'))
    };
    within("${", "}").is_some()
        || within("{{", "}}").is_some()
        || within("%", "%").is_some_and(is_name)
        || within("$", "").is_some_and(is_name)
}

impl fmt::Debug for Key {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(REDACTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Guards against sending a key together with the text around it, which the server would refuse as unknown.
    #[test]
    fn what_is_around_a_key_by_mistake_is_named_and_the_key_is_not() {
        for (text, what) in [
            ("Bearer s3cr3t", "begins with `Bearer`"),
            ("bearer s3cr3t", "begins with `Bearer`"),
            ("\"s3cr3t\"", "quotation marks"),
            ("'s3cr3t", "quotation marks"),
            ("${S3CR3T}", "name of a variable"),
            ("$S3CR3T", "name of a variable"),
            ("%S3CR3T%", "name of a variable"),
            ("{{ secrets.s3cr3t }}", "name of a variable"),
            ("s3cr3t x", "a space"),
        ] {
            let error = Key::new(text).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(error.to_string().contains(what), "{shown}");
            assert!(!shown.to_ascii_lowercase().contains("s3cr3t"), "{shown}");
        }
        for text in ["$2y$10$abc", "a'b", "100%", "bearer"] {
            assert!(Key::new(text).is_ok(), "{text}");
        }
    }
}
