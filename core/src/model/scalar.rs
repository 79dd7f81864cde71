//! Reads scalars tolerantly: the server may send a number as a string, and a string as a number.

use std::borrow::Cow;

use serde_json::Value;

use super::{Copier, Mended, Readable, Reader, Types, Unusual};

/// A scalar of an answer, before it is converted to its type.
pub(crate) enum Scalar<'de> {
    Null,
    Bool(bool),
    /// A number as text. A double cannot hold all digits of a long id.
    Number(&'de str),
    Text(Cow<'de, str>),
    /// A list or an object, which was skipped.
    Compound,
}

/// The value of a whole number in any spelling (`5`, `5.0`, `1e3`).
fn whole(spelt: &str) -> Option<i64> {
    spelt.parse().ok().or_else(|| {
        let (negative, digits, zeros) = parts(spelt)?;
        let digits = if digits.is_empty() { 0 } else { digits.parse::<i128>().ok()? };
        let size = digits.checked_mul(10_i128.checked_pow(u32::try_from(zeros).ok()?)?)?;
        i64::try_from(if negative { -size } else { size }).ok()
    })
}

/// Splits a number into three parts: whether it is negative, its significant digits, and the power of ten by which they
/// are multiplied. Returns `None` if the exponent does not fit into 64 bits.
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

/// The text of a number that the server sent in place of a string. A number without a fraction or an exponent keeps all
/// its digits.
fn spelt_out(number: &str) -> Option<String> {
    if !number.contains(['.', 'e', 'E']) {
        return Some(number.to_owned());
    }
    whole(number).map(|value| value.to_string()).or_else(|| double(number).map(|value| value.to_string()))
}

/// Implements [`Readable`] for a scalar type. Takes the type, its name in the catalogue, its description in error
/// messages, the function that copies its usual spelling, and the conversions from [`Scalar`]. A scalar that no
/// conversion accepts is unusable.
macro_rules! scalar {
    ($type:ty, $name:literal, $expected:literal, $copy:expr, $($from:pat => $to:expr),+ $(,)?) => {
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

            fn copy(copier: &mut Copier<'_>) -> Result<(), Unusual> {
                $copy(copier)
            }

            fn describe(_: &mut Types) -> Value {
                Value::from($name)
            }
        }
    };
}
pub(super) use scalar;

scalar!(i64, "int", "a whole number", Copier::whole::<i64>,
    Scalar::Number(spelt) => whole(spelt),
    Scalar::Text(text) => text.trim().parse().ok(),
);
scalar!(f64, "float", "a number", copy_double,
    Scalar::Number(spelt) => double(spelt),
    Scalar::Text(text) => double(text.trim()),
);
scalar!(bool, "bool", "true or false", Copier::boolean,
    Scalar::Bool(value) => Some(value),
    Scalar::Text(text) => text.trim().parse().ok(),
);
scalar!(String, "string", "a text", |copier: &mut Copier<'_>| copier.string().map(|_| ()),
    Scalar::Text(text) => Some(text.into_owned()),
    Scalar::Number(spelt) => spelt_out(spelt),
    Scalar::Bool(value) => Some(value.to_string()),
);
scalar!(u32, "int", "a whole number", Copier::whole::<u32>, Scalar::Number(spelt) => whole(spelt).and_then(|value| value.try_into().ok()));
scalar!(u64, "int", "a whole number", Copier::whole::<u64>, Scalar::Number(spelt) => whole(spelt).and_then(|value| value.try_into().ok()));

/// Copies a number if it is the canonical spelling of a double. Also copies a whole number, and adds the `.0` that
/// canonical JSON writes.
fn copy_double(copier: &mut Copier<'_>) -> Result<(), Unusual> {
    let mut is_whole = false;
    copier.number(|spelt| {
        let fraction = spelt.split_once('.').map(|(_, fraction)| fraction);
        is_whole = fraction.is_none();
        // A double keeps any 15 digits. In the canonical spelling, a fraction ends with 0 only if it is `.0`, and very
        // small numbers have an exponent.
        spelt.bytes().filter(u8::is_ascii_digit).count() <= 15
            && !spelt.contains(['e', 'E'])
            && fraction
                .is_none_or(|digits| digits == "0" || !digits.ends_with('0') && !digits.starts_with("0000"))
    })?;
    if is_whole {
        copier.add(b".0");
    }
    Ok(())
}

/// The answer of an operation without a value. Any body is skipped.
impl Readable for () {
    fn read(from: &mut Reader<'_>, _: &mut Mended) -> Result<Option<Self>, String> {
        from.pass().map(|_| Some(()))
    }

    fn copy(copier: &mut Copier<'_>) -> Result<(), Unusual> {
        copier.pass()?;
        copier.add(b"null");
        Ok(())
    }

    fn describe(_: &mut Types) -> Value {
        Value::Null
    }
}
