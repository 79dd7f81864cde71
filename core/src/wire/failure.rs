//! Errors, in the form that hosts decode.

use std::fmt;

use serde::Serialize;

use super::text;
use crate::attempt::Meta;
use crate::error::Error;
use crate::json::Json;
use crate::message::Style;
use crate::model::Written;
use crate::problem::RunProblem;

/// The error of a call or of the settings, as data.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Failure(Box<Data>);

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    kind: &'static str,
    code: Option<&'static str>,
    message: String,
    status: Option<u16>,
    details: Option<Json>,
    operation: Option<String>,
    operation_id: Option<String>,
    resource: Option<String>,
    retry_after_ms: Option<u64>,
    hint: Option<String>,
    causes: Vec<String>,
    meta: Option<Meta>,
    run: Option<String>,
    problem: Option<RunProblem>,
}

impl Failure {
    /// The failure as the JSON that hosts decode.
    #[must_use]
    pub fn to_json(&self) -> String {
        self.written(false)
    }

    pub(super) fn written(&self, as_text: bool) -> String {
        let written = Written::of(self).map(|json| if as_text { text::marked(&json) } else { json.text });
        written.ok().and_then(|json| String::from_utf8(json).ok()).unwrap_or_default()
    }
}

impl Failure {
    /// Converts an error. The names of arguments and methods are written as in the host's language.
    pub(super) fn of(error: &Error, style: Style) -> Self {
        let text = |text: Option<&str>| text.map(ToOwned::to_owned);
        Self(Box::new(Data {
            kind: error.kind().as_str(),
            code: error.code(),
            message: error.in_style(style),
            status: error.status(),
            details: error.details().cloned(),
            operation: error.operation().map(|method| style.method(method)),
            operation_id: text(error.operation_id()),
            resource: text(error.resource()),
            retry_after_ms: error.retry_after().map(whole_millis),
            hint: error.hint_in(style),
            causes: error.causes_in(style),
            meta: error.meta().cloned().map(|meta| meta.in_style(style)),
            run: text(error.run()),
            problem: error.problem().cloned(),
        }))
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        Self::of(error, Style::Rust)
    }
}

/// The wait in milliseconds, at most 2^53: a host that holds numbers as doubles has exact integers only up to 2^53.
fn whole_millis(wait: std::time::Duration) -> u64 {
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).min(1 << 53)
}

impl fmt::Display for Failure {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.0.message)
    }
}

impl std::error::Error for Failure {}
