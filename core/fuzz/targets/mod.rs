//! What is done with an input, and what must hold of whatever comes out. Played by `core/tests/fuzz.rs` on stable,
//! with its seeds, past findings and changed seeds, and by libFuzzer (`make fuzz`).
//!
//! Inputs are text: a first line that says what is called, and the rest. In them `{{key}}` stands for the key as JSON
//! text has it, `{{raw}}` for the key itself, `{{percent}}` and `{{base64}}` for what a URL or a header makes of it.

mod answers;
mod check;
mod door;
mod engine;
mod errors;
mod sample;
mod settings;

pub use sample::{Samples, words};

/// A target: a name, and what it does with an input. It panics where a promise is broken.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const ALL: [Target; 4] = [
    ("answers", answers::play),
    ("errors", errors::play),
    ("door", door::play),
    ("settings", settings::play),
];

/// The key of every client here: each way of quoting makes something else of it.
pub const KEY: &str = r#"cnry/7f3K+"\q%<k>&'z=9"#;

/// The input as text, its placeholders replaced.
fn text_of(input: &[u8]) -> String {
    let quoted = serde_json::to_string(KEY).unwrap();
    String::from_utf8_lossy(input)
        .replace("{{key}}", quoted.trim_matches('"'))
        .replace("{{raw}}", KEY)
        .replace("{{percent}}", &check::percent(KEY))
        .replace("{{base64}}", &check::base64(&format!("key:{KEY}")))
}

/// The first line, and what follows it.
fn first_line(text: &str) -> (&str, &str) {
    text.split_once('\n').unwrap_or((text, ""))
}
