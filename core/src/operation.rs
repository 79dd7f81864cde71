//! What the core knows of an operation before it is called.

use crate::limit::Class;
use crate::resources::Argument;

/// What repeating an operation would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Safety {
    /// Reads: may be sent again.
    Read,
    /// Changes something: sent again only when it certainly did not happen.
    Write,
}

/// What an operation gives, for the catalogue.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Returns {
    /// A page of a list of the named type.
    Page(&'static str),
    /// A run to follow.
    Run(&'static str),
    /// Reached through other calls only; hosts have no method of its own.
    Inner,
}

/// An operation of the API.
pub(crate) struct Operation {
    /// The vendor's name for it.
    pub id: &'static str,
    /// The door's and the hosts' name: `resource.method`.
    pub op: &'static str,
    pub method: http::Method,
    /// The path below the base URL, parameters in braces.
    pub path: &'static str,
    pub safety: Safety,
    pub class: Class,
    pub returns: Returns,
    pub doc: &'static str,
    pub arguments: &'static [&'static [Argument]],
}

impl std::fmt::Debug for Operation {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str(self.id)
    }
}
