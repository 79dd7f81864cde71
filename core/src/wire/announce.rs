//! Describes calls that are about to begin, for the hooks of hosts.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Serialize;

use super::ops::{AnyRequest, NextStep, ReadState, arguments, origin};
use super::table::Entry;
use super::{Engine, Made};
use crate::attempt::{Subject, random_id};
use crate::call::Call;
use crate::client::{Client, any_call};
use crate::error::Error;
use crate::runs::RunToken;

/// The description of a call that is about to begin. Hosts pass it to their hooks.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Announced<'a> {
    pub call_id: String,
    pub operation: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation_id: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sync: Option<String>,
    /// The HTTP method; absent if the call sends requests of several operations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_method: Option<String>,
    /// The path of the operation below the base URL, with its parameters in braces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url_template: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_address: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_port: Option<u16>,
}

impl Engine {
    /// Describes a call that is about to begin, as JSON, and gives the call an id. Hosts pass the description to their
    /// hooks, and the id to [`call`](Self::call) as the option `callId`. If the arguments are invalid, the description
    /// leaves them out.
    #[must_use]
    pub fn announce(&self, op: &str, args: &str) -> String {
        let base = self.client().map(|client| &client.sender().config().base);
        let Called { subject, method, path } = self.called(op, args);
        let announced = Announced {
            call_id: random_id(),
            operation: self.style.method(subject.method),
            operation_id: subject.operation_id,
            resource: subject.resource,
            sync: subject.sync,
            http_method: method,
            url_template: path,
            server_address: base.and_then(|base| base.host_str()),
            server_port: base.and_then(url::Url::port_or_known_default),
        };
        serde_json::to_string(&announced).unwrap_or_default()
    }

    /// Returns the method that the user calls, and the resource that the arguments name.
    pub(super) fn subject(&self, op: &str, args: &str) -> Subject {
        self.called(op, args).subject
    }

    fn client(&self) -> Option<&Client> {
        match &self.made {
            Made::Client(client) => Some(client),
            Made::Nothing(_) => None,
        }
    }

    fn called(&self, op: &str, args: &str) -> Called {
        let client = self.client();
        // A panic must not reach the host language.
        let read = || client.and_then(|client| Called::of(client, op, args).ok());
        let called = catch_unwind(AssertUnwindSafe(read)).unwrap_or_default();
        let called = called.unwrap_or_else(|| Called::unknown(op));
        match client {
            Some(client) => Called { subject: client.sender().scrubbed(&called.subject), ..called },
            None => called,
        }
    }
}

/// The description of a call, read from its name and arguments.
struct Called {
    subject: Subject,
    method: Option<String>,
    path: Option<&'static str>,
}

impl Called {
    fn of(client: &Client, op: &str, args: &str) -> Result<Self, Error> {
        let run = match op {
            "run" => Some(arguments::<NextStep>(args)?.run),
            "run.state" => Some(arguments::<ReadState>(args)?.run),
            _ => None,
        };
        if let Some(run) = run {
            let token = RunToken::decode(&run, origin(client.sender()))?;
            let subject = Subject { method: local(op), ..token.subject() };
            return Ok(Self { subject, method: Some("GET".to_owned()), path: None });
        }
        let call = if let Some(entry) = Entry::find(op) {
            entry.named(arguments(args)?)?
        } else {
            let asked: AnyRequest = arguments(args)?;
            any_call(&asked.method, &asked.path, &BTreeMap::new(), None)?
        };
        Ok(Self::by(&call))
    }

    fn by(call: &Call) -> Self {
        let path = call.operation().map(|operation| operation.path);
        Self { subject: call.subject().clone(), method: Some(call.method().to_string()), path }
    }

    /// Describes a call by its name `op` alone: its arguments cannot be read, or it uses no operation of the API.
    fn unknown(op: &str) -> Self {
        match Entry::find(op) {
            Some(Entry { operation, .. }) => Self {
                subject: Subject { operation_id: Some(operation.id), ..Subject::method(operation.op) },
                method: Some(operation.method.to_string()),
                path: Some(operation.path),
            },
            None => Self { subject: Subject::method(local(op)), method: None, path: None },
        }
    }
}

/// Returns the name of the user's method for `op`, which must not be an operation of the API.
fn local(op: &str) -> &'static str {
    match op {
        "run" => "run",
        "run.state" => "run.state",
        "client.diagnose" => "diagnose",
        "syncs.run_many" => "syncs.run_many",
        _ => "request",
    }
}
