//! What the resources' operations have in common.

use serde_json::Value;

use super::{Argument, Fields, Placed};
use crate::client::{Call, Id};
use crate::error::Error;
use crate::model::{Model, Types};
use crate::operation::{Endpoint, IdKind, PathId};

/// For operations that take nothing beside what is in their path.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct NoFields;

strictly!(NoFields {});

impl Fields for NoFields {
    const ARGUMENTS: &'static [Argument] = &[];

    fn place(&self) -> Placed {
        Placed::default()
    }
}

/// A number in a path.
pub(crate) const fn number(
    noun: &'static str,
    name: &'static str,
    wire: &'static str,
    doc: &'static [&'static str],
) -> PathId {
    let argument = Argument {
        name,
        wire,
        place: "path",
        required: true,
        nullable: false,
        always: false,
        doc,
        of: <i64 as Model>::describe,
    };
    PathId { noun, at: wire, kind: IdKind::Int, argument }
}

/// Text in a path.
pub(crate) const fn text(
    noun: &'static str,
    name: &'static str,
    wire: &'static str,
    doc: &'static [&'static str],
) -> PathId {
    let argument = Argument {
        name,
        wire,
        place: "path",
        required: true,
        nullable: false,
        always: false,
        doc,
        of: <String as Model>::describe,
    };
    PathId { noun, at: wire, kind: IdKind::Text, argument }
}

/// A sync in a path: by its id, or by its slug, which is looked up first.
pub(crate) const SYNC: PathId = PathId {
    noun: "sync",
    at: "syncId",
    kind: IdKind::Sync,
    argument: Argument {
        name: "sync",
        wire: "sync",
        place: "path",
        required: true,
        nullable: false,
        always: false,
        doc: &[
            "The sync's id or slug; an all-digit string is an id. A slug that the client does not remember costs one more request; a change looks it up each time.",
        ],
        of: |_: &mut Types| Value::from("sync"),
    },
};

/// The call of an operation that has no id in its path.
pub(crate) fn call<E: Endpoint>(fields: &E::Fields) -> Result<Call, Error> {
    call_on::<E>(Vec::new(), fields)
}

/// The call of an operation on what its path names.
pub(crate) fn call_on<E: Endpoint>(ids: Vec<Id>, fields: &E::Fields) -> Result<Call, Error> {
    let operation = E::OPERATION;
    let call = Call::new(operation, ids)?.placed(fields.place());
    let ordered = operation.arguments.iter().any(|argument| argument.wire == "orderBy");
    Ok(match operation.traits.order {
        Some(order) if ordered && call.query().all(|(name, _)| name != "orderBy") => {
            call.with("orderBy", order.to_owned())
        }
        _ => call,
    })
}

/// Declares a resource's handle, and the way to it from the client.
macro_rules! handle {
    ($(#[doc = $doc:literal])* $name:ident, $method:ident) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug)]
        pub struct $name {
            client: $crate::client::Client,
        }

        impl $crate::client::Client {
            $(#[doc = $doc])*
            #[must_use]
            pub fn $method(&self) -> $name {
                $name { client: self.clone() }
            }
        }
    };
}
