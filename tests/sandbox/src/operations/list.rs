//! Pages out of lists.

use serde_json::{Value, json};

use super::Reply;
use crate::clock::Millis;
use crate::log::Request;
use crate::settings::HasMore;
use crate::workspace::Workspace;

/// What is asked of a page unless the request says otherwise.
pub(super) const LIMIT: usize = 100;

/// One page out of everything that fits the filters. `told`: whether such a page says that there are more, where the
/// world does not ask for anything else.
pub(super) fn page<T>(
    workspace: &Workspace,
    request: &Request,
    (limit, told): (usize, bool),
    all: &[T],
    show: impl FnOnce(&[T]) -> Vec<Value>,
) -> Reply {
    let (offset, limit) = match (whole(request, "offset", 0), whole(request, "limit", limit)) {
        (Ok(offset), Ok(limit)) => (offset, limit),
        (Err(fault), _) | (_, Err(fault)) => return Reply::invalid([fault]),
    };
    let limit = limit.min(workspace.page_cap.unwrap_or(usize::MAX));
    let rest = all.get(offset..).unwrap_or_default();
    let shown = show(rest.get(..limit).unwrap_or(rest));
    let more = match workspace.has_more {
        HasMore::Honest if told => Some(rest.len() > limit),
        HasMore::Always => Some(true),
        HasMore::Never => Some(false),
        HasMore::Honest | HasMore::Omit => None,
    };
    Reply::good(more.map_or_else(|| json!({"data": shown}), |more| json!({"hasMore": more, "data": shown})))
}

/// The document says number; the sandbox takes whole ones from 0.
fn whole(request: &Request, name: &str, default: usize) -> Result<usize, (String, String)> {
    request.parameter(name).map_or(Ok(default), |text| {
        text.parse().map_err(|_| (name.to_owned(), "expected a whole number from 0".to_owned()))
    })
}

/// A time that a request names.
pub(super) fn moment(workspace: &Workspace, request: &Request, name: &str) -> Option<Millis> {
    workspace.clock.parse(request.parameter(name)?)
}
