//! How operations are declared.

mod page;
mod path;
#[macro_use]
mod request;
mod run;

pub(crate) use page::{Page, TolerantPage};
pub(crate) use path::{IdKind, PathId, SYNC, number, text};
pub(crate) use request::{Argument, Fields, Placed, Placing};
pub use run::RunKind;
pub(crate) use run::{OfRun, Started, StartedNumber, StartedText};

use serde_json::Value;

use crate::limit::Class;
use crate::model::{Readable, Types};

/// Whether an operation may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Safety {
    /// The operation only reads, so its request may be sent again.
    Read,
    /// The operation changes something. Its request is sent again only if it certainly did not take effect.
    Write,
}

#[derive(Clone, Copy)]
pub(crate) enum Returns {
    /// A page of a list.
    Page(fn(&mut Types) -> Value),
    /// One value.
    Value(fn(&mut Types) -> Value),
    /// No value.
    Nothing,
    /// A new run, which the caller can follow.
    Run(RunKind),
    /// An existing run, which the caller can follow.
    Lookup(RunKind),
    /// The latest run, which the caller can follow, or nothing if no run exists.
    Latest(RunKind),
    /// A value that only other operations of the core use. Users have no method for an operation that returns it.
    Inner,
}

/// An operation of the API.
pub(crate) struct Operation {
    /// Hightouch's name of the operation, such as `GetSync`.
    pub id: &'static str,
    /// The name by which all languages call the operation: `resource.method`.
    pub op: &'static str,
    pub method: http::Method,
    /// The path below the base URL, with the parameters in braces.
    pub path: &'static str,
    /// The parameters of the path, in their order.
    pub ids: &'static [PathId],
    pub safety: Safety,
    pub class: Class,
    pub returns: Returns,
    pub doc: &'static [&'static str],
    pub arguments: &'static [Argument],
    pub traits: Traits,
}

impl Operation {
    /// Whether an object is a complete value of the operation. A complete value has all required members or, if no
    /// member is required, at least one known member. `has` says whether the object has a member with a given name.
    pub(crate) fn returns_object_with(&self, has: impl Fn(&str) -> bool) -> bool {
        match self.returns {
            Returns::Page(_) | Returns::Lookup(_) | Returns::Latest(_) => has("data"),
            Returns::Run(_) | Returns::Inner => has("id"),
            Returns::Nothing => false,
            Returns::Value(describe) => {
                let mut types = Types::default();
                let value = describe(&mut types);
                let members = types.members(&value);
                let filled = self.traits.fill.map(|(member, _)| member);
                let mut required =
                    members.iter().filter(|(name, required)| *required && Some(*name) != filled).peekable();
                if required.peek().is_some() {
                    required.all(|(name, _)| has(name))
                } else {
                    members.iter().any(|(name, _)| has(name))
                }
            }
        }
    }
}

/// Properties that only some operations have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Traits {
    pub deprecated: bool,
    /// Whether the operation is missing from the API document that the SDK was built from.
    pub newer: bool,
    /// The `orderBy` that the SDK sends if the caller passes none. Without a fixed order, the server may order each
    /// page differently. Not used by operations without the argument `orderBy`.
    pub order: Option<&'static str>,
    /// Hightouch's default number of rows per page. The SDK requests this number explicitly.
    pub page: u32,
    /// The wire names of a member of the answer and of a path parameter. If the answer lacks the member, the SDK sets
    /// the member to the value of the path parameter.
    pub fill: Option<(&'static str, &'static str)>,
}

impl Traits {
    pub(crate) const NONE: Self =
        Self { deprecated: false, newer: false, order: Some("id"), page: 100, fill: None };
}

impl std::fmt::Debug for Operation {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str(self.id)
    }
}

/// An operation with the types of its arguments and its value.
pub(crate) trait Endpoint {
    const OPERATION: &'static Operation;
    type Fields: Fields;
    type Answer: Readable;
}

/// The arguments of an operation that takes arguments only in its path.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct NoFields;

strictly!(NoFields {});

impl Fields for NoFields {
    const ARGUMENTS: &'static [Argument] = &[];

    fn place(&self) -> Placed {
        Placed::default()
    }
}

/// Declares one operation. [`operations!`] calls this macro for each operation of a resource.
macro_rules! operation {
    ($(#[doc = $doc:literal])* $marker:ident = $id:literal, $safety:ident $verb:ident $path:literal [$($path_id:expr),*]
        as $op:literal, takes $fields:ty, gives $kind:ident $answer:ty $(, $key:ident $value:expr)*) => {
        pub(crate) enum $marker {}

        impl $crate::operation::Endpoint for $marker {
            const OPERATION: &'static $crate::operation::Operation = {
                static OPERATION: $crate::operation::Operation = $crate::operation::Operation {
                    id: $id,
                    op: $op,
                    method: http::Method::$verb,
                    path: $path,
                    ids: &[$($path_id),*],
                    safety: operation!(@safety $safety),
                    class: operation!(@class $safety),
                    returns: operation!(@returns $kind $answer),
                    doc: &[$($doc),*],
                    arguments: <$fields as $crate::operation::Fields>::ARGUMENTS,
                    traits: $crate::operation::Traits { $($key: $value,)* ..$crate::operation::Traits::NONE },
                };
                &OPERATION
            };
            type Fields = $fields;
            type Answer = operation!(@answer $kind $answer);
        }
    };
    (@safety read) => { $crate::operation::Safety::Read };
    (@safety poll) => { $crate::operation::Safety::Read };
    (@safety $safety:ident) => { $crate::operation::Safety::Write };
    (@class trigger) => { $crate::limit::Class::Trigger };
    (@class poll) => { $crate::limit::Class::Poll };
    (@class $safety:ident) => { $crate::limit::Class::Read };
    (@returns page $answer:ty) => { $crate::operation::Returns::Page(<$answer as $crate::model::Readable>::describe) };
    (@returns value $answer:ty) => { $crate::operation::Returns::Value(<$answer as $crate::model::Readable>::describe) };
    (@returns run $answer:ty) => { $crate::operation::Returns::Run(<$answer as $crate::operation::OfRun>::KIND) };
    (@returns lookup $answer:ty) => { $crate::operation::Returns::Lookup(<$answer as $crate::operation::OfRun>::KIND) };
    (@returns latest $answer:ty) => { $crate::operation::Returns::Latest(<$answer as $crate::operation::OfRun>::KIND) };
    (@returns nothing $answer:ty) => { $crate::operation::Returns::Nothing };
    (@returns inner $answer:ty) => { $crate::operation::Returns::Inner };
    (@answer lookup $answer:ty) => { $crate::operation::Page<$answer> };
    (@answer latest $answer:ty) => { $crate::operation::Page<$answer> };
    (@answer page $answer:ty) => { $crate::operation::Page<$answer> };
    (@answer run $answer:ty) => { <$answer as $crate::operation::OfRun>::Started };
    (@answer $kind:ident $answer:ty) => { $answer };
}
