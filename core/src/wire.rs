//! The one door for bindings: settings, calls and answers as JSON.

use serde::Serialize;

/// Tells a call to stop; clones share one signal.
#[derive(Clone, Debug, Default)]
pub struct Cancel(tokio_util::sync::CancellationToken);

impl Cancel {
    /// A signal that nobody has raised.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Raises the signal; raising it again changes nothing.
    pub fn cancel(&self) {
        self.0.cancel();
    }
}

/// What one call gave.
#[derive(Debug)]
pub struct Outcome {
    /// Whether `head` is the meta of an answer (true) or a failure (false).
    pub ok: bool,
    /// JSON: `{"meta", "next"?}` or the failure.
    pub head: String,
    /// The answer's JSON, or empty.
    pub body: Vec<u8>,
}

/// Why a call or the settings failed, as data.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    kind: &'static str,
    message: String,
}

impl Failure {
    /// The failure as the JSON that hosts decode.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

/// A client behind the door.
#[derive(Debug)]
pub struct Engine {}

impl Engine {
    /// Reads the settings; does no I/O.
    pub fn new(_settings: &str) -> Result<Self, Failure> {
        Ok(Self {})
    }

    /// Makes one call; needs a tokio runtime around it.
    pub async fn call(&self, _op: &str, _args: &str, _opts: &str, _cancel: &Cancel) -> Outcome {
        let failure = Failure { kind: "internal", message: "the door is not open yet".into() };
        Outcome { ok: false, head: failure.to_json(), body: Vec::new() }
    }
}
