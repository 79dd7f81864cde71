//! A world: one workspace with its own keys, clock, limit, script and log.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::document::{DOCUMENT, Shape};
use crate::limit::Limit;
use crate::log::{Body, Request};
use crate::operations::{self, Reply};
use crate::script::{Script, ScriptedAnswer, When};
use crate::settings::WorldSettings;
use crate::workspace::Workspace;

/// The success status without a body.
pub(crate) const NO_CONTENT: u16 = 204;

/// The ids, URLs and keys with which a test uses its world.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WorldInfo {
    /// The id of the world in the control API.
    pub id: String,
    /// The base URL over https; it ends with `/api/v1`.
    pub base_url: String,
    /// Host and port of the sandbox: `127.0.0.1:PORT`.
    pub authority: String,
    /// The base URL over http.
    pub http_base_url: String,
    /// The valid key.
    pub api_key: String,
    /// All keys of the world.
    pub keys: Keys,
    /// How many times faster than real time the time of the world passes.
    pub time_scale: f64,
    /// The `workspaceId` in the answers of the world.
    pub workspace_id: u64,
}

/// The keys of a world. No other world accepts them.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Keys {
    /// Allows everything.
    pub valid: String,
    /// Another key that allows everything.
    pub second: String,
    /// Requests with this key are answered with 401, because the token is invalid.
    pub invalid: String,
    /// Requests with this key are answered with 401, because the user who created the key is gone.
    pub orphaned: String,
    /// Allows reading. A write is answered with 403.
    pub read_only: String,
}

/// The names of a world's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum KeyName {
    Valid,
    Second,
    Invalid,
    Orphaned,
    ReadOnly,
}

impl KeyName {
    /// Returns the name of the key as a scenario writes it.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Second => "second",
            Self::Invalid => "invalid",
            Self::Orphaned => "orphaned",
            Self::ReadOnly => "readOnly",
        }
    }
}

/// Every key contains this mark, so that `tests/house/canary` finds leaked keys in printed texts. The mark has
/// characters that percent-encoding changes, because an encoded key must be found, too.
const CANARY: &str = "cnry7Kq3/vX9w+Zp";

impl Keys {
    pub(crate) fn of(world: &str) -> Self {
        let key = |kind: &str| format!("sandbox-{world}-{kind}-{CANARY}-{:016x}", fastrand::u64(..));
        Self {
            valid: key("valid"),
            second: key("second"),
            invalid: key("invalid"),
            orphaned: key("orphaned"),
            read_only: key("readonly"),
        }
    }

    fn name_of(&self, key: &str) -> Option<KeyName> {
        let Self { valid, second, invalid, orphaned, read_only } = self;
        [
            (valid, KeyName::Valid),
            (second, KeyName::Second),
            (invalid, KeyName::Invalid),
            (orphaned, KeyName::Orphaned),
            (read_only, KeyName::ReadOnly),
        ]
        .into_iter()
        .find_map(|(known, name)| (known == key).then_some(name))
    }
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) info: WorldInfo,
    pub(crate) clock: Arc<Clock>,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) workspace: Workspace,
    pub(crate) limit: Limit,
    pub(crate) script: Script,
    revoked: BTreeSet<KeyName>,
    log: Vec<Request>,
    admitted: Vec<bool>,
}

impl State {
    /// Returns the number of a request among the requests of its operation, counted from 1.
    fn nth(&self, index: usize) -> usize {
        let operation = self.log.get(index).and_then(|request| request.operation);
        self.log.iter().take(index + 1).filter(|other| other.operation == operation).count()
    }
}

/// The answer to a request, and how it is sent.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) manner: ScriptedAnswer,
}

impl World {
    pub(crate) fn new(info: WorldInfo, settings: WorldSettings) -> Self {
        let clock = Arc::new(Clock::starting_now(settings.time_scale).ahead(settings.clock_ahead));
        let (limit, script) = (Limit::new(settings.limit), Script::new(settings.script.clone()));
        let workspace = Workspace::new(settings, info.workspace_id, Arc::clone(&clock));
        Self {
            info,
            clock,
            state: Mutex::new(State {
                workspace,
                limit,
                script,
                revoked: BTreeSet::new(),
                log: Vec::new(),
                admitted: Vec::new(),
            }),
        }
    }

