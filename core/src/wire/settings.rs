//! Settings and options, as host languages pass them in JSON.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::call::{Options, Priority};
use crate::config::{LimitScope, RateLimit, Settings, setting};
use crate::error::{Error, Kind};
use crate::message::{Name, Term};
use crate::model::strict::{self, FromCaller, Given, Invalid};
use crate::model::{Mended, Readable, Reader, Types};
use crate::secret::Secret;

request! {
    /// The settings of a client; all are optional.
    pub(super) struct DoorSettings {
        /// The API key of the workspace; read from `HIGHTOUCH_API_KEY` by default.
        client api_key = "apiKey": Secret,
        /// The path of a file that holds the API key: a regular file of at most 64 KiB. One line break at the end of
        /// the file is ignored. Cannot be set together with the key itself.
        client api_key_file = "apiKeyFile": String,
        /// The address of the API, including `/api/v1`. It must use `https`, or `http` to a loopback address. Read from
        /// `HIGHTOUCH_BASE_URL` by default, else `https://api.hightouch.com/api/v1`.
        client base_url = "baseUrl": String,
        /// Variables that replace the environment of the process: the `HIGHTOUCH_` variables, and the variables that
        /// name a proxy.
        client(internal) environment = "environment": BTreeMap<String, Secret>,
        /// The rate limit of the workspace: how many requests (1 to 1,000,000) may be sent in how many seconds (0.001
        /// to 86,400); 200 requests in 10 seconds by default. It can be lowered or raised, but not turned off.
        client limit = "limit": Pair,
        /// The part of the rate limit that this process may use, above 0 and up to 1; read from `HIGHTOUCH_SHARE` by
        /// default, else 1. The smallest share that a client names applies to all clients of the workspace in the
        /// process. If a Redis or Valkey server keeps the limit, the share applies only while that server does not
        /// answer.
        client share = "share": f64,
        /// Who shares the rate limit. `host`: all processes of the same user on this host. `process`: the clients of
        /// this process. The URL of a Redis or Valkey server (`redis://…`, or `rediss://…` for TLS): all processes, on
        /// any host, whose setting names this server. Read from `HIGHTOUCH_LIMIT_SCOPE` by default, else `host`. In one
        /// process, the setting of a workspace's first client is used.
        client limit_scope = "limitScope": Secret,
        /// Time limit of one attempt, in milliseconds, above 0; 30,000 by default.
        client timeout_ms = "timeoutMs": Millis,
        /// Time limit of a whole call, with its waiting and retries, in milliseconds, above 0; unlimited by default.
        client deadline_ms = "deadlineMs": Millis,
        /// How long a call may wait for the rate limit, in milliseconds; unlimited by default. With 0, a call is sent
        /// at once or fails with an error of kind `rate_limited`.
        client max_wait_ms = "maxWaitMs": Millis,
        /// How many times a failed call may be sent again, if that is safe; 3 by default. Waiting for the rate limit
        /// does not count.
        client max_retries = "maxRetries": u32,
        /// The path of a PEM file, at most 16 MiB, with certificates to trust in addition to those of the system.
        client ca_bundle = "caBundle": String,
        /// The URL of a proxy (`http`, `https`, `socks5` or `socks5h`) for every request; read from the usual variables
        /// (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`) by default.
        client proxy = "proxy": Secret,
        /// Headers to send with every request, such as a header that a gateway requires. If a call and the client
        /// have headers with the same name, the header of the call is sent.
        client headers = "headers": BTreeMap<String, String>,
        /// Whether a key function of the host provides the key. The host calls the operation `client.keyWanted`, which
        /// returns when the core needs a key.
        client(internal) key_later = "keyLater": bool,
        /// The host language with its version, such as `python/3.11`. The User-Agent names it, and messages spell names
        /// as this language does.
        client(internal) language = "language": String,
        /// Passes opaque JSON to and from the host as text, for hosts with decoders that would lose digits.
        client(internal) json_text = "jsonText": bool,
        /// Divides every wait of the SDK by this number; for tests.
        client(internal) time_scale = "timeScale": f64,
        /// Enables the operation that panics; for tests.
        client(internal) self_test = "selfTest": bool,
        /// Accepts settings from which no client can be created; such an engine can only run `diagnose`.
        client(internal) diagnosing = "diagnosing": bool,
    }
}

