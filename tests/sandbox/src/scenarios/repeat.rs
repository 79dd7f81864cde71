//! Expands `{"repeat": n, "of": ..., "from": first}` in scenarios.

use serde::Deserialize;
use serde_json::{Map, Value};

/// The placeholder for the number of the repetition.
const NUMBER: &str = "{{n}}";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Repeat {
    #[serde(rename = "repeat")]
    times: u64,
    of: Value,
    #[serde(default = "one")]
    from: u64,
}

fn one() -> u64 {
    1
}

/// Expands every `repeat` of a scenario. In a list, the repeated elements take the place of the `repeat`. Elsewhere the
/// repeated texts are joined to one text.
pub(super) fn written_out(value: Value) -> Result<Value, String> {
    match value {
        Value::Array(items) => {
            let mut all = Vec::new();
            for item in items {
                match repeat(&item)? {
                    Some(repeat) => all.extend(repeat.each()?),
                    None => all.push(written_out(item)?),
                }
            }
            Ok(Value::Array(all))
        }
        Value::Object(members) => {
            let value = Value::Object(members);
            if let Some(repeat) = repeat(&value)? {
                return repeat.text();
            }
            let Value::Object(members) = value else { return Ok(value) };
            let members: Result<Map<_, _>, String> =
                members.into_iter().map(|(name, member)| Ok((name, written_out(member)?))).collect();
            Ok(Value::Object(members?))
        }
        other => Ok(other),
    }
}

fn repeat(value: &Value) -> Result<Option<Repeat>, String> {
    if value.get("repeat").is_none() {
        return Ok(None);
    }
    serde_json::from_value(value.clone()).map(Some).map_err(|error| format!("repeat: {error}"))
}

impl Repeat {
    fn each(self) -> Result<Vec<Value>, String> {
        let of = written_out(self.of)?;
        Ok((self.from..self.from + self.times).map(|number| numbered(&of, number)).collect())
    }

    fn text(self) -> Result<Value, String> {
        let texts: Option<String> = self.each()?.iter().map(|one| one.as_str().map(str::to_owned)).collect();
        texts
            .map(Value::String)
            .ok_or_else(|| "repeat: only text can be repeated outside of a list".to_owned())
    }
}

fn numbered(value: &Value, number: u64) -> Value {
    match value {
        Value::String(text) if text == NUMBER => number.into(),
        Value::String(text) => text.replace(NUMBER, &number.to_string()).into(),
        Value::Array(items) => items.iter().map(|item| numbered(item, number)).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| (name.clone(), numbered(member, number)))
            .collect::<Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn repeated_elements_of_a_list_are_numbered() {
        let short = json!({"a": ["x", {"repeat": 2, "of": {"id": "p{{n}}", "n": "{{n}}"}, "from": 7}, "y"]});
        let long = json!({"a": ["x", {"id": "p7", "n": 7}, {"id": "p8", "n": 8}, "y"]});
        assert_eq!(written_out(short), Ok(long));
    }

    #[test]
    fn outside_of_a_list_texts_are_joined() {
        assert_eq!(written_out(json!({"slug": {"repeat": 3, "of": "ab"}})), Ok(json!({"slug": "ababab"})));
        assert!(written_out(json!({"slug": {"repeat": 3, "of": {}}})).is_err());
    }

    #[test]
    fn a_misspelt_repeat_is_an_error() {
        assert!(written_out(json!([{"repeat": 3, "off": 1}])).is_err());
        assert!(written_out(json!([{"repeat": -3, "of": 1}])).is_err());
    }
}
