//! What the operations of the API do in a world.

mod syncs;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::document::Operation;
use crate::log::Request;
use crate::settings::HasMore;
use crate::world::Workspace;

/// What an operation answers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Reply {
    pub(crate) fn good(body: Value) -> Self {
        Self { status: 200, body }
    }

    pub(crate) fn error(status: u16, message: &str, details: impl Into<Value>) -> Self {
        Self { status, body: json!({"message": message, "details": details.into()}) }
    }

    /// As the document has it: the faults by the name of what they are about.
    fn invalid(faults: impl IntoIterator<Item = (String, String)>) -> Self {
        let details: BTreeMap<_, _> =
            faults.into_iter().map(|(at, what)| (at, json!({"message": what}))).collect();
        Self::error(422, "Validation failed", json!(details))
    }

    fn not_found(what: &str) -> Self {
        Self::error(404, "Not found", what)
    }
}

/// Does what a request asks for; what the document has against it is answered with 422.
pub(crate) fn perform(workspace: &mut Workspace, operation: &Operation, request: &Request) -> Reply {
    let faults = operation.faults(request);
    if !faults.is_empty() {
        return Reply::invalid(faults);
    }
    let path = |name| operation.path_value(&request.path, name).unwrap_or_default();
    match operation.id.as_str() {
        "ListSync" => syncs::list(workspace, request),
        "GetSync" => syncs::get(workspace, &path("syncId")),
        "ListSyncRuns" => syncs::list_runs(workspace, &path("syncId"), request),
        "TriggerRun" => syncs::trigger(workspace, &path("syncId")),
        "TriggerRunCustom" => syncs::trigger_by_body(workspace, request),
        name => {
            Reply { status: 501, body: json!({"message": format!("The sandbox does not do {name} yet")}) }
        }
    }
}

/// One page out of everything that fits the filters.
fn page<T>(workspace: &Workspace, request: &Request, all: &[T], mut show: impl FnMut(&T) -> Value) -> Reply {
    let (offset, limit) = match (whole(request, "offset", 0), whole(request, "limit", 100)) {
        (Ok(offset), Ok(limit)) => (offset, limit),
        (Err(fault), _) | (_, Err(fault)) => return Reply::invalid([fault]),
    };
    let limit = limit.min(workspace.page_cap.unwrap_or(usize::MAX));
    let data: Vec<Value> = all.iter().skip(offset).take(limit).map(&mut show).collect();
    let more = all.len() > offset.saturating_add(limit);
    Reply::good(match workspace.has_more {
        HasMore::Honest => json!({"hasMore": more, "data": data}),
        HasMore::Always => json!({"hasMore": true, "data": data}),
        HasMore::Never => json!({"hasMore": false, "data": data}),
        HasMore::Omit => json!({"data": data}),
    })
}

/// The document says number; the sandbox takes whole ones from 0.
fn whole(request: &Request, name: &str, default: usize) -> Result<usize, (String, String)> {
    request.parameter(name).map_or(Ok(default), |text| {
        text.parse().map_err(|_| (name.to_owned(), "expected a whole number from 0".to_owned()))
    })
}

#[cfg(test)]
mod tests;
