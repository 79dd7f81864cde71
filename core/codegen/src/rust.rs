//! The tables of calls that the tests of the core and of the sandbox use.

use minijinja::{Environment, Error};
use serde_json::Value as Json;

/// The generated files, as paths from the root of the repository, each with its template.
const FILES: &[(&str, &str)] = &[
    ("core/tests/sandboxed/support/calls.rs", include_str!("../templates/rust/calls.rs.j2")),
    ("tests/sandbox/tests/common/catalogue.rs", include_str!("../templates/rust/catalogue.rs.j2")),
];

pub(crate) fn files(_: &Json) -> Vec<(String, String)> {
    crate::owned(FILES)
}

pub(crate) fn register(env: &mut Environment<'_>) {
    env.add_filter("pascal", |name: &str| heck::ToUpperCamelCase::to_upper_camel_case(name));
}

#[expect(clippy::unnecessary_wraps, reason = "all languages have this signature")]
pub(crate) fn context(catalogue: &Json) -> Result<Json, Error> {
    Ok(catalogue.clone())
}
