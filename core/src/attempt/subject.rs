//! The method that was called, and what it was called on, as errors, logs and hooks name them.

use crate::message::{Message, Method};

/// The method that was called, and what it was called on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subject {
    /// The method in snake case: `resource.method`, or a name alone such as `request`.
    pub method: &'static str,
    /// The API's own id of the operation; `None` if the call is not an operation of the API.
    pub operation_id: Option<&'static str>,
    /// The first arguments of the method, as source code writes them: `7`, `"orders"`.
    pub arguments: Option<String>,
    /// What the method was called on: `sync 7`, `sync "orders"`, `run 12 of sync 7`.
    pub resource: Option<String>,
    /// The sync that the call is about, as the caller named it: its id or its slug.
    pub sync: Option<String>,
}

impl Subject {
    pub(crate) const fn method(method: &'static str) -> Self {
        Self { method, operation_id: None, arguments: None, resource: None, sync: None }
    }

    /// Creates the subject of a run that is followed. `name` is a text such as `run 12 of sync 7`.
    ///
    /// The methods `wait` and `states` of a run read the run with several operations. Therefore errors, logs and hooks
    /// name the method `run`, whichever operation is used.
    pub(crate) fn run(name: String) -> Self {
        Self { resource: Some(name), ..Self::method("run") }
    }

    /// Writes the subject for the beginning of an error message: `syncs.get(7)`. A followed run is written by its name
    /// alone, because its subject has no arguments.
    pub(crate) fn written(&self) -> Message {
        match (&self.arguments, &self.resource) {
            (Some(arguments), _) => message![Method(self.method), format!("({arguments})")],
            (None, Some(resource)) => Message::from(resource.clone()),
            (None, None) => Message::from(Method(self.method)),
        }
    }

    /// Applies `change` to the texts that come from the caller: the arguments, the resource and the sync.
    pub(crate) fn map_text(self, change: impl Fn(&str) -> String) -> Self {
        Self {
            arguments: self.arguments.map(|text| change(&text)),
            resource: self.resource.map(|text| change(&text)),
            sync: self.sync.map(|text| change(&text)),
            ..self
        }
    }
}
