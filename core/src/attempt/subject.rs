//! What errors, logs and hooks name: the method that was called, and what it was called on.

use crate::message::{Message, Method};

/// The method that was called, and what it was called on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subject {
    /// `resource.method` in snake case.
    pub method: &'static str,
    /// The API's id of the operation, if it is one of the API's.
    pub operation_id: Option<&'static str>,
    /// The method's first arguments, as they are written in a call: `7`, `"orders"`.
    pub arguments: Option<String>,
    /// What the method was called on: `sync 7`, `sync "orders"`, `run 12 of sync 7`.
    pub resource: Option<String>,
}

impl Subject {
    /// A method that sends no operation of the API's.
    pub(crate) const fn method(method: &'static str) -> Self {
        Self { method, operation_id: None, arguments: None, resource: None }
    }

    /// A run that is followed, by its name: `run 12 of sync 7`.
    ///
    /// The handle's `wait` and `states` read it with several operations, so errors, logs and hooks say `run`.
    pub(crate) fn run(name: String) -> Self {
        Self { resource: Some(name), ..Self::method("run") }
    }

    /// As messages begin: `syncs.get(7)`; a run that is followed is named alone, since no method names it.
    pub(crate) fn written(&self) -> Message {
        match (&self.arguments, &self.resource) {
            (Some(arguments), _) => message![Method(self.method), format!("({arguments})")],
            (None, Some(resource)) => Message::from(resource.clone()),
            (None, None) => Message::from(Method(self.method)),
        }
    }

    /// The subject with what the caller gave put through `change`.
    pub(crate) fn map_text(self, change: impl Fn(&str) -> String) -> Self {
        Self {
            arguments: self.arguments.map(|text| change(&text)),
            resource: self.resource.map(|text| change(&text)),
            ..self
        }
    }
}