request! {
    /// Options of one call. They take precedence over the settings of the client.
    pub(super) struct DoorOptions {
        /// Time limit of one attempt, in milliseconds, above 0.
        client timeout_ms = "timeoutMs": Millis,
        /// Time limit of the whole call, with its waiting and retries, in milliseconds, above 0.
        client deadline_ms = "deadlineMs": Millis,
        /// How many times the call may be sent again after a failure, if that is safe. Waiting for the rate limit does
        /// not count.
        client max_retries = "maxRetries": u32,
        /// How long the call may wait for the rate limit, in milliseconds. With 0, the call is sent at once or fails
        /// with an error of kind `rate_limited`.
        client max_wait_ms = "maxWaitMs": Millis,
        /// Priority of the call while it waits for the rate limit: `trigger`, `poll`, `read` or `bulk`. The default
        /// depends on the operation.
        client priority = "priority": String,
        /// Headers to send in addition to the client's headers. If the call and the client have headers with the same
        /// name, the header of the call is sent.
        client headers = "headers": BTreeMap<String, String>,
        /// Returns the server's answer untouched.
        client raw = "raw": bool,
        /// Whether the call is made from inside a key function.
        client(internal) in_key_function = "inKeyFunction": bool,
        /// The id of the call, which `Engine::announce` returned.
        client(internal) call_id = "callId": String,
    }
}

/// A length of time, in whole milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Millis(u64);

impl FromCaller for Millis {
    fn from_caller(raw: &RawValue) -> Result<Self, Invalid> {
        u64::from_caller(raw)
            .map(Self)
            .map_err(|_| Invalid::wrong(message!["must be ", Term::Time, ", and not negative"]))
    }
}

impl From<Millis> for Duration {
    fn from(millis: Millis) -> Self {
        Self::from_millis(millis.0)
    }
}

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(self.0)
    }
}

impl Readable for Millis {
    fn read(from: &mut Reader<'_>, mended: &mut Mended) -> Result<Option<Self>, String> {
        Ok(u64::read(from, mended)?.map(Self))
    }

    fn describe(types: &mut Types) -> Value {
        u64::describe(types)
    }
}

/// The rate limit: a number of requests and a number of seconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Pair(Vec<f64>);

const PAIR: &str = "must be two numbers: requests and seconds";

impl FromCaller for Pair {
    fn from_caller(raw: &RawValue) -> Result<Self, Invalid> {
        // Python, Node.js and Swift each have another type for the pair, so the error names none.
        if raw.get().starts_with('[') { Vec::from_caller(raw).map(Self) } else { Err(Invalid::wrong(PAIR)) }
    }
}

impl Readable for Pair {
    fn read(from: &mut Reader<'_>, mended: &mut Mended) -> Result<Option<Self>, String> {
        Ok(Vec::read(from, mended)?.map(Self))
    }

    fn describe(types: &mut Types) -> Value {
        Vec::<f64>::describe(types)
    }
}

impl Readable for Secret {
    fn read(from: &mut Reader<'_>, mended: &mut Mended) -> Result<Option<Self>, String> {
        Ok(String::read(from, mended)?.map(Self::from))
    }

    fn describe(_: &mut Types) -> Value {
        Value::from("string")
    }
}

