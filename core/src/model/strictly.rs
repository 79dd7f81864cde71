//! How what a caller hands over is read: strictly.

/// Reads an object as a caller must write it: an unknown or ill-typed member, one that is missing though it must be
/// there, and a null without a meaning are errors.
///
/// `optional` gives an `Option`, and null is an error; `needed` too, but it must be there; `required` and `defaulted`
/// give the value; `nullable` gives a `Patch`; `given` gives an `Option` that must be there and may be null; `nulled`
/// gives an `Option` for which absent and null are the same.
macro_rules! strictly {
    ($name:ident { $($how:ident $field:ident = $wire:literal : $type:ty,)* }) => {
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                struct Members;
                impl<'de> serde::de::Visitor<'de> for Members {
                    type Value = $name;

                    fn expecting(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        to.write_str("an object")
                    }

                    #[allow(unused_mut, reason = "an object without members has no slots")]
                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                        $(let mut $field: strictly!(@slot $how $type) = None;)*
                        while let Some(name) = map.next_key::<std::borrow::Cow<'_, str>>()? {
                            match name.as_ref() {
                                $($wire => $field = Some(map.next_value()?),)*
                                other => return Err(serde::de::Error::unknown_field(other, &[$($wire),*])),
                            }
                        }
                        Ok($name { $($field: strictly!(@take $how $field $wire),)* })
                    }
                }
                from.deserialize_map(Members)
            }
        }
    };
    (@slot nullable $type:ty) => { Option<$crate::patch::Patch<$type>> };
    (@slot given $type:ty) => { Option<Option<$type>> };
    (@slot nulled $type:ty) => { Option<Option<$type>> };
    (@slot $how:ident $type:ty) => { Option<$type> };
    (@take optional $field:ident $wire:literal) => { $field };
    (@take nullable $field:ident $wire:literal) => { $field.unwrap_or_default() };
    (@take nulled $field:ident $wire:literal) => { $field.flatten() };
    (@take needed $field:ident $wire:literal) => { Some(strictly!(@take required $field $wire)) };
    (@take $how:ident $field:ident $wire:literal) => {
        match $field {
            Some(value) => value,
            None => return Err(serde::de::Error::missing_field($wire)),
        }
    };
}
