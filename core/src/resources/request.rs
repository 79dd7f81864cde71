//! Requests are strict: an unknown or ill-typed option is an error, and each value knows where it goes.

use serde_json::{Map, Value};

use crate::model::Types;

/// A request's values, each in its place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Placed {
    pub query: Vec<(&'static str, String)>,
    pub body: Map<String, Value>,
}

impl Placed {
    pub(crate) fn query(&mut self, name: &'static str, value: &Value) {
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        self.query.push((name, text));
    }

    pub(crate) fn body(&mut self, name: &'static str, value: Value) {
        self.body.insert(name.to_owned(), value);
    }
}

/// One argument of an operation, for the catalogue.
pub(crate) struct Argument {
    pub name: &'static str,
    pub wire: &'static str,
    pub place: &'static str,
    pub required: bool,
    pub doc: &'static [&'static str],
    pub of: fn(&mut Types) -> Value,
}

/// Reads an argument that may be left out but not be null: null has a meaning of its own in some requests.
pub(crate) fn present<'de, T, D>(from: D) -> Result<Option<T>, D::Error>
where
    T: serde::Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    T::deserialize(from).map(Some)
}

/// Declares an operation's arguments: place (`query`, `body`, `client`), Rust name, wire name, type; each may be left out.
macro_rules! request {
    ($(#[doc = $doc:literal])* pub struct $name:ident {
        $($(#[doc = $field_doc:literal])* $place:ident $field:ident = $wire:literal : $type:ty),* $(,)?
    }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[doc = $field_doc])*
            #[serde(rename = $wire, default, deserialize_with = "crate::resources::present")]
            pub $field: Option<$type>,)*
        }

        impl $name {
            /// Where each value goes; what has the place `client` steers the SDK and is not sent.
            #[allow(dead_code, unused_mut, reason = "settings and options are not sent")]
            pub(crate) fn place(&self) -> $crate::resources::Placed {
                let mut placed = $crate::resources::Placed::default();
                $(if let Some(value) = &self.$field {
                    let value = serde_json::to_value(value).unwrap_or_default();
                    request!(@$place placed $wire value);
                })*
                placed
            }

            pub(crate) const ARGUMENTS: &'static [$crate::resources::Argument] = &[$($crate::resources::Argument {
                name: stringify!($field),
                wire: $wire,
                place: stringify!($place),
                required: false,
                doc: &[$($field_doc),*],
                of: <$type as $crate::model::Model>::describe,
            }),*];
        }
    };
    (@query $placed:ident $wire:literal $value:ident) => { $placed.query($wire, &$value) };
    (@body $placed:ident $wire:literal $value:ident) => { $placed.body($wire, $value) };
    (@client $placed:ident $wire:literal $value:ident) => { let _ = $value; };
}
