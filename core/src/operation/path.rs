//! The parameters of paths.

use serde_json::Value;

use super::Argument;
use crate::model::{Readable, Types};

/// The kind of an id in a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdKind {
    /// A number.
    Int,
    /// Text.
    Text,
    /// A sync's id or slug.
    Sync,
}

/// A parameter of a path.
#[derive(Clone, Copy)]
pub(crate) struct PathId {
    /// The noun in errors: `source`, in `source 7`.
    pub noun: &'static str,
    /// Its name in the braces of the path.
    pub at: &'static str,
    pub kind: IdKind,
    pub argument: Argument,
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
        internal: false,
        doc,
        of: <i64 as Readable>::describe,
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
        internal: false,
        doc,
        of: <String as Readable>::describe,
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
        internal: false,
        doc: &[
            "The sync's id or slug; an all-digit string is an id. A slug that the client does not remember costs one more request; a change looks it up each time.",
        ],
        of: |_: &mut Types| Value::from("sync"),
    },
};
