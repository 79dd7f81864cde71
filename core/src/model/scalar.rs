//! Scalars: a number may come as a string and a string as a number.

use std::borrow::Cow;

use serde_json::Value;

use super::{Mended, Model, Reader, Types};
use crate::json::number;

/// What a scalar's place held.
pub(crate) enum Scalar<'de> {
    Null,
    Bool(bool),
    /// As it is written: a float would lose digits, and an id may have more of them than it holds.
    Number(&'de str),
    Text(Cow<'de, str>),
    /// A list or an object, read past.
    Compound,
}

/// The integer that a number stands for, however it is spelt (`5.0`, `1e3`).
fn whole(spelt: &str) -> Option<i64> {
    spelt.parse().ok().or_else(|| {
        let (negative, digits, zeros) = number(spelt)?;
        let digits = if digits.is_empty() { 0 } else { digits.parse::<i128>().ok()? };
        let size = digits.checked_mul(10_i128.checked_pow(u32::try_from(zeros).ok()?)?)?;
        i64::try_from(if negative { -size } else { size }).ok()
    })
}

fn double(spelt: &str) -> Option<f64> {
    spelt.parse().ok().filter(|value: &f64| value.is_finite())
}

/// A number in a text's place: an integer keeps all its digits.
fn spelt_out(number: &str) -> Option<String> {
    if !number.contains(['.', 'e', 'E']) {
        return Some(number.to_owned());
    }
    whole(number).map(|value| value.to_string()).or_else(|| double(number).map(|value| value.to_string()))
}

/// Implements [`Model`] for a scalar by a conversion from [`Scalar`]; what has none is noted as mended.
macro_rules! scalar {
    ($type:ty, $name:literal, $($from:pat => $to:expr),+ $(,)?) => {
        impl Model for $type {
            fn read(from: &mut Reader<'_>, mended: &mut Mended) -> Result<Option<Self>, String> {
                let value = match from.scalar()? {
                    Scalar::Null => return Ok(None),
                    $($from => $to,)+
                    _ => None,
                };
                if value.is_none() {
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

scalar!(i64, "int",
    Scalar::Number(spelt) => whole(spelt),
    Scalar::Text(text) => text.trim().parse().ok(),
);
scalar!(f64, "float",
    Scalar::Number(spelt) => double(spelt),
    Scalar::Text(text) => double(text.trim()),
);
scalar!(bool, "bool",
    Scalar::Bool(value) => Some(value),
    Scalar::Text(text) => text.trim().parse().ok(),
);
scalar!(String, "string",
    Scalar::Text(text) => Some(text.into_owned()),
    Scalar::Number(spelt) => spelt_out(spelt),
    Scalar::Bool(value) => Some(value.to_string()),
);
scalar!(u32, "int", Scalar::Number(spelt) => whole(spelt).and_then(|value| value.try_into().ok()));
scalar!(u64, "int", Scalar::Number(spelt) => whole(spelt).and_then(|value| value.try_into().ok()));

/// For operations that give nothing: whatever comes is read past.
impl Model for () {
    fn read(from: &mut Reader<'_>, _: &mut Mended) -> Result<Option<Self>, String> {
        from.skip().map(Some)
    }

    fn describe(_: &mut Types) -> Value {
        Value::Null
    }
}
