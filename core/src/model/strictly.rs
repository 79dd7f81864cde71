//! How an object that a caller hands over is read: strictly.

/// Reads an object as a caller must write it: an unknown or ill-typed member, and one that is missing or null though it
/// must be there, are errors.
///
/// `optional` and `shown` give an `Option`, for which null is the same as absent: that is how several languages hold a
/// member that an answer lacks. `omittable` gives an `Option` too, and null is an error; `internal` is the same, and errors
/// do not list it. `nulled` gives an `Option` and is sent as null. `needed` gives an `Option` that must be there.
/// `required` and `defaulted` give the value, `nullable` a `Patch`, `given` an `Option` that must be there and may be null.
macro_rules! strictly {
    ($name:ident { $($how:ident $field:ident = $wire:literal : $type:ty,)* }) => {
        impl $crate::model::strict::FromCaller for $name {
            #[allow(unused_mut, unused_variables, reason = "an object without members has no slots")]
            fn from_caller(raw: &serde_json::value::RawValue) -> Result<Self, $crate::model::strict::Invalid> {
                use $crate::model::strict::{Invalid, members};
                $(let mut $field: strictly!(@slot $how $type) = None;)*
                for (name, value) in members(raw)? {
                    let inside = |name| move |invalid: Invalid| invalid.within($crate::message::Segment::Member(name));
                    match name.as_ref() {
                        $($wire => $field = Some($crate::model::strict::FromCaller::from_caller(value).map_err(inside($wire))?),)*
                        other => return Err(Invalid::unknown(other, [$(strictly!(@known $how $wire)),*])),
                    }
                }
                Ok($name { $($field: strictly!(@take $how $field $wire),)* })
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                $crate::model::strict::deserialized(from)
            }
        }
    };
    (@slot nullable $type:ty) => { Option<$crate::patch::Patch<$type>> };
    (@slot given $type:ty) => { Option<Option<$type>> };
    (@slot nulled $type:ty) => { Option<Option<$type>> };
    (@slot optional $type:ty) => { Option<Option<$type>> };
    (@slot shown $type:ty) => { Option<Option<$type>> };
    (@slot $how:ident $type:ty) => { Option<$type> };
    (@known internal $wire:literal) => { None };
    (@known $how:ident $wire:literal) => { Some($wire) };
    (@take optional $field:ident $wire:literal) => { $field.flatten() };
    (@take shown $field:ident $wire:literal) => { $field.flatten() };
    (@take omittable $field:ident $wire:literal) => { $field };
    (@take internal $field:ident $wire:literal) => { $field };
    (@take nullable $field:ident $wire:literal) => { $field.unwrap_or_default() };
    (@take nulled $field:ident $wire:literal) => { $field.flatten() };
    (@take needed $field:ident $wire:literal) => { Some(strictly!(@take required $field $wire)) };
    (@take $how:ident $field:ident $wire:literal) => {
        match $field {
            Some(value) => value,
            None => return Err(Invalid::missing().within($crate::message::Segment::Member($wire))),
        }
    };
}
