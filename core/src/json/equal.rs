//! When two JSON texts stand for one value: the same rule in every language.
//!
//! Numbers are equal where they are one number, exactly: `1`, `1.0` and `10e-1` are, and digits that no double holds
//! count. The order of members and the spelling of strings do not; of members with one name the last one stands.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// Whether the two, which are valid JSON, stand for one value.
pub(super) fn equal(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    match (one.bytes().next(), other.bytes().next()) {
        (Some(b'{'), Some(b'{')) => match (members(one), members(other)) {
            (Some(one), Some(other)) => {
                one.len() == other.len()
                    && one.iter().zip(&other).all(|((name, value), (other_name, other_value))| {
                        name == other_name && equal(value.get(), other_value.get())
                    })
            }
            _ => false,
        },
        (Some(b'['), Some(b'[')) => match (elements(one), elements(other)) {
            (Some(one), Some(other)) => {
                one.len() == other.len()
                    && one.iter().zip(&other).all(|(one, other)| equal(one.get(), other.get()))
            }
            _ => false,
        },
        (Some(b'"'), Some(b'"')) => text(one).is_some_and(|one| Some(one) == text(other)),
        (Some(b'-' | b'0'..=b'9'), Some(b'-' | b'0'..=b'9')) => {
            number(one).is_some_and(|one| Some(one) == number(other))
        }
        _ => false,
    }
}

fn members(object: &str) -> Option<BTreeMap<String, &RawValue>> {
    serde_json::from_str(object).ok()
}

fn elements(list: &str) -> Option<Vec<&RawValue>> {
    serde_json::from_str(list).ok()
}

fn text(string: &str) -> Option<String> {
    serde_json::from_str(string).ok()
}

/// Sign, significant digits, and the power of ten that they are multiplied by; nothing where 64 bits do not hold the
/// exponent: such a number is equal to its own spelling alone.
pub(crate) fn number(number: &str) -> Option<(bool, String, i128)> {
    let (negative, rest) = number.strip_prefix('-').map_or((false, number), |rest| (true, rest));
    let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let digits = all.trim_start_matches('0');
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return Some((false, String::new(), 0));
    }
    let exponent = i128::from(exponent.parse::<i64>().ok()?);
    let (fraction, zeros) =
        (i128::try_from(fraction.len()).ok()?, i128::try_from(digits.len() - significant.len()).ok()?);
    Some((negative, significant.to_owned(), exponent - fraction + zeros))
}

#[cfg(test)]
mod tests {
    use super::equal;

    #[test]
    fn numbers_are_equal_where_they_are_one_number() {
        for (one, other) in [
            ("1", "1.0"),
            ("1", "10e-1"),
            ("100", "1E+2"),
            ("0", "-0.0"),
            ("0.1", "0.10"),
            ("1e400", "10e399"),
            ("123456789012345678901234567890", "123456789012345678901234567890.0"),
        ] {
            assert!(equal(one, other) && equal(other, one), "{one} {other}");
        }
        for (one, other) in [
            ("1", "-1"),
            ("1", "true"),
            ("1", "\"1\""),
            ("0", "null"),
            ("9007199254740992", "9007199254740993"),
            ("123456789012345678901234567890", "123456789012345678901234567891"),
            ("1e400", "1e401"),
            ("0.1", "0.10000000000000001"),
            ("10", "1"),
            ("1e99999999999999999999", "1e99999999999999999998"),
        ] {
            assert!(!equal(one, other) && !equal(other, one), "{one} {other}");
        }
    }

    #[test]
    fn order_and_spelling_do_not_count_and_the_last_of_one_name_stands() {
        for (one, other) in [
            (r#"{"a":1,"b":[2]}"#, r#"{ "b" : [ 2.0 ] , "a" : 1e0 }"#),
            (r#"{"a":1,"a":2}"#, r#"{"a":2}"#),
            (r#""\u00e9""#, "\"\u{e9}\""),
            ("[]", "[ ]"),
        ] {
            assert!(equal(one, other) && equal(other, one), "{one} {other}");
        }
        for (one, other) in [
            (r#"{"a":1}"#, r#"{"b":1}"#),
            (r#"{"a":1}"#, r#"{"a":1,"b":1}"#),
            ("[1,2]", "[2,1]"),
            ("[1]", "[1,1]"),
            ("{}", "[]"),
            // Letters that look alike are different text.
            ("\"\u{e9}\"", "\"e\u{301}\""),
        ] {
            assert!(!equal(one, other) && !equal(other, one), "{one} {other}");
        }
    }
}
