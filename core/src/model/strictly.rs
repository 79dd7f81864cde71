//! The macro that reads an object of a caller strictly.

/// Implements strict reading of an object that a caller wrote. An unknown or ill-typed member is an error. So is a
/// missing or null member, unless the word before the field allows it.
///
/// The word before a field says what the caller must or may pass, and determines the type of the Rust field.
/// [`model!`](crate::model::macros) uses `required`, `defaulted`, `needed`, `optional`, `shown` and `nulled` too, and
/// says what they mean in answers. The other words occur only in types that are never read from answers.
///
/// - `required`, `defaulted`: the member must be present and not null. The field is the value.
/// - `needed`: the member must be present and not null. The field is an `Option`, because answers may lack the member.
/// - `given`: the member must be present and may be null. The field is an `Option`.
/// - `nullable`: the member may be absent or null, with different meanings. The field is a `Patch`.
/// - `optional`, `shown`: the member may be absent or null. Null means the same as absent, because Python, Node.js and
///   Swift pass back null for a member that was missing from an answer. The field is an `Option`.
/// - `nulled`: like `optional`, but an absent member is sent as null.
/// - `omittable`: the member may be absent but not null. The field is an `Option`.
/// - `internal`: like `omittable`, but error messages do not list the member.
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
