//! Scalars: a number may come as a string and a string as a number.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::{Mended, Model, Types};

/// What a scalar's place held.
pub(crate) enum Scalar<'de> {
    Null,
    Bool(bool),
    Int(i64),
    /// Above what an i64 holds: an id as a number must not lose digits on its way to text.
    Large(u64),
    Float(f64),
    Text(Cow<'de, str>),
    /// A list or an object, read past.
    Compound,
}

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Scalar<'de>;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("a value")
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Scalar::Null)
            }
            fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
                Ok(Scalar::Bool(value))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
                Ok(Scalar::Int(value))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
                Ok(i64::try_from(value).map_or(Scalar::Large(value), Scalar::Int))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
                Ok(Scalar::Float(value))
            }
            fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Cow::Owned(value.to_owned())))
            }
            fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Cow::Borrowed(value)))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Scalar::Compound)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Scalar::Compound)
            }
        }
        from.deserialize_any(Any)
    }
}

/// A member's name, borrowed where the JSON has it without escapes.
pub(crate) struct Name<'de>(pub(crate) Cow<'de, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("a name")
            }
            fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(value.to_owned())))
            }
            fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(value)))
            }
        }
        from.deserialize_str(Text)
    }
}

/// The integer that a float stands for, where it stands for one exactly.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked first")]
pub(crate) fn whole(value: f64) -> Option<i64> {
    // 2^53: above it a float no longer tells neighbouring integers apart.
    (value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0).then_some(value as i64)
}

/// Implements [`Model`] for a scalar by a conversion from [`Scalar`]; what has none is noted as mended.
macro_rules! scalar {
    ($type:ty, $name:literal, $($from:pat => $to:expr),+ $(,)?) => {
        impl Model for $type {
            fn read<'de, D: Deserializer<'de>>(from: D, mended: &mut Mended) -> Result<Option<Self>, D::Error> {
                let value = match Scalar::deserialize(from)? {
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
    Scalar::Int(value) => Some(value),
    Scalar::Float(value) => whole(value),
    Scalar::Text(text) => text.trim().parse().ok(),
);
#[expect(clippy::cast_precision_loss, reason = "JSON numbers are floats to the vendor")]
mod float {
    use super::{Deserialize, Deserializer, Mended, Model, Scalar, Types, Value};
    scalar!(f64, "float",
        Scalar::Int(value) => Some(value as f64),
        Scalar::Large(value) => Some(value as f64),
        Scalar::Float(value) => Some(value),
        Scalar::Text(text) => text.trim().parse().ok().filter(|value: &f64| value.is_finite()),
    );
}
scalar!(bool, "bool",
    Scalar::Bool(value) => Some(value),
    Scalar::Text(text) => text.trim().parse().ok(),
);
scalar!(String, "string",
    Scalar::Text(text) => Some(text.into_owned()),
    Scalar::Int(value) => Some(value.to_string()),
    Scalar::Large(value) => Some(value.to_string()),
    Scalar::Float(value) => Some(value.to_string()),
    Scalar::Bool(value) => Some(value.to_string()),
);
scalar!(u32, "int", Scalar::Int(value) => u32::try_from(value).ok());
scalar!(u64, "int", Scalar::Int(value) => u64::try_from(value).ok());

/// For operations that give nothing: whatever comes is read past.
impl Model for () {
    fn read<'de, D: Deserializer<'de>>(from: D, _: &mut Mended) -> Result<Option<Self>, D::Error> {
        IgnoredAny::deserialize(from).map(|_| Some(()))
    }

    fn describe(_: &mut Types) -> Value {
        Value::Null
    }
}
