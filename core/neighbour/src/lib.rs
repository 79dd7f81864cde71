//! Turns on every feature of `serde_json`, and two features of rustls: `ring`, a second TLS provider, and `zlib`. Cargo
//! unifies features within a build, so the core gets these features too. This crate runs `core/tests/values.rs` and
//! `core/tests/json.rs` again, because the features must not change how the core reads and writes values. Its own tests
//! check that the core uses its own TLS provider and policy, and leaves the default of the process to the program.
