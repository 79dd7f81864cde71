//! Turns on every feature of `serde_json`. Cargo unifies features within a build, so the core gets these features too.
//! This crate runs `core/tests/values.rs` again, because the core must read and write values alike with them.
