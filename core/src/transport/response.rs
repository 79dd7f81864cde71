//! Decides whether an answer is a value or an error.

use std::collections::BTreeMap;
use std::time::Duration;

use http::HeaderMap;
use http::header::{LOCATION, RETRY_AFTER};
use serde_json::Value;
use serde_json::value::RawValue;

use super::coding;
use super::http::Exchange;
use crate::error::{Error, Kind};
use crate::json::scan::{self, Member};
use crate::json::{self, Json};
use crate::operation::{Operation, Returns};
use crate::reason::Reason;
use crate::text::brief;

/// A function that removes the API key from a text.
pub(crate) type Scrub<'a> = &'a (dyn Fn(&str) -> String + Sync);

/// What the API writes into `message` when it refuses an API key.
const AUTHENTICATION: &str = "Authentication error";
/// How many characters of a server's text a message shows.
const LONGEST_MESSAGE: usize = 400;
/// The longest message that is read, in bytes. Also how many bytes of an HTML page are searched for its title.
const LARGEST_TEXT: usize = 64 << 10;
/// The largest `details` of an error body that are kept, in bytes.
const LARGEST_DETAILS: usize = 16 << 10;

/// Returns the error of an answer if its status is not 2xx.
pub(crate) fn check(answer: &Exchange, scrub: Scrub<'_>) -> Result<(), Error> {
    if (200..300).contains(&answer.status) {
        return Ok(());
    }
    let said = Said::parse(&answer.body, scrub);
    let (kind, reason, hint) = meaning(answer.status, &said);
    let what = match (answer.status, said.message) {
        (300..400, _) => {
            let to = answer.headers.get(LOCATION).and_then(|to| to.to_str().ok()).unwrap_or("elsewhere");
            format!(
                "the server redirects to {}, and redirects are not followed: the key must not be sent to another origin",
                brief(&scrub(to), LONGEST_MESSAGE)
            )
        }
        (status, Some(message)) => format!("the server answered {status}: {message}"),
        (status, None) => match coding::is_packed(&answer.headers) {
            Ok(_) => format!("the server answered {status} without saying why"),
            Err(coding) => {
                let coding = brief(&scrub(&coding), LONGEST_MESSAGE);
                format!("the server answered {status}, compressed with `{coding}`, which was not requested")
            }
        },
    };
    let error = Error::new(kind, what)
        .with_status(answer.status)
        .with_reason(reason)
        .with_details(said.details)
        .with_retry_after(retry_after(&answer.headers));
    Err(match hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    })
}

/// Describes a body that is not JSON: it is empty, or it is a web page. Returns `None` for any other body.
pub(crate) fn no_json(body: &[u8], scrub: Scrub<'_>) -> Option<String> {
    let body = json::without_byte_order_mark(body);
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => Some("it is empty".to_owned()),
        Some(b'<') => {
            let title = std::str::from_utf8(body).ok().and_then(|text| title(text, scrub));
            let titled = title.map(|title| format!(" titled \"{title}\"")).unwrap_or_default();
            Some(format!(
                "it is a web page{titled} and not JSON; a proxy or another server may have answered in the API's place"
            ))
        }
        Some(_) => None,
    }
}

