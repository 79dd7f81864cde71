//! Changes the names in docs to the spelling of a language. The docs in the catalogue contain the names of Rust, in
//! backticks.

use std::collections::{BTreeMap, BTreeSet};

use heck::ToLowerCamelCase as _;
use serde_json::Value as Json;

/// How a language spells names.
pub(crate) struct Spelling {
    /// Spells a member, an argument, an option or a setting, given its name in JSON.
    pub member: fn(&str) -> String,
    /// Spells the kind of an error.
    pub kind: fn(&str) -> String,
}

/// Rewrites the names in the docs of the catalogue: members of the same type, arguments of the same operation, methods,
/// and kinds of errors. Anything else in backticks stays unchanged.
///
/// # Errors
/// A doc contains a snake-case name of several words that is neither a known name nor the code of a finding of
/// `diagnose`.
pub(crate) fn respell(catalogue: &mut Json, spelling: &Spelling) -> Result<(), String> {
    let mut known = BTreeMap::new();
    for operation in list(catalogue, "operations") {
        let (resource, method) = (text(operation, "resource"), text(operation, "method"));
        known.insert(format!("{resource}.{method}"), camel_path(&format!("{resource}.{method}")));
        known.insert(method.to_owned(), method.to_lower_camel_case());
    }
    for kind in list(catalogue, "kinds") {
        known.insert(text(kind, "name").to_owned(), (spelling.kind)(text(kind, "name")));
    }
    let codes: BTreeSet<String> =
        list(catalogue, "findings").iter().map(|finding| text(finding, "code").to_owned()).collect();
    for group in ["settings", "options"] {
        let names = with_members(&known, list(catalogue, group), spelling);
        each(catalogue, group, |setting| docs(setting, &names, &codes))?;
    }
    for (group, members) in [("types", "fields"), ("operations", "args")] {
        each(catalogue, group, |of| {
            let names = with_members(&known, list(of, members), spelling);
            docs(of, &names, &codes)
        })?;
    }
    Ok(())
}

/// Returns `known` with the names of `members` added. If `known` has a name already, the spelling of the member
/// replaces the spelling in `known`.
fn with_members(
    known: &BTreeMap<String, String>,
    members: &[Json],
    spelling: &Spelling,
) -> BTreeMap<String, String> {
    let own = members
        .iter()
        .map(|member| (text(member, "name").to_owned(), (spelling.member)(text(member, "wire"))));
    known.clone().into_iter().chain(own).collect()
}

/// Rewrites the names in the docs of a value, and in the docs of everything within the value.
fn docs(value: &mut Json, names: &BTreeMap<String, String>, codes: &BTreeSet<String>) -> Result<(), String> {
    match value {
        Json::Array(items) => items.iter_mut().try_for_each(|item| docs(item, names, codes)),
        Json::Object(members) => {
            if let Some(Json::String(doc)) = members.get_mut("doc") {
                *doc = respelt(doc, names, codes)?;
            }
            members.values_mut().try_for_each(|member| docs(member, names, codes))
        }
        _ => Ok(()),
    }
}

fn respelt(doc: &str, names: &BTreeMap<String, String>, codes: &BTreeSet<String>) -> Result<String, String> {
    let parts = doc.split('`').enumerate().map(|(index, part)| match names.get(part) {
        Some(name) if index % 2 == 1 => Ok(name.as_str()),
        None if index % 2 == 1 && is_snake(part) && !codes.contains(part) => Err(format!(
            "the doc \"{doc}\" names `{part}`, which is no member or argument beside it, and no method or kind"
        )),
        _ => Ok(part),
    });
    Ok(parts.collect::<Result<Vec<_>, _>>()?.join("`"))
}

/// Whether the text is a name of several words in snake case.
fn is_snake(text: &str) -> bool {
    text.contains('_') && text.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'.'))
}

/// Converts a path to camelCase: `sync_sequences.trigger` becomes `syncSequences.trigger`.
fn camel_path(path: &str) -> String {
    path.split('.').map(str::to_lower_camel_case).collect::<Vec<_>>().join(".")
}

fn each(of: &mut Json, key: &str, change: impl FnMut(&mut Json) -> Result<(), String>) -> Result<(), String> {
    of.get_mut(key).and_then(Json::as_array_mut).into_iter().flatten().try_for_each(change)
}

pub(crate) fn list<'a>(of: &'a Json, key: &str) -> &'a [Json] {
    of.get(key).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

pub(crate) fn text<'a>(of: &'a Json, key: &str) -> &'a str {
    of.get(key).and_then(Json::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    const SPELLING: Spelling = Spelling { member: str::to_owned, kind: |kind| kind.to_lower_camel_case() };

    fn catalogue(doc: &str) -> Json {
        json!({
            "kinds": [{"name": "rate_limited", "doc": ""}],
            "findings": [{"code": "no_key", "doc": ""}],
            "settings": [{"name": "max_wait_ms", "wire": "maxWaitMs", "doc": "Fails with `rate_limited`."}],
            "types": [
                {"name": "Request", "doc": "The `id`.", "fields": [{"name": "id", "wire": "requestId", "doc": ""}]},
                {"name": "Sync", "doc": doc, "fields": [{"name": "started_at", "wire": "startedAt", "doc": doc}]},
            ],
            "operations": [
                {"resource": "sync_sequences", "method": "queue_run", "doc": "By `order_by` or `id`.",
                    "args": [{"name": "order_by", "wire": "orderBy", "doc": ""}]},
            ],
        })
    }

    /// One type spells its `id` as `requestId`. The docs of other types must keep `id`.
    #[test]
    fn docs_name_members_arguments_methods_and_kinds_as_the_language_does() {
        let mut catalogue = catalogue(
            "`id`, `started_at`, `queue_run`, `sync_sequences.queue_run`, `\"raw_sql\"`, `dbt`, `no_key`, started_at",
        );
        respell(&mut catalogue, &SPELLING).unwrap();
        assert_eq!(catalogue["settings"][0]["doc"], "Fails with `rateLimited`.");
        assert_eq!(catalogue["types"][0]["doc"], "The `requestId`.");
        let spelt = "`id`, `startedAt`, `queueRun`, `syncSequences.queueRun`, `\"raw_sql\"`, `dbt`, `no_key`, started_at";
        assert_eq!(catalogue["types"][1]["doc"], spelt);
        assert_eq!(catalogue["types"][1]["fields"][0]["doc"], spelt);
        assert_eq!(catalogue["operations"][0]["doc"], "By `orderBy` or `id`.");
    }

    #[test]
    fn a_name_that_the_language_cannot_have_is_an_error() {
        for doc in ["`finished_at`", "`syncs.no_such`", "`max_wait_ms`"] {
            assert!(respell(&mut catalogue(doc), &SPELLING).unwrap_err().contains(doc), "{doc}");
        }
    }
}