    /// Logs and counts a request once its head has arrived. Returns its index in the log.
    pub(crate) fn arrive(&self, mut request: Request) -> usize {
        request.operation = DOCUMENT.find(&request.method, &request.path).map(|found| found.id.as_str());
        request.key_name = request.key().and_then(|key| self.info.keys.name_of(key));
        let mut state = self.lock();
        // The time is read under the lock, so that the log is sorted by time.
        request.arrived = self.clock.elapsed();
        let admitted = state.limit.admit(self.clock.scaled(request.arrived));
        state.admitted.push(admitted);
        state.log.push(request);
        state.log.len() - 1
    }

    /// Logs the body of a request and returns the script's answer to the request. Returns `None` if the script has no
    /// answer or the limit refuses the request.
    pub(crate) fn scripted(&self, index: usize, body: &[u8]) -> Option<ScriptedAnswer> {
        let mut guard = self.lock();
        let state = &mut *guard;
        let nth = state.nth(index);
        let entry = state.log.get_mut(index)?;
        entry.body = Body::read(body, entry.header("content-type"));
        if state.admitted.get(index) == Some(&false) {
            return None;
        }
        let answer = state.script.next(entry, nth, index + 1);
        entry.scripted = answer.is_some();
        answer
    }

    /// Returns the answer to send. If the script replaces or loses the answer, the operation is performed only if the
    /// script's entry has `apply`.
    pub(crate) fn decide(&self, index: usize, answer: Option<ScriptedAnswer>) -> Outgoing {
        let mut guard = self.lock();
        let state = &mut *guard;
        let Some(request) = state.log.get(index).cloned() else {
            return outcome(Reply::error(500, "lost", ""), None);
        };
        if state.admitted.get(index) == Some(&false) {
            return Self::refusal(&state.limit);
        }
        let nth = state.nth(index);
        state.revoked.extend(answer.as_ref().and_then(|answer| answer.revoke));
        let wanted =
            answer.as_ref().is_none_or(|answer| answer.apply || (answer.is_own() && !answer.is_lost()));
        let own = wanted.then(|| Self::perform(&mut state.workspace, &state.revoked, &request));
        state.workspace.after(&request, nth, index + 1);
        let mut outcome = outcome(own.unwrap_or(Reply { status: 200, body: Value::Null }), answer);
        outcome.replace_key(request.key().unwrap_or_default());
        outcome
    }

    fn perform(workspace: &mut Workspace, revoked: &BTreeSet<KeyName>, request: &Request) -> Reply {
        if let Some(refused) = check_key(request, revoked) {
            return refused;
        }
        match DOCUMENT.find(&request.method, &request.path) {
            Some(operation) => operations::perform(workspace, operation, request),
            None => Reply::error(404, "Not found", format!("Cannot {}", request.title())),
        }
    }

    fn refusal(limit: &Limit) -> Outgoing {
        let text = format!("More than {} requests in the last {:?}", limit.allowed(), limit.window());
        let mut outcome = outcome(Reply { status: 429, body: json!({ "error": text }) }, None);
        outcome
            .headers
            .extend(limit.retry_after().map(|after| ("retry-after".to_owned(), after.to_string())));
        outcome
    }

    /// Whether a matching request has been answered. An answer that the script loses by a `reset` counts too. A request
    /// that the script lets hang does not count.
    pub(crate) fn has_answered(&self, when: &When) -> bool {
        let state = self.lock();
        state.log.iter().enumerate().any(|(index, request)| {
            request.answered.is_some() && when.holds(request, state.nth(index), index + 1)
        })
    }

