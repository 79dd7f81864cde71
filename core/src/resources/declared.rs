//! How a resource declares its operations. All other lists of operations are derived from these declarations.

use serde::Serialize;

use crate::operation::{Endpoint, Page};
use crate::page::Row;
use crate::runs::{Listed, RunState};

/// Visits the declared operations, each with the types of its arguments and its result.
pub(crate) trait Visitor {
    /// Visits an operation that lists rows of type `T`.
    fn page<E: Endpoint<Answer = Page<T>>, T: Row + Serialize>(&mut self);
    /// Visits an operation that returns one value, or nothing.
    fn value<E: Endpoint<Answer: Send + Serialize>>(&mut self);
    /// Visits an operation that starts a run.
    fn run<E: Endpoint<Answer = S::Started, Fields: Default>, S: RunState>(&mut self);
    /// Visits a method that finds a run by its id.
    fn lookup<E: Endpoint<Answer = Page<S>, Fields: Default>, S: Listed>(&mut self);
    /// Visits a method that finds the latest run.
    fn latest<E: Endpoint<Answer = Page<S>, Fields: Default>, S: Listed>(&mut self);
    /// Visits an operation that only other operations use. Users have no method for such an operation.
    fn inner<E: Endpoint>(&mut self);
}

/// Declares the operations of a resource, and the function `operations`, which passes each operation to a [`Visitor`].
///
/// A declaration lists, in this order:
///
/// * a type that stands for the operation, and Hightouch's name of the operation;
/// * a word for the safety and the priority of the operation: `read` and `poll` change nothing, `write` and `trigger`
///   change something;
/// * the HTTP method, the path, the ids in the path, and the name of the operation in the SDK;
/// * the type of the operation's arguments;
/// * what the operation returns (`page`, `value`, `run`, `lookup`, `latest`, `nothing` or `inner`), and the type of the
///   result. `lookup` and `latest` declare one more method for an API operation that is declared elsewhere;
/// * the [`Traits`](crate::operation::Traits) that differ from `Traits::NONE`.
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
    (@visit $visitor:ident lookup $marker:ident $answer:ty) => { $visitor.lookup::<$marker, $answer>() };
    (@visit $visitor:ident latest $marker:ident $answer:ty) => { $visitor.latest::<$marker, $answer>() };
    (@visit $visitor:ident inner $marker:ident $answer:ty) => { $visitor.inner::<$marker>() };
    (@visit $visitor:ident $kind:ident $marker:ident $answer:ty) => { $visitor.value::<$marker>() };
}
