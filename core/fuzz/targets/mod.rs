//! The fuzz targets: each runs an input and checks the result. `core/tests/fuzz.rs` runs them on stable Rust with
//! seeds, mutated seeds and past findings; `make fuzz` runs them under libFuzzer.
//!
//! An input is text. For all targets but `settings`, its first line says what to call. An input may contain the key by
//! these placeholders: `{{key}}` is the key as in a JSON string, `{{raw}}` is the key itself, `{{percent}}` is the
//! percent-encoded key, and `{{base64}}` is the base64 form of a text that consists of `key:` and the key.

#[path = "../../tests/answering/mod.rs"]
mod answering;
mod answers;
mod check;
mod door;
mod engine;
mod errors;
mod limits;
mod sample;
mod settings;

pub use limits::seeds as limits;
pub use sample::{Samples, words};

/// A target: its name, and a function that runs an input and panics if a check fails.
pub type Target = (&'static str, fn(&[u8]));

pub const ALL: [Target; 5] = [
    ("answers", answers::play),
    ("errors", errors::play),
    ("door", door::play),
    ("settings", settings::play),
    ("limits", limits::play),
];

/// The API key of every client in these tests. Each way of quoting changes some of its characters.
pub const KEY: &str = r#"cnry/7f3K+"\q%<k>&'z=9"#;

/// Returns the input as text, with placeholders replaced.
fn text_of(input: &[u8]) -> String {
    let quoted = serde_json::to_string(KEY).unwrap();
    String::from_utf8_lossy(input)
        .replace("{{key}}", quoted.trim_matches('"'))
        .replace("{{raw}}", KEY)
        .replace("{{percent}}", &check::percent(KEY))
        .replace("{{base64}}", &check::base64(&format!("key:{KEY}")))
}

fn first_line(text: &str) -> (&str, &str) {
    text.split_once('\n').unwrap_or((text, ""))
}
