//! Has no code. Enables the features of the common dependencies that several packages of this repository need.
//!
//! Cargo builds a dependency, and all that depends on it, once for each set of features. The commands of the tests name
//! this package beside their own, so that all of them share one build: one for the sandbox and the tests in Rust, and one
//! for the bindings of Node.js and Swift. `tests/house/one-build/check` fails if a feature is missing here.
