//! What the templates for this language need.

use minijinja::{Environment, Error};
use serde_json::Value;

/// What is generated: the file, from the repository's folder, and its template.
pub(crate) const FILES: &[(&str, &str)] = &[];

/// Teaches an environment what the templates use.
pub(crate) fn register(_: &mut Environment<'_>) {}

/// The catalogue with what the templates need beside it.
pub(crate) fn context(catalogue: &Value) -> Result<Value, Error> {
    Ok(catalogue.clone())
}
