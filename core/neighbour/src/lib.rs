//! Turns on every feature of `serde_json`. Cargo unifies features within a build, so the core gets them too. This crate
//! runs `core/tests/values.rs` again, because the core must read and write the same with these features.
