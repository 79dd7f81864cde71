//! How a resource declares its operations. All other lists of operations are derived from these declarations.

use serde::Serialize;

use crate::operation::{Endpoint, Page};
use crate::page::Row;
use crate::runs::RunState;

/// Visits the declared operations, each with the types of its arguments and its result.
pub(crate) trait Visitor {
    /// A list.
    fn page<E: Endpoint<Answer = Page<T>>, T: Row + Serialize>(&mut self);
    /// One value, or nothing.
    fn value<E: Endpoint<Answer: Send + Serialize>>(&mut self);
    /// A run to follow.
    fn run<E: Endpoint<Answer = S::Started, Fields: Default>, S: RunState>(&mut self);
    /// An operation that only other operations use; hosts have no method for it.
    fn inner<E: Endpoint>(&mut self);
}

/// Declares the operations of a resource, and the function `operations`, which shows them to a [`Visitor`].
///
/// An operation is its type and the vendor's id; what repeating it would do; the HTTP request and the ids in its path; its
/// name in the SDK; what it takes and returns (`page`, `value`, `run`, `nothing` or `inner`); then the
/// [`Traits`](crate::operation::Traits) that differ from most. `read` and `poll` may be repeated; `write` and `trigger`
/// change something.
macro_rules! operations {
    ($($(#[doc = $doc:literal])* $marker:ident = $id:literal, $safety:ident $verb:ident $path:literal
        [$($path_id:expr),*] as $op:literal, takes $fields:ty, gives $kind:ident $answer:ty
        $(, $key:ident $value:expr)*;)*) => {
        $(operation! {
            $(#[doc = $doc])*
            $marker = $id, $safety $verb $path [$($path_id),*] as $op, takes $fields, gives $kind $answer
            $(, $key $value)*
        })*

        pub(in crate::resources) fn operations(visitor: &mut impl $crate::resources::Visitor) {
            $(operations!(@visit visitor $kind $marker $answer);)*
        }
    };
    (@visit $visitor:ident page $marker:ident $answer:ty) => { $visitor.page::<$marker, $answer>() };
    (@visit $visitor:ident run $marker:ident $answer:ty) => { $visitor.run::<$marker, $answer>() };
    (@visit $visitor:ident inner $marker:ident $answer:ty) => { $visitor.inner::<$marker>() };
    (@visit $visitor:ident $kind:ident $marker:ident $answer:ty) => { $visitor.value::<$marker>() };
}
