//! Turns on every feature of `serde_json`. Cargo unifies features over a build, so the core is built with them too, and
//! plays `core/tests/values.rs` here once more: what it reads and writes must not change.
