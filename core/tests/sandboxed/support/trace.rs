//! Records the texts that users of the SDK can see, as lines of JSON: `{"player", "what", "text"}`.
//! `tests/house/canary` searches these texts for API keys.

use std::io::Write;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

/// Records a text that a user may see, if `HIGHTOUCH_TRACE` names a folder.
pub fn trace(what: &str, text: &str) {
    let Some(folder) = std::env::var_os("HIGHTOUCH_TRACE").map(PathBuf::from) else { return };
    let file = folder.join(format!("rust-{}.jsonl", std::process::id()));
    let line = format!("{}\n", json!({"player": "rust", "what": what, "text": text}));
    let opened = std::fs::OpenOptions::new().create(true).append(true).open(file);
    opened.and_then(|mut file| file.write_all(line.as_bytes())).expect("the folder can be written to");
}

/// Returns the decoded content of a token; empty if it cannot be decoded.
pub fn decoded(token: &str) -> String {
    String::from_utf8_lossy(&URL_SAFE_NO_PAD.decode(token).unwrap_or_default()).into_owned()
}