    /// Logs the status, the shape and the `Retry-After` of the answer to a request.
    pub(crate) fn note_head(&self, index: usize, outcome: &Outgoing) {
        if let Some(entry) = self.lock().log.get_mut(index) {
            entry.status = Some(outcome.status);
            // If the script truncates an answer, the client does not receive the whole body, so no shape is logged.
            let whole = outcome.manner.cut_body_at.is_none() && outcome.manner.reset.is_none();
            entry.shape = whole.then(|| Shape::of(&outcome.body)).flatten();
            entry.retry_after = outcome
                .headers
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case("retry-after"))
                .map(|(_, value)| value.clone());
        }
    }

    /// Logs the end of a request: whether the answer was sent as planned (`answered`) or the client disconnected first.
    pub(crate) fn note_end(&self, index: usize, answered: bool) {
        let now = self.clock.elapsed();
        if let Some(entry) = self.lock().log.get_mut(index) {
            *(if answered { &mut entry.answered } else { &mut entry.gone }) = Some(now);
        }
    }

    /// Returns a copy of the log and the counts of the limit.
    pub(crate) fn record(&self) -> Record {
        let state = self.lock();
        Record {
            requests: state.log.clone(),
            refused: state.limit.refused(),
            peak: state.limit.peak(),
            allowed: state.limit.allowed() as usize,
            scale: self.clock.scale(),
        }
    }

    #[cfg(test)]
    pub(crate) fn into_workspace(self) -> Workspace {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).workspace
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check_key(request: &Request, revoked: &BTreeSet<KeyName>) -> Option<Reply> {
    let refused = |details: &str| Some(Reply::error(401, "Authentication error", details));
    if request.header("authorization").is_none() {
        return refused("No authorization header found");
    }
    match request.key_name.filter(|name| !revoked.contains(name)) {
        Some(KeyName::Valid | KeyName::Second) => None,
        Some(KeyName::Orphaned) => refused("No user found"),
        Some(KeyName::ReadOnly) => (request.method != "GET")
            .then(|| Reply::error(403, "Forbidden", "This API key does not allow writing")),
        Some(KeyName::Invalid) | None => refused("Token is invalid"),
    }
}

/// The log of a world and the counts of its limit.
#[derive(Debug, Clone, Default)]
pub(crate) struct Record {
    pub(crate) requests: Vec<Request>,
    pub(crate) refused: usize,
    pub(crate) peak: usize,
    pub(crate) allowed: usize,
    pub(crate) scale: f64,
}

fn outcome(own: Reply, answer: Option<ScriptedAnswer>) -> Outgoing {
    let manner = answer.unwrap_or_default();
    let mut kind = "application/json; charset=utf-8";
    let (status, body) = if manner.is_own() {
        let mut body = own.body;
        manner.edit.iter().for_each(|edit| edit.apply(&mut body));
        (own.status, if own.status == NO_CONTENT { String::new() } else { body.to_string() })
    } else if let Some(text) = &manner.text {
        kind = "text/html; charset=utf-8";
        (manner.status.unwrap_or(200), text.clone())
    } else {
        let body = manner.body.as_ref().map(Value::to_string).unwrap_or_default();
        (manner.status.unwrap_or(200), body)
    };
    let mut headers = vec![("content-type".to_owned(), kind.to_owned())];
    for (name, value) in &manner.headers {
        headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        headers.push((name.to_ascii_lowercase(), value.clone()));
    }
    Outgoing { status, headers, body: body.into_bytes(), manner }
}

impl Outgoing {
    /// Replaces `{{key}}`, `{{key:percent}}` and `{{key:base64}}` with the key of the request, because a server may
    /// repeat the key anywhere and in any form.
    fn replace_key(&mut self, key: &str) {
        let percent = utf8_percent_encode(key, NON_ALPHANUMERIC).to_string();
        let forms = [
            ("{{key}}", key.to_owned()),
            ("{{key:percent}}", percent),
            ("{{key:base64}}", STANDARD.encode(key)),
        ];
        let filled =
            |text: &str| forms.iter().fold(text.to_owned(), |text, (place, form)| text.replace(place, form));
        for (_, value) in &mut self.headers {
            *value = filled(value);
        }
        if let Ok(text) = std::str::from_utf8(&self.body)
            && text.contains("{{key")
        {
            self.body = filled(text).into_bytes();
        }
    }
}
