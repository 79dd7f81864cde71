//! Pages of lists.

use serde_json::{Value, json};

use super::Reply;
use crate::clock::Millis;
use crate::log::Request;
use crate::settings::HasMore;
use crate::workspace::Workspace;

/// The documented default of `limit`.
pub(super) const LIMIT: usize = 100;

/// Returns one page of `all`. `has_more` says whether pages of this list have the member `hasMore`. The world's
/// settings can override `has_more`.
pub(super) fn page<T>(
    workspace: &Workspace,
    request: &Request,
    (limit, has_more): (usize, bool),
    all: &[T],
    show: impl FnOnce(&[T]) -> Vec<Value>,
) -> Reply {
    let offset = whole(request, "offset", 0);
    let limit = whole(request, "limit", limit).min(workspace.page_cap.unwrap_or(usize::MAX));
    let rest = all.get(offset..).unwrap_or_default();
    let shown = show(rest.get(..limit).unwrap_or(rest));
    let more = match workspace.has_more {
        HasMore::Honest if has_more => Some(rest.len() > limit),
        HasMore::Always => Some(true),
        HasMore::Never => Some(false),
        HasMore::Honest | HasMore::Omit => None,
    };
    Reply::good(more.map_or_else(|| json!({"data": shown}), |more| json!({"hasMore": more, "data": shown})))
}

/// Reads a query parameter. It is a whole number from 0: the sandbox has refused any other value before this call.
/// `5.0` means 5.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is whole and not negative")]
fn whole(request: &Request, name: &str, default: usize) -> usize {
    request
        .parameter(name)
        .and_then(|text| text.parse::<f64>().ok())
        .map_or(default, |number| number as usize)
}

/// Parses the query parameter `name` as a time.
pub(super) fn moment(workspace: &Workspace, request: &Request, name: &str) -> Option<Millis> {
    workspace.clock.parse(request.parameter(name)?)
}
