//! The arguments of operations: how they are declared, and how they are placed in the query or the body.

use serde::Serialize as _;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::model::strict::FromCaller;
use crate::model::{Bare, Outgoing, Types};

/// The query and the body of a call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Placed {
    pub query: Vec<(&'static str, String)>,
    pub body: Option<Box<RawValue>>,
}

/// Collects the arguments for the query and the body.
#[derive(Default)]
pub(crate) struct Placing {
    query: Vec<(&'static str, String)>,
    members: Vec<(&'static str, Box<RawValue>)>,
}

impl Placing {
    /// Adds a query parameter. A list becomes one parameter for each item, all with the name `name`.
    pub(crate) fn query(&mut self, name: &'static str, value: &impl Outgoing) {
        let mut add = |value: &Value| match value {
            Value::Null => {}
            Value::String(text) => self.query.push((name, text.clone())),
            other => self.query.push((name, other.to_string())),
        };
        match Bare(value).serialize(serde_json::value::Serializer) {
            Ok(Value::Array(values)) => values.iter().for_each(add),
            Ok(value) => add(&value),
            Err(_) => {}
        }
    }

    /// Adds a member of the body. Opaque JSON keeps its text.
    pub(crate) fn body(&mut self, name: &'static str, value: &impl Outgoing) {
        if let Ok(raw) = serde_json::value::to_raw_value(&Bare(value)) {
            self.members.push((name, raw));
        }
    }

    /// Adds a null member to the body.
    pub(crate) fn null(&mut self, name: &'static str) {
        self.members.push((name, RawValue::NULL.to_owned()));
    }

    /// Returns the query and the body. A body without members is `{}` if `body` is true, and absent otherwise.
    pub(crate) fn finish(self, body: bool) -> Placed {
        let body = (body || !self.members.is_empty()).then(|| object(&self.members)).flatten();
        Placed { query: self.query, body }
    }
}

/// Joins the members into one object, in their order.
fn object(members: &[(&'static str, Box<RawValue>)]) -> Option<Box<RawValue>> {
    let members: Vec<String> =
        members.iter().map(|(name, value)| format!("{}:{}", Value::from(*name), value.get())).collect();
    RawValue::from_string(format!("{{{}}}", members.join(","))).ok()
}

/// One argument of an operation, as the catalogue describes it.
#[derive(Clone, Copy)]
#[allow(clippy::struct_excessive_bools, reason = "independent facts, as the catalogue lists them")]
pub(crate) struct Argument {
    pub name: &'static str,
    pub wire: &'static str,
    pub place: &'static str,
    pub required: bool,
    pub nullable: bool,
    /// Whether the request contains a value even if the caller leaves the argument out.
    pub always: bool,
    /// Whether only bindings and tests set the argument.
    pub internal: bool,
    pub doc: &'static [&'static str],
    pub of: fn(&mut Types) -> Value,
}

/// The arguments of an operation that are not in its path.
pub(crate) trait Fields: FromCaller {
    const ARGUMENTS: &'static [Argument];

    /// Places the arguments in the query or the body. An argument with the place `client` controls the SDK and is not
    /// sent.
    fn place(&self) -> Placed;
}

/// Declares the arguments of an operation, each with its place (`query`, `body` or `client`), Rust name, wire name and
/// type.
///
/// An argument is optional if no word follows its place. The possible words are:
///
/// * `(needed)`: the argument must be present.
/// * `(given)`: the argument must be present, and may be null.
/// * `(nullable)`: the argument may be absent, null or set, with three different meanings.
/// * `(nulled)`: an absent argument is sent as null.
/// * `(off)`: an absent boolean is sent as false.
/// * `(internal)`: only bindings and tests set the argument. Users cannot set it, and errors do not list it.
macro_rules! request {
    ($(#[doc = $doc:literal])* $vis:vis struct $name:ident {
        $($(#[doc = $field_doc:literal])* $place:ident $(($how:ident))? $field:ident = $wire:literal : $type:ty),* $(,)?
    }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq)]
        $vis struct $name {
            $($(#[doc = $field_doc])* $vis $field: request!(@type [$($how)?] $type),)*
        }

        request!(@strict $name [] $([$($how)?] $field = $wire : $type,)*);
        request!(@new $vis $name [] [] $([$($how)?] $field : $type,)*);

        impl $crate::operation::Fields for $name {
            const ARGUMENTS: &'static [$crate::operation::Argument] = &[$($crate::operation::Argument {
                name: stringify!($field),
                wire: $wire,
                place: stringify!($place),
                required: request!(@required [$($how)?]),
                nullable: request!(@nullable [$($how)?]),
                always: request!(@always [$($how)?]),
                internal: request!(@internal [$($how)?]),
                doc: &[$($field_doc),*],
                of: <$type as $crate::model::Readable>::describe,
            }),*];

            #[allow(unused_mut, reason = "settings and options are not sent")]
            fn place(&self) -> $crate::operation::Placed {
                let mut placing = $crate::operation::Placing::default();
                $(request!(@place $place [$($how)?] placing $wire &self.$field);)*
                placing.finish(false $(|| stringify!($place) == "body" && { let _ = $wire; true })*)
            }
        }
    };
    (@type [needed] $type:ty) => { $type };
    (@type [nullable] $type:ty) => { $crate::patch::Patch<$type> };
    (@type [$($how:ident)?] $type:ty) => { Option<$type> };
    (@required [needed]) => { true };
    (@required [given]) => { true };
    (@required [$($how:ident)?]) => { false };
    (@nullable [nullable]) => { true };
    (@nullable [nulled]) => { true };
    (@nullable [given]) => { true };
    (@nullable [$($how:ident)?]) => { false };

    (@always [off]) => { true };
    (@always [nulled]) => { true };
    (@always [$($how:ident)?]) => { false };

    (@internal [internal]) => { true };
    (@internal [$($how:ident)?]) => { false };

    (@strict $name:ident [$($done:tt)*]) => { strictly!($name { $($done)* }); };
    (@strict $name:ident [$($done:tt)*] [needed] $field:ident = $wire:literal : $type:ty, $($rest:tt)*) => {
        request!(@strict $name [$($done)* required $field = $wire : $type,] $($rest)*);
    };
    (@strict $name:ident [$($done:tt)*] [off] $field:ident = $wire:literal : $type:ty, $($rest:tt)*) => {
        request!(@strict $name [$($done)* omittable $field = $wire : $type,] $($rest)*);
    };
    (@strict $name:ident [$($done:tt)*] [] $field:ident = $wire:literal : $type:ty, $($rest:tt)*) => {
        request!(@strict $name [$($done)* omittable $field = $wire : $type,] $($rest)*);
    };
    (@strict $name:ident [$($done:tt)*] [$how:ident] $field:ident = $wire:literal : $type:ty, $($rest:tt)*) => {
        request!(@strict $name [$($done)* $how $field = $wire : $type,] $($rest)*);
    };

    (@new $vis:vis $name:ident [] [$($init:tt)*]) => {
        #[allow(clippy::derivable_impls, reason = "the declaration is the same for all")]
        impl Default for $name {
            fn default() -> Self {
                Self { $($init)* }
            }
        }
    };
    (@new $vis:vis $name:ident [$($arg:tt)+] [$($init:tt)*]) => {
        impl $name {
            /// Creates a value from the required arguments. All other arguments are left out.
            #[must_use]
            #[allow(clippy::too_many_arguments, reason = "as many as the document requires")]
            $vis fn new($($arg)+) -> Self {
                Self { $($init)* }
            }
        }
    };
    (@new $vis:vis $name:ident [$($arg:tt)*] [$($init:tt)*] [needed] $field:ident : $type:ty, $($rest:tt)*) => {
        request!(@new $vis $name [$($arg)* $field: impl Into<$type>,] [$($init)* $field: $field.into(),] $($rest)*);
    };
    (@new $vis:vis $name:ident [$($arg:tt)*] [$($init:tt)*] [given] $field:ident : $type:ty, $($rest:tt)*) => {
        request!(@new $vis $name [$($arg)* $field: Option<$type>,] [$($init)* $field,] $($rest)*);
    };
    (@new $vis:vis $name:ident [$($arg:tt)*] [$($init:tt)*] [nullable] $field:ident : $type:ty, $($rest:tt)*) => {
        request!(@new $vis $name [$($arg)*] [$($init)* $field: $crate::patch::Patch::Absent,] $($rest)*);
    };
    (@new $vis:vis $name:ident [$($arg:tt)*] [$($init:tt)*] [] $field:ident : $type:ty, $($rest:tt)*) => {
        request!(@new $vis $name [$($arg)*] [$($init)* $field: None,] $($rest)*);
    };
    (@new $vis:vis $name:ident [$($arg:tt)*] [$($init:tt)*] [$how:ident] $field:ident : $type:ty, $($rest:tt)*) => {
        request!(@new $vis $name [$($arg)*] [$($init)* $field: None,] $($rest)*);
    };

    (@place client [$($how:ident)?] $placing:ident $wire:literal $value:expr) => {};
    (@place query [] $placing:ident $wire:literal $value:expr) => {
        if let Some(value) = $value { $placing.query($wire, value); }
    };
    (@place body [] $placing:ident $wire:literal $value:expr) => {
        if let Some(value) = $value { $placing.body($wire, value); }
    };
    (@place body [needed] $placing:ident $wire:literal $value:expr) => { $placing.body($wire, $value); };
    (@place body [off] $placing:ident $wire:literal $value:expr) => {
        $placing.body($wire, &$value.unwrap_or(false));
    };
    (@place body [nullable] $placing:ident $wire:literal $value:expr) => {
        match $value {
            $crate::patch::Patch::Absent => {}
            $crate::patch::Patch::Null => $placing.null($wire),
            $crate::patch::Patch::Set(value) => $placing.body($wire, value),
        }
    };
    (@place body [$how:ident] $placing:ident $wire:literal $value:expr) => {
        match $value {
            Some(value) => $placing.body($wire, value),
            None => $placing.null($wire),
        }
    };
}