impl DoorSettings {
    pub(super) fn into_settings(self) -> Result<Settings, Error> {
        let mut settings = Settings::new();
        settings.limit = self.limit.map(|pair| limit(&pair.0)).transpose()?;
        settings.api_key = self.api_key;
        settings.api_key_file = self.api_key_file.map(PathBuf::from);
        settings.base_url = self.base_url;
        settings.environment = self.environment;
        settings.share = self.share;
        settings.limit_scope = self.limit_scope.map(LimitScope::named);
        settings.timeout = self.timeout_ms.map(Duration::from);
        settings.deadline = self.deadline_ms.map(Duration::from);
        settings.max_wait = self.max_wait_ms.map(Duration::from);
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

/// Reads a rate limit from the number of requests and the seconds of the window.
fn limit(pair: &[f64]) -> Result<RateLimit, Error> {
    let wrong = |what: &'static str| Err(setting("limit", what));
    let &[requests, seconds] = pair else { return wrong(PAIR) };
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
    pub(super) fn into_options(self) -> Result<Options, Error> {
        let priority = match self.priority.as_deref() {
            None => None,
            Some("trigger") => Some(Priority::Trigger),
            Some("poll") => Some(Priority::Poll),
            Some("read") => Some(Priority::Read),
            Some("bulk") => Some(Priority::Bulk),
            Some(_) => {
                let what = message!["the option ", Name("priority"), " takes trigger, poll, read or bulk"];
                return Err(Error::new(Kind::InvalidRequest, what));
            }
        };
        Ok(Options {
            timeout: self.timeout_ms.map(Duration::from),
            deadline: self.deadline_ms.map(Duration::from),
            max_retries: self.max_retries,
            max_wait: self.max_wait_ms.map(Duration::from),
            priority,
            headers: self.headers.unwrap_or_default(),
            call_id: self.call_id,
        })
    }
}

/// Reads settings as Python, Node.js and Swift pass them, in JSON. Only tests use this function.
///
/// # Errors
/// Kind `config` if a setting is unknown or wrong. The message names the setting.
pub fn settings(text: &str) -> Result<Settings, Error> {
    strict::read::<DoorSettings>(Given::Settings, text)?.into_settings()
}

/// Reads options in the JSON of a host; for tests.
///
/// # Errors
/// Kind `invalid_request` if an option is unknown or wrong. The message names the option.
pub fn options(text: &str) -> Result<Options, Error> {
    strict::read::<DoorOptions>(Given::Options, text)?.into_options()
}

/// Returns the settings with every wait of the SDK divided by `scale`; for tests.
#[must_use]
pub fn with_time_scale(mut settings: Settings, scale: f64) -> Settings {
    settings.internal.scale = scale;
    settings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::Fields as _;

    fn message<T: FromCaller>(given: Given, text: &str) -> String {
        match strict::read::<T>(given, text) {
            Ok(_) => panic!("{text} must be refused"),
            Err(error) => error.to_string(),
        }
    }

    fn options(text: &str) -> String {
        message::<DoorOptions>(Given::Options, text)
    }

    fn settings(text: &str) -> String {
        message::<DoorSettings>(Given::Settings, text)
    }

    #[test]
    fn a_misspelt_name_is_answered_with_the_one_that_was_meant() {
        let meant = "Unknown option `max_retrys`; did you mean `max_retries`? Nothing was sent.";
        assert_eq!(options(r#"{"max_retrys": 5}"#), meant);
        let meant = "Unknown setting `basURL`; did you mean `base_url`? Nothing was sent.";
        assert_eq!(settings(r#"{"basURL": ""}"#), meant);
        assert_eq!(
            options(r#"{"colour": 5}"#),
            "Unknown option `colour`; known are `timeout`, `deadline`, `max_retries`, `max_wait`, `priority`, `headers`, \
             `raw`. Nothing was sent."
        );
    }

    /// An error message must not suggest a setting that is only for bindings and tests.
    #[test]
    fn internal_settings_are_never_suggested() {
        for name in
            ["key_late", "timeScal", "jsonTxt", "selftest", "diagnosin", "languag", "environmen", "zzz"]
        {
            let message = settings(&format!("{{\"{name}\": 1}}"));
            let internal = DoorSettings::ARGUMENTS.iter().filter(|setting| setting.internal);
            let shown: Vec<_> =
                internal.filter(|setting| message.contains(&format!("`{}`", setting.name))).collect();
            assert!(shown.is_empty(), "{message}");
        }
    }

    #[test]
    fn an_ill_typed_value_is_an_error_with_its_place() {
        for (text, expected) in [
            (r#"{"headers": {"a": 7}}"#, "The option `headers.a` must be a string, not a number."),
            (r#"{"timeoutMs": -1}"#, "The option `timeout` must be a duration, and not negative."),
            (
                r#"{"maxRetries": null}"#,
                "The option `max_retries` must be a whole number from 0 to 4,294,967,295, not null.",
            ),
            (r#"{"raw": "yes"}"#, "The option `raw` must be true or false, not a string."),
            ("[]", "The options must be one JSON object."),
            ("{} {}", "The options must be one JSON object."),
        ] {
            assert_eq!(options(text), format!("{expected} Nothing was sent."));
        }
    }

    #[test]
    fn a_value_in_the_wrong_place_is_not_repeated() {
        for text in
            [r#"{"timeoutMs": "the \", key"}"#, r#"{"apiKey": 123456}"#, r#"{"environment": {"the key": 1}}"#]
        {
            let message = settings(text);
            assert!(!message.contains("the key") && !message.contains("123456"), "{message}");
        }
    }

    /// A name with characters that no setting has is not a misspelling. It may be a secret in the wrong place.
    #[test]
    fn an_unknown_name_that_is_not_a_misspelling_is_not_repeated() {
        let message = settings(r#"{"a`, expected canary": 1}"#);
        assert!(
            message.starts_with("Unknown setting; known are `api_key`, ") && !message.contains("canary"),
            "{message}"
        );
    }

    #[test]
    fn blank_options_are_an_empty_object() {
        assert_eq!(strict::read::<DoorOptions>(Given::Options, " ").ok(), Some(DoorOptions::default()));
    }
}
