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

/// The text before the key in the `Authorization` header (RFC 6750 §2.1).
const BEARER: &str = "Bearer ";

#[derive(Clone)]
pub(crate) struct Key(Arc<Held>);

/// The key, and the values derived from it that every request needs.
struct Held {
    text: SecretString,
    header: HeaderValue,
    digest: [u8; 32],
}

impl Key {
    /// Creates a key from a text that the caller passed, without changing the text.
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
            let hint = "Nothing has replaced the variable with the key: check how the key is passed to the program. \
                        Nothing was sent.";
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

    /// Creates a key from a text that comes from a file, a variable or a key function. Such a text often ends in a line
    /// break that is not part of the key, so one line break at the end is removed.
    pub(crate) fn from_outside(text: &str) -> Result<Self, Error> {
        let text = text.strip_suffix('\n').map_or(text, |rest| rest.strip_suffix('\r').unwrap_or(rest));
        Self::new(text)
    }

    /// The `Authorization` header (RFC 6750 §2.1). It is marked as sensitive, so HTTP/2 does not index it and debug
    /// output does not show it.
    pub(crate) fn header(&self) -> HeaderValue {
        self.0.header.clone()
    }

    /// The SHA-256 of the key. The digest distinguishes keys without revealing them.
    pub(crate) fn digest(&self) -> [u8; 32] {
        self.0.digest
    }

    /// Whether the key is so long that it does not occur in a text by chance. Every key of Hightouch is that long.
    pub(super) fn is_long(&self) -> bool {
        self.0.text.expose_secret().len() >= 8
    }

    /// Replaces the key wherever a text contains it.
    pub(crate) fn scrub(&self, text: &str) -> String {
        without(text, self.0.text.expose_secret(), REDACTED)
    }
}

/// Whether the text is a variable of a template or a shell in place of the variable's value: `${KEY}`, `$KEY`, `%KEY%`
/// or `{{ KEY }}`.
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

    /// Guards against sending a key together with text around it. The server would refuse such a text as an unknown
    /// key.
    #[test]
    fn an_error_about_a_malformed_key_says_what_is_wrong_and_does_not_show_the_key() {
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