/// Finds the error that an answer reports under a successful status (2xx). The API declares three shapes of such
/// errors: `{"message", "details"}`, `{"error"}`, and the text "Internal Server Error". An object with the members of
/// the operation's value is not an error. If no operation is given, only texts that the API is known to write count as
/// errors, because an unknown value may have the shape of an error.
pub(crate) fn error_under_200(
    answer: &Exchange,
    operation: Option<&Operation>,
    scrub: Scrub<'_>,
) -> Option<Error> {
    let body = json::without_byte_order_mark(&answer.body);
    let under = format!("under status {}", answer.status);
    let error = match body.iter().find(|byte| !byte.is_ascii_whitespace())? {
        b'"' => {
            let text: String = serde_json::from_slice(body).ok()?;
            if text != "Internal Server Error" {
                return None;
            }
            Error::new(Kind::Server, format!("the server answered \"{text}\" {under}"))
        }
        b'{' if may_be_error(body, operation) => {
            let members: BTreeMap<String, &RawValue> = serde_json::from_slice(body).ok()?;
            let text = |name: &str| {
                members.get(name).and_then(|value| serde_json::from_str::<String>(value.get()).ok())
            };
            let has = |name: &str| members.get(name).is_some_and(|value| value.get() != "null");
            let message = text("message").filter(|_| members.contains_key("details"));
            let is_refused_key = message.as_deref() == Some(AUTHENTICATION);
            let is_validation = match (&message, operation) {
                (None, _) => false,
                (Some(_), Some(operation)) => !operation.returns_object_with(has),
                (Some(message), None) => {
                    (is_refused_key || message == "Validation failed") && !has("id") && !has("data")
                }
            };
            let is_trigger_error = operation.is_some() && members.len() == 1 && text("error").is_some();
            if !is_validation && !is_trigger_error {
                return None;
            }
            let said = Said::parse(body, scrub);
            let (kind, reason, hint) = match (is_refused_key, is_validation) {
                (true, _) => meaning(401, &said),
                (false, true) => (Kind::Validation, None, None),
                (false, false) => (Kind::InvalidRequest, None, None),
            };
            let message = said.message.unwrap_or_else(|| "an error without a message".to_owned());
            let error = Error::new(kind, format!("the server answered an error {under}: {message}"))
                .with_reason(reason)
                .with_details(said.details);
            match hint {
                Some(hint) => error.with_hint(hint),
                None => error,
            }
        }
        _ => return None,
    };
    Some(error.with_status(answer.status))
}

/// Whether an object has the members of an error: `message` and `details`, or `error` alone. The scan stops at the rows
/// of a page, because a page is not an error.
fn may_be_error(body: &[u8], operation: Option<&Operation>) -> bool {
    let is_page = operation.is_some_and(|operation| {
        matches!(operation.returns, Returns::Page(_) | Returns::Lookup(_) | Returns::Latest(_))
    });
    let (mut members, mut message, mut details, mut error) = (0, false, false, false);
    for Member { name, has_escapes, value } in scan::members(body) {
        match name {
            b"data" if is_page && body.get(value) == Some(&b'[') => return false,
            b"message" => message = true,
            b"details" => details = true,
            b"error" => error = true,
            // A name with escapes may stand for `message`, `details` or `error`, so the object must be parsed.
            _ if has_escapes => return true,
            _ => {}
        }
        members += 1;
    }
    message && details || error && members == 1
}

/// How long the server asked to wait (RFC 9110 §10.2.3). `Retry-After` holds seconds, or a date; a date counts only if
/// the answer also has a `Date`.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    // The wait is measured by the server's clock, because this machine's clock may differ by an hour.
    let left = http_date(text)?.saturating_sub(date(headers)?);
    Some(Duration::from_millis(u64::try_from(left).unwrap_or(0)))
}

/// The `Date` of an answer (RFC 9110 §6.6.1), in milliseconds since 1970.
pub(crate) fn date(headers: &HeaderMap) -> Option<i64> {
    http_date(headers.get(http::header::DATE)?.to_str().ok()?)
}

fn http_date(text: &str) -> Option<i64> {
    jiff::fmt::rfc2822::parse(text).ok().map(|at| at.timestamp().as_millisecond())
}

fn meaning(status: u16, said: &Said) -> (Kind, Option<Reason>, Option<&'static str>) {
    match status {
        400 => (Kind::InvalidRequest, None, None),
        401 => {
            let (reason, hint) = why_401(said);
            (Kind::Authentication, Some(reason), Some(hint))
        }
        403 => {
            let hint =
                "The key has its creator's permissions. Ask an Admin which groups the creator belongs to.";
            (Kind::Permission, None, Some(hint))
        }
        404 => (Kind::NotFound, None, None),
        408 | 499 => {
            let hint = "A proxy or gateway on the way, or the server itself, gave up waiting.";
            (Kind::Timeout, None, Some(hint))
        }
        407 => {
            let hint = "The proxy asks for credentials. Give them in its URL.";
            (Kind::Proxy, Some(Reason::Proxy), Some(hint))
        }
        409 => (Kind::Conflict, None, None),
        422 => (Kind::Validation, None, None),
        429 => {
            let hint = "Every process that uses the workspace shares its limit (200 requests in 10 s). Give each process its share.";
            (Kind::RateLimited, Some(Reason::QuotaExhausted), Some(hint))
        }
        500..600 => (Kind::Server, None, None),
        _ => (Kind::Protocol, None, None),
    }
}

