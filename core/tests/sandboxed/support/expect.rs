//! Compares the expectations of a scenario with the results.

use serde_json::Value;

/// Returns where `seen` differs from `wanted`; `None` if they match. Ignores members that `wanted` does not name.
pub fn mismatch(wanted: &Value, seen: &Value) -> Option<String> {
    at("", wanted, seen)
}

fn at(path: &str, wanted: &Value, seen: &Value) -> Option<String> {
    match (wanted, seen) {
        (Value::Object(wanted), Value::Object(seen)) => wanted.iter().find_map(|(name, wanted)| {
            at(&format!("{path}.{name}"), wanted, seen.get(name).unwrap_or(&Value::Null))
        }),
        (Value::Array(wanted), Value::Array(seen)) => list(path, wanted, seen),
        (Value::Number(wanted), Value::Number(seen)) if wanted.as_f64() == seen.as_f64() => None,
        (wanted, seen) if wanted == seen => None,
        (wanted, seen) => Some(format!("{path}: wanted {wanted}, saw {seen}")),
    }
}

fn list(path: &str, wanted: &[Value], seen: &[Value]) -> Option<String> {
    match wanted.split_first() {
        None if seen.is_empty() => None,
        None => Some(format!("{path}: {} more than wanted, first {}", seen.len(), seen[0])),
        Some((first, rest)) if first == "..." => {
            let fits = (0..=seen.len()).any(|skipped| list(path, rest, &seen[skipped..]).is_none());
            (!fits).then(|| format!("{path}: {rest:?} is not at the end of {seen:?}"))
        }
        Some((first, rest)) => match seen.split_first() {
            None => Some(format!("{path}: wanted {first}, and there was no more")),
            Some((head, tail)) => {
                at(&format!("{path}[{}]", seen.len()), first, head).or_else(|| list(path, rest, tail))
            }
        },
    }
}

/// Returns where a failure differs from the `expect.error` of a step; `None` if they match. `printed` is the failure as
/// text.
pub fn error_mismatch(wanted: &Value, failure: &Value, printed: &str) -> Option<String> {
    let texts = |value: &Value| match value {
        Value::Array(texts) => texts.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>(),
        Value::String(text) => vec![text.clone()],
        _ => Vec::new(),
    };
    for (name, wanted) in wanted.as_object().into_iter().flatten() {
        let seen = &failure[name.as_str()];
        let problem = match name.as_str() {
            "contains" => {
                let text = |member: &str| failure[member].as_str().unwrap_or_default();
                let said = format!("{} {}", text("message"), text("hint"));
                texts(wanted)
                    .into_iter()
                    .find(|text| !said.contains(text.as_str()))
                    .map(|text| format!("{text:?} is not in {said}"))
            }
            "notContaining" => {
                let everything = format!("{failure} {printed}");
                texts(wanted)
                    .into_iter()
                    .find(|text| everything.contains(text.as_str()))
                    .map(|_| "it repeats what it must not".to_owned())
            }
            _ if wanted == "..." => seen.is_null().then(|| format!("{name} is not there")),
            _ => at(name, wanted, seen),
        };
        if let Some(problem) = problem {
            return Some(format!("{problem}; the failure was {failure}"));
        }
    }
    None
}
