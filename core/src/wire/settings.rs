//! Settings and options as they cross the door.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::call::{Options, Priority};
use crate::config::{RateLimit, Settings};
use crate::error::{Error, Kind};
use crate::model::{Mended, Model, Reader, Types, strict};
use crate::secret::Secret;

request! {
    /// What a client is created from; each may be left out.
    pub(super) struct DoorSettings {
        /// The workspace's API key; read from `HIGHTOUCH_API_KEY` when left out.
        client api_key = "apiKey": Secret,
        /// A file that holds the API key, a regular file of at most 64 KiB; one line break at its end is not the key's.
        client api_key_file = "apiKeyFile": String,
        /// The API's address with its `/api/v1`, `https`, or `http` to a loopback address; read from
        /// `HIGHTOUCH_BASE_URL` when left out.
        client base_url = "baseUrl": String,
        /// Used for the `HIGHTOUCH_` names and a proxy's in place of the process's environment.
        client environment = "environment": BTreeMap<String, Secret>,
        /// The workspace's limit as requests and seconds; 200 in 10 when left out. It may be set lower or higher but
        /// not off.
        client limit = "limit": Vec<f64>,
        /// The part of the limit that this process may take, above 0 and up to 1; read from `HIGHTOUCH_SHARE` when left
        /// out. All clients of a workspace in a process keep the smallest share that one of them names. Processes do not
        /// see each other: give each its share.
        client share = "share": f64,
        /// Milliseconds that one attempt may take; 30,000 when left out.
        client timeout_ms = "timeoutMs": u64,
        /// Milliseconds that a whole call may take, its waiting and retries included; without end when left out.
        client deadline_ms = "deadlineMs": u64,
        /// Milliseconds that a call may wait for the limit; without end when left out, and 0 means: now or not at all.
        client max_wait_ms = "maxWaitMs": u64,
        /// How often a call that may be repeated is; 3 when left out. Waiting for the limit does not count.
        client max_retries = "maxRetries": u32,
        /// A file of certificates (PEM, at most 16 MiB) that are trusted beside the system's.
        client ca_bundle = "caBundle": String,
        /// A proxy's URL, used for every request; read from the usual variables (`HTTPS_PROXY`, `NO_PROXY`) when left
        /// out.
        client proxy = "proxy": Secret,
        /// Headers that are sent with every request, such as those that a gateway asks for; a call's own come first.
        client headers = "headers": BTreeMap<String, String>,
        /// The key comes from a function of the host's: see `client.keyWanted`.
        client key_later = "keyLater": bool,
        /// Names the language in the User-Agent.
        client language = "language": String,
        /// Has opaque JSON cross the door as text; for hosts whose decoders would lose digits.
        client json_text = "jsonText": bool,
        /// Divides every wait of the SDK's own; for tests.
        client time_scale = "timeScale": f64,
        /// Opens the operation that panics; for tests.
        client self_test = "selfTest": bool,
        /// Accepts settings from which no client can be created; such an engine can only run `diagnose`.
        client diagnosing = "diagnosing": bool,
    }
}

/// Settings that bindings and tests use and hosts do not show.
pub(super) const INTERNAL_SETTINGS: &[&str] =
    &["environment", "keyLater", "language", "jsonText", "timeScale", "selfTest", "diagnosing"];

request! {
    /// Options of one call; what is left out is as the client has it.
    pub(super) struct DoorOptions {
        /// Milliseconds that one attempt may take.
        client timeout_ms = "timeoutMs": u64,
        /// Milliseconds that the whole call may take, its waiting and retries included.
        client deadline_ms = "deadlineMs": u64,
        /// How often the call may be repeated, if it may be.
        client max_retries = "maxRetries": u32,
        /// Milliseconds that the call may wait for the limit; 0 means: now or not at all.
        client max_wait_ms = "maxWaitMs": u64,
        /// Its class in the queue for the limit: `trigger`, `poll`, `read` or `bulk`.
        client priority = "priority": String,
        /// Headers sent beside the client's.
        client headers = "headers": BTreeMap<String, String>,
        /// Returns the server's answer untouched.
        client raw = "raw": bool,
        /// The call is made from inside the function that gives the key.
        client in_key_function = "inKeyFunction": bool,
    }
}

/// Options that bindings use and hosts do not show.
pub(super) const INTERNAL_OPTIONS: &[&str] = &["inKeyFunction"];

impl Model for Secret {
    fn read(from: &mut Reader<'_>, mended: &mut Mended) -> Result<Option<Self>, String> {
        Ok(String::read(from, mended)?.map(Self::from))
    }

    fn describe(_: &mut Types) -> Value {
        Value::from("string")
    }
}

