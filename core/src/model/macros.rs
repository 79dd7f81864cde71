//! Macros that declare a type of the API, one line per field.

/// Declares an object of the API, one line per field: presence, Rust name, wire name and type.
///
/// A type that also occurs in requests is marked `(sent)`. The presence says what happens if an answer lacks the
/// member. In a `(sent)` type, the presence also says whether a caller must pass the member. In an answer, a member
/// that is null or unusable counts as missing.
///
/// - `required`: the object is unusable if the member is missing. A list leaves out an unusable item; a
///   [`Page`](crate::operation::Page) fails instead. If the whole answer is unusable, the call ends with a protocol
///   error. A caller must pass the member.
/// - `defaulted`: a missing member becomes the default of its type, and its path is added to the answer's list of
///   replaced values. A caller must pass the member.
/// - `optional`: a missing member is `None`. A caller may leave the member out.
/// - `needed`: a missing member is `None`. A caller must pass the member.
/// - `nulled`: a missing member is `None`. If a caller leaves the member out, the request contains null.
/// - `shown`: a missing member is `None`. Only the server sets the member. A caller may pass the member, so that a
///   value that was read can be passed back, but the request does not contain it.
///
/// A `(sent)` type also keeps the members that it does not know, and sends them back.
macro_rules! model {
    ($(#[doc = $doc:literal])* $vis:vis struct $name:ident (sent) {
        $($(#[doc = $field_doc:literal])* $presence:ident $field:ident = $wire:literal : $type:ty),* $(,)?
    }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        $vis struct $name {
            $($(#[doc = $field_doc])* $vis $field: model!(@type $presence $type),)*
            /// Members of this JSON object that this version of the SDK does not know, as the server wrote them. They
            /// are sent back with the value.
            $vis other_members: Option<$crate::json::JsonObject>,
        }

        strictly!($name {
            $($presence $field = $wire : $type,)*
            optional other_members = "otherMembers": $crate::json::JsonObject,
        });

        impl $crate::model::Outgoing for $name {
            fn send<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap as _;
                let mut map = to.serialize_map(None)?;
                $(model!(@send $presence map $wire &self.$field);)*
                if let Some(others) = &self.other_members {
                    $crate::model::send_others(others, &[$($wire),*], &mut map)?;
                }
                map.end()
            }
        }

        model!(@reading true, [$($doc),*] $name { $([$($field_doc),*] $presence $field = $wire : $type,)* });
    };
    ($(#[doc = $doc:literal])* $vis:vis struct $name:ident {
        $($(#[doc = $field_doc:literal])* $presence:ident $field:ident = $wire:literal : $type:ty),* $(,)?
    }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        $vis struct $name {
            $($(#[doc = $field_doc])* $vis $field: model!(@type $presence $type),)*
        }

        model!(@reading false, [$($doc),*] $name { $([$($field_doc),*] $presence $field = $wire : $type,)* });
    };
    (@reading $sent:tt, [$($doc:literal),*] $name:ident {
        $([$($field_doc:literal),*] $presence:ident $field:ident = $wire:literal : $type:ty,)*
    }) => {

        impl $name {
            pub(crate) fn write_members<M: serde::ser::SerializeMap>(&self, to: &mut M) -> Result<(), M::Error> {
                $(model!(@write $presence to $wire &self.$field);)*
                model!(@others $sent write self to);
                Ok(())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                let mut map = to.serialize_map(None)?;
                self.write_members(&mut map)?;
                serde::ser::SerializeMap::end(map)
            }
        }

        impl $crate::model::Readable for $name {
            fn read(
                from: &mut $crate::model::Reader<'_>,
                mended: &mut $crate::model::Mended,
            ) -> Result<Option<Self>, String> {
                $(let mut $field: Option<$type> = None;)*
                model!(@others $sent let others);
                let unusable = mended.unusable();
                let is_object = from.object(mended, |name, from, mended| {
                    match name {
                        $($wire => {
                            mended.enter($wire);
                            $field = $crate::model::Readable::read(from, mended)?;
                            mended.leave();
                        })*
                        _ => model!(@others $sent read others name from mended),
                    }
                    Ok(())
                })?;
                if !is_object {
                    return Ok(None);
                }
                let read = model!(@made $sent others $name { $($field: model!(@finish $presence mended, $field $wire),)* });
                mended.forget_unusable(unusable);
                Ok(Some(read))
            }

            fn copy(copier: &mut $crate::model::Copier<'_>) -> Result<(), $crate::model::Unusual> {
                // For each member: `None` until the answer contains it, then `Some(true)` if its value was copied or
                // `Some(false)` if its value is null.
                $(let mut $field: Option<bool> = None;)*
                model!(@others $sent let others);
                let outer = copier.open()?;
                while let Some(name) = copier.name()? {
                    match name.text {
                        $($wire => {
                            let has_value = copier.member::<$type>(&name)?;
                            if $field.replace(has_value).is_some() {
                                return Err($crate::model::Unusual);
                            }
                        })*
                        _ => model!(@others $sent copy others name copier),
                    }
                }
                $(model!(@came $presence $field);)*
                model!(@others $sent copied others copier);
                copier.close(outer);
                Ok(())
            }

            #[allow(unreachable_code, reason = "a model that names its workspace returns it")]
            fn workspace(&self) -> Option<i64> {
                $(model!(@workspace self $field);)*
                None
            }

            fn describe(types: &mut $crate::model::Types) -> serde_json::Value {
                types.object(stringify!($name), &[$($doc),*], $sent, &[$($crate::model::Field {
                    name: stringify!($field),
                    wire: $wire,
                    presence: stringify!($presence),
                    doc: &[$($field_doc),*],
                    of: <$type as $crate::model::Readable>::describe,
                }),*])
            }
        }
    };
    (@others true let $others:ident) => { let mut $others = $crate::model::OtherMembers::default(); };
    (@others true read $others:ident $name:ident $from:ident $mended:ident) => {
        $others.read($name, $from, $mended)?
    };
    (@others true write $self:ident $to:ident) => {
        if let Some(others) = &$self.other_members {
            $to.serialize_entry("otherMembers", others)?;
        }
    };
    (@others true copy $others:ident $name:ident $copier:ident) => { $copier.other(&$name, &mut $others)? };
    (@others true copied $others:ident $copier:ident) => { $copier.others($others) };
    (@others false copy $others:ident $name:ident $copier:ident) => { $copier.pass()? };
    (@others false read $others:ident $name:ident $from:ident $mended:ident) => { { $from.pass()?; } };
    (@others false $($rest:tt)*) => {};
    (@made true $others:ident $name:ident { $($fields:tt)* }) => {
        $name { $($fields)* other_members: $others.finish() }
    };
    (@made false $others:ident $name:ident { $($fields:tt)* }) => { $name { $($fields)* } };
    (@workspace $self:ident workspace_id) => { return $self.workspace_id; };
    (@workspace $self:ident $field:ident) => {};
    (@came required $field:ident) => { model!(@came $field) };
    (@came defaulted $field:ident) => { model!(@came $field) };
    (@came $presence:ident $field:ident) => {};
    (@came $field:ident) => {
        if $field != Some(true) {
            return Err($crate::model::Unusual);
        }
    };
    (@type optional $type:ty) => { Option<$type> };
    (@type needed $type:ty) => { Option<$type> };
    (@type nulled $type:ty) => { Option<$type> };
    (@type shown $type:ty) => { Option<$type> };
    (@type $presence:ident $type:ty) => { $type };
    (@write optional $to:ident $wire:literal $value:expr) => {
        if let Some(value) = $value {
            $to.serialize_entry($wire, value)?;
        }
    };
    (@write needed $to:ident $wire:literal $value:expr) => { model!(@write optional $to $wire $value) };
    (@write nulled $to:ident $wire:literal $value:expr) => { model!(@write optional $to $wire $value) };
    (@write shown $to:ident $wire:literal $value:expr) => { model!(@write optional $to $wire $value) };
    (@send optional $to:ident $wire:literal $value:expr) => {
        if let Some(value) = $value {
            $to.serialize_entry($wire, &$crate::model::Bare(value))?;
        }
    };
    (@send needed $to:ident $wire:literal $value:expr) => { model!(@send optional $to $wire $value) };
    (@send shown $to:ident $wire:literal $value:expr) => {};
    (@send nulled $to:ident $wire:literal $value:expr) => {
        $to.serialize_entry($wire, &($value).as_ref().map($crate::model::Bare))?;
    };
    (@send $presence:ident $to:ident $wire:literal $value:expr) => {
        $to.serialize_entry($wire, &$crate::model::Bare($value))?;
    };
    (@write $presence:ident $to:ident $wire:literal $value:expr) => { $to.serialize_entry($wire, $value)?; };
    (@finish optional $mended:expr, $field:ident $wire:literal) => { $field };
    (@finish needed $mended:expr, $field:ident $wire:literal) => { $field };
    (@finish nulled $mended:expr, $field:ident $wire:literal) => { $field };
    (@finish shown $mended:expr, $field:ident $wire:literal) => { $field };
    (@finish required $mended:expr, $field:ident $wire:literal) => {
        match $field {
            Some(value) => value,
            None => {
                $mended.note_missing($wire);
                return Ok(None);
            }
        }
    };
    (@finish defaulted $mended:expr, $field:ident $wire:literal) => {
        match $field {
            Some(value) => value,
            None => {
                $mended.note_field($wire);
                Default::default()
            }
        }
    };
}

/// Declares a union that has no tag in the API. Each variant has a member that no other variant has, and this member
/// tells which variant a value is. Canonical JSON adds the variant's tag as the member `kind`. A value without any of
/// these members is `Unknown`.
macro_rules! union {
    ($(#[doc = $doc:literal])* pub enum $name:ident {
        $($(#[doc = $variant_doc:literal])* $variant:ident($type:ty) = $tag:literal by $member:literal),* $(,)?
    }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[doc = $variant_doc])* $variant($type),)*
            /// A variant that this version of the SDK does not know, as the server wrote it.
            Unknown($crate::json::Json),
        }

        impl $crate::model::strict::FromCaller for $name {
            fn from_caller(raw: &serde_json::value::RawValue) -> Result<Self, $crate::model::strict::Invalid> {
                use $crate::model::strict::{FromCaller, Invalid, variant};
                let (tag, raw) = variant(raw, &[$(($tag, $member)),*])?;
                match tag.as_str() {
                    $($tag => FromCaller::from_caller(&raw).map(Self::$variant),)*
                    "unknown" => FromCaller::from_caller(&raw).map(Self::Unknown),
                    _ => Err(Invalid::unlisted(&[$($tag,)* "unknown"]).within($crate::message::Segment::Member("kind"))),
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                $crate::model::strict::deserialized(from)
            }
        }

        impl $crate::model::Outgoing for $name {
            fn send<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(Self::$variant(value) => value.send(to),)*
                    Self::Unknown(raw) => raw.send(to),
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap;
                let mut map = to.serialize_map(None)?;
                match self {
                    $(Self::$variant(value) => {
                        map.serialize_entry("kind", $tag)?;
                        value.write_members(&mut map)?;
                    })*
                    Self::Unknown(raw) => {
                        map.serialize_entry("kind", "unknown")?;
                        map.serialize_entry("raw", raw)?;
                    }
                }
                map.end()
            }
        }

        impl $crate::model::Readable for $name {
            fn read(
                from: &mut $crate::model::Reader<'_>,
                mended: &mut $crate::model::Mended,
            ) -> Result<Option<Self>, String> {
                let Some(raw) = <$crate::json::Json as $crate::model::Readable>::read(from, mended)? else {
                    return Ok(None);
                };
                let members = $crate::json::members_with_values(raw.get());
                $(if members.contains($member) {
                    let mut inner = $crate::model::Reader::new(raw.get().as_bytes());
                    let value = <$type as $crate::model::Readable>::read(&mut inner, mended)?;
                    return Ok(value.map(Self::$variant));
                })*
                Ok(Some(Self::Unknown(raw)))
            }

            fn copy(copier: &mut $crate::model::Copier<'_>) -> Result<(), $crate::model::Unusual> {
                let members = copier.members()?;
                $(if members.contains($member) {
                    return copier.variant::<$type>($tag);
                })*
                copier.add(br#"{"kind":"unknown","raw":"#);
                copier.opaque()?;
                copier.add(b"}");
                Ok(())
            }

            fn describe(types: &mut $crate::model::Types) -> serde_json::Value {
                types.union(stringify!($name), &[$($doc),*], &[
                    $($crate::model::Variant {
                        wire: $tag,
                        doc: &[$($variant_doc),*],
                        of: Some(<$type as $crate::model::Readable>::describe),
                    },)*
                    $crate::model::Variant { wire: "unknown", doc: &["A variant that this version of the SDK does not know."], of: None },
                ])
            }
        }
    };
}
