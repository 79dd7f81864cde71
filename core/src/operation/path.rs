//! The parameters in the paths of operations.

use serde_json::Value;

use super::Argument;
use crate::model::{Readable, Types};

/// The kind of an id in a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdKind {
    Int,
    Text,
    /// A sync's id or slug.
    Sync,
}

#[derive(Clone, Copy)]
pub(crate) struct PathId {
    /// The noun that errors use: `source` in `source 7`.
    pub noun: &'static str,
    /// The name of the parameter in the braces of the path.
    pub at: &'static str,
    pub kind: IdKind,
    pub argument: Argument,
}

/// Declares a path parameter that is a number.
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

/// Declares a path parameter that is text.
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

/// The path parameter that is the id of a sync. Callers may pass the slug instead; the client then looks up the id.
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
            "The sync's id or slug; a string of only digits is an id. A slug costs one more request, which looks up the id of the sync. Updates and deletions always send this request. All other calls omit the request if the client remembers the id.",
        ],
        of: |_: &mut Types| Value::from("sync"),
    },
};
