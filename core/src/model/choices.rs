//! Macros that declare sets of strings.

/// Declares an open set of strings: an unknown string is kept in `Other`.
macro_rules! open_enum {
    ($(#[doc = $doc:literal])* pub enum $name:ident {
        $($(#[doc = $value_doc:literal])* $variant:ident = $wire:literal),* $(,)?
    }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[doc = $value_doc])* $variant,)*
            /// A value that this version of the SDK does not know, as the API writes it.
            Other(String),
        }

        impl $name {
            /// The value as the API writes it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $wire,)*
                    Self::Other(text) => text,
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                to.write_str(self.as_str())
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($wire => Self::$variant,)*
                    _ => Self::Other(text.to_owned()),
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }

        impl $crate::model::strict::FromCaller for $name {
            fn from_caller(raw: &serde_json::value::RawValue) -> Result<Self, $crate::model::strict::Invalid> {
                String::from_caller(raw).map(|text| Self::from(text.as_str()))
            }
        }

        impl $crate::model::Outgoing for $name {
            fn send<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }

        impl $crate::model::Readable for $name {
            fn read(
                from: &mut $crate::model::Reader<'_>,
                mended: &mut $crate::model::Mended,
            ) -> Result<Option<Self>, String> {
                let text = <String as $crate::model::Readable>::read(from, mended)?;
                Ok(text.map(|text| Self::from(text.as_str())))
            }

            fn copy(copier: &mut $crate::model::Copier<'_>) -> Result<(), $crate::model::Unusual> {
                copier.string().map(|_| ())
            }

            fn describe(types: &mut $crate::model::Types) -> serde_json::Value {
                types.choice(stringify!($name), &[$($doc),*], true, &[$($crate::model::Variant {
                    wire: $wire,
                    doc: &[$($value_doc),*],
                    of: None,
                }),*])
            }
        }
    };
}

/// Declares a closed set of strings for an argument: an unknown string is an error that lists the known strings.
macro_rules! choice {
    ($(#[doc = $doc:literal])* pub enum $name:ident {
        $($(#[doc = $value_doc:literal])* $variant:ident = $wire:literal),* $(,)?
    }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[doc = $value_doc])* #[serde(rename = $wire)] $variant,)*
        }

        impl $crate::model::strict::FromCaller for $name {
            fn from_caller(raw: &serde_json::value::RawValue) -> Result<Self, $crate::model::strict::Invalid> {
                match String::from_caller(raw)?.as_str() {
                    $($wire => Ok(Self::$variant),)*
                    _ => Err($crate::model::strict::Invalid::unlisted(&[$($wire),*])),
                }
            }
        }

        impl $crate::model::Outgoing for $name {
            fn send<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                serde::Serialize::serialize(self, to)
            }
        }

        impl $crate::model::Readable for $name {
            fn read(
                from: &mut $crate::model::Reader<'_>,
                mended: &mut $crate::model::Mended,
            ) -> Result<Option<Self>, String> {
                let text = <String as $crate::model::Readable>::read(from, mended)?;
                Ok(match text.as_deref() {
                    $(Some($wire) => Some(Self::$variant),)*
                    _ => None,
                })
            }

            fn copy(copier: &mut $crate::model::Copier<'_>) -> Result<(), $crate::model::Unusual> {
                if [$($wire),*].contains(&copier.string()?) { Ok(()) } else { Err($crate::model::Unusual) }
            }

            fn describe(types: &mut $crate::model::Types) -> serde_json::Value {
                types.choice(stringify!($name), &[$($doc),*], false, &[$($crate::model::Variant {
                    wire: $wire,
                    doc: &[$($value_doc),*],
                    of: None,
                }),*])
            }
        }
    };
}