/// The reason of a 401, and its hint. The text of `details` tells the three known reasons apart.
fn why_401(said: &Said) -> (Reason, &'static str) {
    let details = said.details.as_ref().map(Json::value);
    let text = details.as_ref().and_then(Value::as_str).unwrap_or_default();
    if text.contains("No user found") {
        let hint = "The creator of the key must be an active Admin of the workspace. Hightouch refuses all keys of a user \
                    who was deactivated or removed. Let an active Admin create a new key.";
        (Reason::OrphanedCreator, hint)
    } else if text.contains("No authorization header") {
        let hint = "The key did not arrive: something between here and the server took the header away.";
        (Reason::StrippedKey, hint)
    } else {
        let hint = "The key may be mistyped, or it may have been deleted. Create a new one under Settings, API keys, in \
                    the Hightouch workspace.";
        (Reason::BadToken, hint)
    }
}

/// The message and details of an error body of any shape.
struct Said {
    message: Option<String>,
    details: Option<Json>,
}

impl Said {
    /// Reads an error body. The API key is removed before any text is shortened, because part of a key would not be
    /// found.
    fn parse(body: &[u8], scrub: Scrub<'_>) -> Self {
        let nothing = Self { message: None, details: None };
        let body = json::without_byte_order_mark(body);
        let Ok(text) = std::str::from_utf8(body) else { return nothing };
        // A text that is longer than `LARGEST_TEXT` is ignored, because scrubbing it is slow.
        let short = |raw: &RawValue| raw.get().len() <= LARGEST_TEXT;
        let string = |raw: &RawValue| short(raw).then(|| serde_json::from_str::<String>(raw.get()).ok())?;
        match serde_json::from_str::<&RawValue>(text) {
            Ok(raw) if raw.get().starts_with('"') => Self {
                message: string(raw).map(|message| brief(&scrub(&message), LONGEST_MESSAGE)),
                details: None,
            },
            Ok(raw) if raw.get().starts_with('{') => {
                let members: BTreeMap<String, &RawValue> =
                    serde_json::from_str(raw.get()).unwrap_or_default();
                let text = |name: &str| {
                    members
                        .get(name)
                        .and_then(|raw| string(raw))
                        .map(|text| brief(&scrub(&text), LONGEST_MESSAGE))
                };
                let details = members
                    .get("details")
                    .filter(|details| details.get() != "null" && details.get().len() <= LARGEST_DETAILS)
                    .and_then(|details| Json::checked(details).ok())
                    .map(|details| details.map_text(&scrub));
                let mut message = text("message").or_else(|| text("error"));
                if let (Some(message), Some(reason)) = (&mut message, text("details")) {
                    *message = format!("{message}: {reason}");
                }
                Self { message, details }
            }
            Ok(_) => nothing,
            Err(_) => Self {
                message: title(text, scrub).map(|title| format!("a page titled \"{title}\"")),
                details: None,
            },
        }
    }
}

/// The title of an HTML page, such as the error page of a proxy. Only the first [`LARGEST_TEXT`] bytes of the page are
/// scrubbed and searched. If these bytes end within a key, that part of the key is not scrubbed. But the returned title
/// cannot contain the part, because the tag that ends the title comes before it.
fn title(text: &str, scrub: Scrub<'_>) -> Option<String> {
    let text = scrub(text.get(..text.floor_char_boundary(LARGEST_TEXT))?);
    let start = text.find("<title>")? + "<title>".len();
    let rest = text.get(start..)?;
    Some(brief(rest.get(..rest.find("</title>")?)?, LONGEST_MESSAGE))
}
