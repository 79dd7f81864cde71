//! Scalars: a number may come as a string and a string as a number.

use std::borrow::Cow;

use serde_json::Value;

use super::{Mended, Readable, Reader, Types};

/// A scalar as it was written.
pub(crate) enum Scalar<'de> {
    Null,
    Bool(bool),
    /// As it is written: a float would lose digits, and an id may have more of them than it holds.
    Number(&'de str),
    Text(Cow<'de, str>),
    /// A list or an object, which was skipped.
    Compound,
}

/// The integer value of a number in any spelling (`5.0`, `1e3`).
fn whole(spelt: &str) -> Option<i64> {
    spelt.parse().ok().or_else(|| {
        let (negative, digits, zeros) = parts(spelt)?;
        let digits = if digits.is_empty() { 0 } else { digits.parse::<i128>().ok()? };
        let size = digits.checked_mul(10_i128.checked_pow(u32::try_from(zeros).ok()?)?)?;
        i64::try_from(if negative { -size } else { size }).ok()
    })
}

/// Sign, significant digits, and the power of ten that they are multiplied by; nothing if 64 bits do not hold the exponent.
fn parts(number: &str) -> Option<(bool, String, i128)> {
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

fn double(spelt: &str) -> Option<f64> {
    spelt.parse().ok().filter(|value: &f64| value.is_finite())
}

/// A number in place of a string: an integer keeps all its digits.
fn spelt_out(number: &str) -> Option<String> {
    if !number.contains(['.', 'e', 'E']) {
        return Some(number.to_owned());
    }
    whole(number).map(|value| value.to_string()).or_else(|| double(number).map(|value| value.to_string()))
}

/// Implements [`Model`] for a scalar by a conversion from [`Scalar`]; what has none is noted as mended.
macro_rules! scalar {
    ($type:ty, $name:literal, $expected:literal, $($from:pat => $to:expr),+ $(,)?) => {
        impl Readable for $type {
            fn read(from: &mut Reader<'_>, mended: &mut Mended) -> Result<Option<Self>, String> {
                let start = from.start();
                let value = match from.scalar()? {
                    Scalar::Null => return Ok(None),
                    $($from => $to,)+
                    _ => None,
                };
                if value.is_none() {
                    mended.note_unusable(from.since(start), $expected);
                } else if from.replaced() {
                    mended.note();
                }
                Ok(value)
            }

            fn describe(_: &mut Types) -> Value {
                Value::from($name)
            }
        }
    };
}
pub(super) use scalar;

scalar!(i64, "int", "a whole number",
    Scalar::Number(spelt) => whole(spelt),
    Scalar::Text(text) => text.trim().parse().ok(),
);
scalar!(f64, "float", "a number",
    Scalar::Number(spelt) => double(spelt),
    Scalar::Text(text) => double(text.trim()),
);
scalar!(bool, "bool", "true or false",
    Scalar::Bool(value) => Some(value),
    Scalar::Text(text) => text.trim().parse().ok(),
);
scalar!(String, "string", "a text",
    Scalar::Text(text) => Some(text.into_owned()),
    Scalar::Number(spelt) => spelt_out(spelt),
    Scalar::Bool(value) => Some(value.to_string()),
);
scalar!(u32, "int", "a whole number", Scalar::Number(spelt) => whole(spelt).and_then(|value| value.try_into().ok()));
scalar!(u64, "int", "a whole number", Scalar::Number(spelt) => whole(spelt).and_then(|value| value.try_into().ok()));

/// For operations without a value: any body is skipped.
impl Readable for () {
    fn read(from: &mut Reader<'_>, _: &mut Mended) -> Result<Option<Self>, String> {
        from.skip().map(Some)
    }

    fn describe(_: &mut Types) -> Value {
        Value::Null
    }
}