impl DoorSettings {
    /// The settings in the core's own types.
    pub(super) fn into_settings(self) -> Result<Settings, Error> {
        let mut settings = Settings::new();
        settings.limit = self.limit.as_deref().map(limit).transpose()?;
        settings.api_key = self.api_key;
        settings.api_key_file = self.api_key_file.map(PathBuf::from);
        settings.base_url = self.base_url;
        settings.environment = self.environment;
        settings.share = self.share;
        settings.timeout = self.timeout_ms.map(Duration::from_millis);
        settings.deadline = self.deadline_ms.map(Duration::from_millis);
        settings.max_wait = self.max_wait_ms.map(Duration::from_millis);
        settings.max_retries = self.max_retries;
        settings.ca_bundle = self.ca_bundle.map(PathBuf::from);
        settings.proxy = self.proxy;
        settings.headers = self.headers.unwrap_or_default();
        settings.internal.key_later = self.key_later.unwrap_or(false);
        if let Some(language) = self.language {
            settings.internal.language = language;
        }
        if let Some(scale) = self.time_scale {
            settings.internal.scale = scale;
        }
        Ok(settings)
    }
}

/// Requests and seconds.
fn limit(pair: &[f64]) -> Result<RateLimit, Error> {
    let wrong = |what: &str| Err(Error::new(Kind::Config, format!("the setting limit {what}")));
    let &[requests, seconds] = pair else { return wrong("takes two numbers: requests and seconds") };
    if !((1.0..=1_000_000.0).contains(&requests) && requests.fract() == 0.0) {
        return wrong("takes a whole number of requests from 1 to 1,000,000");
    }
    if !(0.001..=86_400.0).contains(&seconds) {
        return wrong("takes from 0.001 to 86,400 seconds");
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked above")]
    let requests = requests as u32;
    Ok(RateLimit { requests, window: Duration::from_secs_f64(seconds) })
}

impl DoorOptions {
    /// The options in the core's own types.
    pub(super) fn into_options(self) -> Result<Options, Error> {
        let priority = match self.priority.as_deref() {
            None => None,
            Some("trigger") => Some(Priority::Trigger),
            Some("poll") => Some(Priority::Poll),
            Some("read") => Some(Priority::Read),
            Some("bulk") => Some(Priority::Bulk),
            Some(_) => {
                let what = "the option priority takes trigger, poll, read or bulk";
                return Err(Error::new(Kind::InvalidRequest, what));
            }
        };
        Ok(Options {
            timeout: self.timeout_ms.map(Duration::from_millis),
            deadline: self.deadline_ms.map(Duration::from_millis),
            max_retries: self.max_retries,
            max_wait: self.max_wait_ms.map(Duration::from_millis),
            priority,
            headers: self.headers.unwrap_or_default(),
        })
    }
}

/// Settings as a host would write them; for tests.
///
/// # Errors
/// Kind `config`, with the path of the setting.
pub fn settings(text: &str) -> Result<Settings, Error> {
    strict::read::<DoorSettings>("settings", text, Kind::Config)?.into_settings()
}

/// Options as a host would write them; for tests.
///
/// # Errors
/// Kind `invalid_request`, with the path of the option.
pub fn options(text: &str) -> Result<Options, Error> {
    strict::read::<DoorOptions>("options", text, Kind::InvalidRequest)?.into_options()
}

/// Settings whose waits are all divided by `scale`; for tests.
#[must_use]
pub fn with_time_scale(mut settings: Settings, scale: f64) -> Settings {
    settings.internal.scale = scale;
    settings
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;

    use super::*;
    use crate::model::strict::read;

    fn message<T: DeserializeOwned>(text: &str) -> String {
        match read::<T>("options", text, Kind::InvalidRequest) {
            Ok(_) => panic!("{text} must be refused"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_misspelt_name_is_an_error_that_names_what_is_there() {
        let message = message::<DoorOptions>(r#"{"timeoutMS": 5}"#);
        assert!(message.contains("timeoutMS") && message.contains("timeoutMs"), "{message}");
    }

    #[test]
    fn an_ill_typed_value_is_an_error_with_its_path() {
        assert!(
            message::<DoorOptions>(r#"{"headers": {"a": 7}}"#).starts_with("options.headers.a: invalid type")
        );
        assert!(
            message::<DoorOptions>(r#"{"timeoutMs": -1}"#).starts_with("options.timeoutMs: invalid value")
        );
        assert!(
            message::<DoorOptions>(r#"{"timeoutMs": null}"#)
                .starts_with("options.timeoutMs: invalid type: null")
        );
    }

    #[test]
    fn what_was_found_in_the_wrong_place_is_not_repeated() {
        let message = message::<DoorSettings>(r#"{"timeoutMs": "the \", key"}"#);
        assert!(!message.contains("key"), "{message}");
        assert!(message.contains("a string, expected u64"), "{message}");
        let message = super::tests::message::<DoorSettings>(r#"{"apiKey": 123456}"#);
        assert!(!message.contains("123456") && message.contains("expected"), "{message}");
    }

    /// A key that slipped into the place of a name is no misspelt name.
    #[test]
    fn an_unknown_name_that_can_be_none_is_not_repeated() {
        let message = message::<DoorSettings>(r#"{"a`, expected canary": 1}"#);
        assert!(!message.contains("canary") && message.contains("expected one of `apiKey`"), "{message}");
        let message = super::tests::message::<DoorSettings>(r#"{"environment": {"the canary": 1}}"#);
        assert!(!message.contains("canary"), "{message}");
    }

    #[test]
    fn nothing_at_all_is_an_empty_object() {
        assert_eq!(
            read::<DoorOptions>("options", " ", Kind::InvalidRequest).ok(),
            Some(DoorOptions::default())
        );
    }
}
