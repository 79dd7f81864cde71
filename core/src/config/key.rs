//! The key: kept apart, checked before anything is sent, and taken out of whatever repeats it.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use crate::error::{Error, Kind};
use crate::reason::Reason;
use crate::text::without;

/// What stands where the key was.
const REDACTED: &str = "[key]";

/// A workspace's API key.
#[derive(Clone)]
pub(crate) struct Key(SecretString);

impl Key {
    /// A key given as a value: taken as it is.
    pub(crate) fn new(text: &str) -> Result<Self, Error> {
        let wrong = |reason: Reason, what: &str| {
            Err(Error::new(Kind::Config, format!("the API key {what}")).with_reason(reason).with_hint(
                "Copy the key again from Settings, API keys, in the Hightouch workspace; nothing was sent.",
            ))
        };
        if text.is_empty() {
            return wrong(Reason::NoKey, "is empty");
        }
        // RFC 9110 §5.5 forbids control characters in a header's value; a space would end the token (RFC 6750 §2.1).
        if text.bytes().any(|byte| byte == b'\n' || byte == b'\r') {
            return wrong(Reason::MalformedKey, "has a line break in it");
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            let what = "has a space, a control character or a character outside ASCII in it";
            return wrong(Reason::MalformedKey, what);
        }
        Ok(Self(SecretString::from(text)))
    }

    /// A key from a file or the environment, which often end in one line break that is not the key's.
    pub(crate) fn from_outside(text: &str) -> Result<Self, Error> {
        let text = text.strip_suffix('\n').map_or(text, |rest| rest.strip_suffix('\r').unwrap_or(rest));
        Self::new(text)
    }

    /// The `Authorization` header (RFC 6750 §2.1), marked so that HTTP/2 neither indexes nor prints it.
    pub(crate) fn header(&self) -> Result<HeaderValue, Error> {
        let mut value = HeaderValue::try_from(format!("Bearer {}", self.0.expose_secret()))
            .map_err(|_| Error::new(Kind::Config, "the API key cannot be sent in a header"))?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// Tells keys apart without holding them.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (to, from) in bytes.iter_mut().zip(digest(&SHA256, self.0.expose_secret().as_bytes()).as_ref()) {
            *to = *from;
        }
        bytes
    }

    /// The text without the key.
    pub(crate) fn scrub(&self, text: &str) -> String {
        without(text, self.0.expose_secret(), REDACTED)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(REDACTED)
    }
}
