//! Helpers for text.

use serde_json::Value;

/// Writes a scalar as in a query: `3.0` as `3`, strings without quotes. Returns `None` for any other value.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 => format!("{float:.0}"),
            _ => number.to_string(),
        }),
        _ => None,
    }
}

/// Cuts a text after 300 characters, so that it can be quoted in a sentence.
pub(crate) fn shortened(text: &str) -> String {
    const ENOUGH: usize = 300;
    if text.chars().count() <= ENOUGH {
        return text.to_owned();
    }
    text.chars().take(ENOUGH).chain("…".chars()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scalars_are_written_as_a_query_would_have_them() {
        let written: Vec<_> =
            [json!(3), json!(3.0), json!(0.5), json!("a"), json!(true), json!(null), json!([1])]
                .iter()
                .map(scalar)
                .collect();
        let expected = [Some("3"), Some("3"), Some("0.5"), Some("a"), Some("true"), None, None];
        assert_eq!(written, expected.map(|text| text.map(str::to_owned)));
    }
}
