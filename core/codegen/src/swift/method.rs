//! Formats methods and calls: on one line if they fit, else with one argument on each line.

use serde_json::{Value as Json, json};

use super::prose::WIDTH;
use super::spell::{self, camel};
use super::{is, list, text};

/// Returns what the templates need for an operation: the head and the body of its method and of its raw method, its
/// name in links, and its call in the tests.
pub(super) fn forms(operation: &Json) -> Json {
    let (form, method) =
        (operation.get("form").unwrap_or(&Json::Null), spell::name(text(operation, "method")));
    let kind = text(form, "kind");
    let head = match kind {
        "page" => format!(" -> {} {{", text(form, "type")),
        "nothing" => " async throws {".to_owned(),
        _ => format!(" async throws -> {} {{", text(form, "type")),
    };
    let raw_head = format!(" async throws -> RawResponse<{}> {{", text(form, "raw"));
    let (call, raw_call) = match kind {
        "page" => ("door.list", "try await door.rawValue"),
        "run" => ("try await door.run", "try await door.rawRun"),
        "latest" => ("try await door.latestRun", "try await door.rawLatestRun"),
        "nothing" => ("try await door.nothing", "try await door.rawNothing"),
        _ => ("try await door.value", "try await door.rawValue"),
    };
    let declared = declared(operation);
    let discardable = if matches!(kind, "value" | "run") && !text(operation, "http").starts_with("GET ") {
        "    @discardableResult\n"
    } else {
        ""
    };
    json!({
        "head": format!("{discardable}{}", broken(4, &format!("public func {method}("), &declared, &format!("){head}"))),
        "body": body(8, call, operation),
        "raw_head": broken(8, &format!("public func {method}("), &declared, &format!("){raw_head}")),
        "raw_body": body(12, raw_call, operation),
        "selector": selector(operation),
        "test": test(operation, &method),
    })
}

fn declared(operation: &Json) -> Vec<String> {
    list(operation, "args")
        .iter()
        .map(|argument| text(argument, "declared").to_owned())
        .chain(["options: CallOptions = CallOptions()".to_owned()])
        .collect()
}

/// Returns the body of the method, which is one expression.
fn body(indent: usize, call: &str, operation: &Json) -> String {
    let members: Vec<String> = list(operation, "args")
        .iter()
        .map(|argument| format!("\"{}\": {}", text(argument, "wire"), text(argument, "given")))
        .collect();
    let members = if members.is_empty() { vec![":".to_owned()] } else { members };
    let op = text(operation, "op");
    let line = format!("{}{call}(\"{op}\", [{}], options)", " ".repeat(indent), members.join(", "));
    if line.chars().count() < WIDTH {
        return line;
    }
    let (outer, inner, deep) = (" ".repeat(indent), " ".repeat(indent + 4), " ".repeat(indent + 8));
    format!(
        "{outer}{call}(\n{inner}\"{op}\",\n{inner}[\n{deep}{},\n{inner}], options)",
        members.join(&format!(",\n{deep}"))
    )
}

/// Joins `open`, `parts` and `close`: on one line if they fit, else with each part on a line of its own.
fn broken(indent: usize, open: &str, parts: &[String], close: &str) -> String {
    let outer = " ".repeat(indent);
    let line = format!("{outer}{open}{}{close}", parts.join(", "));
    if line.chars().count() <= WIDTH {
        return line;
    }
    let inner = format!(",\n{}", " ".repeat(indent + 4));
    format!("{outer}{open}\n{}{}\n{outer}{close}", " ".repeat(indent + 4), parts.join(&inner))
}

/// Returns the method's name with its argument labels, as links in docs write it, such as `get(_:options:)`.
fn selector(operation: &Json) -> String {
    let labels: Vec<&str> = list(operation, "args").iter().map(|argument| text(argument, "label")).collect();
    let labels = [&labels, &["options"][..]].concat().join(":");
    format!("{}({labels}:)", camel(text(operation, "method")))
}

/// Returns what the templates of the tests need to call the method with the arguments of a scenario.
fn test(operation: &Json, method: &str) -> Json {
    let mut made: Vec<String> =
        list(operation, "args").iter().map(|argument| text(argument, "made").to_owned()).collect();
    made.push("options: options".to_owned());
    let names: Vec<String> =
        list(operation, "args").iter().map(|argument| format!("\"{}\"", text(argument, "wire"))).collect();
    json!({
        "arguments": made.join(", "),
        "names": names.join(", "),
        "method": method,
        "deprecated": is(operation, "deprecated"),
    })
}
