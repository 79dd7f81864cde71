//! Diagnoses a client: checks its settings, then its connection, then its key.

mod probe;

use std::fmt;
use std::time::Duration;

use serde::Serialize;

pub use probe::Negotiated;
use probe::{probe, proxy_of};

use crate::attempt::Meta;
use crate::call::{Options, call};
use crate::config::CheckedScope;
use crate::error::{Error, Kind};
use crate::limit::Quota;
use crate::message::{Name, Style, sentence};
use crate::reason::Reason;
use crate::resources::{ListSyncOp, ListSyncs};
use crate::sender::{Answer, Sender};

/// The result of [`Client::diagnose`](crate::Client::diagnose). Its `Display` is a report with a line for each finding.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Diagnosis {
    /// The base URL of the client; absent if the settings have no valid base URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// The proxy, without its credentials; absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// What TLS negotiated with the server, through the proxy if there is one. Absent over http, and if no connection
    /// could be made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Negotiated>,
    /// Whether a read with the API key succeeded.
    pub ok: bool,
    /// The findings, in the order of the checks.
    pub findings: Vec<Finding>,
}

/// One finding of a diagnosis.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Finding {
    /// `ok`, or what is wrong: `no_key`, `malformed_key`, `bad_token`, `orphaned_creator`, `stripped_key`,
    /// `key_function`, `key_changed`, `dns`, `proxy`, `refused`, `no_descriptors`, `not_tls`, `tls_version`,
    /// `tls_suites`, `unknown_ca`, `self_signed`, `wrong_host`, `expired_certificate`, `future_certificate`,
    /// `limit_not_shared`, `quota_exhausted`; or the kind of an error that has no code. [`Error::code`] returns the
    /// same codes, and also `checkpoint`. Later versions may add codes.
    pub code: String,
    /// What was found.
    pub message: String,
    /// What to do about the finding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

impl Finding {
    fn ok(message: impl Into<String>) -> Self {
        Self { code: "ok".to_owned(), message: sentence(&message.into()), advice: None }
    }

    fn of(error: &Error, style: Style) -> Self {
        let code = error.reason().map_or(error.kind().as_str(), Reason::code);
        Self { code: code.to_owned(), message: error.in_style(style), advice: error.hint_in(style) }
    }
}

/// Checks the connection and the key with one TLS handshake and one read (`syncs.list`), which counts towards the
/// limit.
pub(crate) async fn diagnose(sender: &Sender) -> Diagnosis {
    let config = sender.config();
    let mut findings = Vec::new();
    let mut tls = None;
    let proxy = proxy_of(config);
    if config.base.scheme() == "https" {
        let probed = match sender.http().tls().await {
            Ok(tls) => probe(config, tls).await,
            Err(error) => Err(error),
        };
        match probed {
            Ok(negotiated) => tls = Some(negotiated),
            Err(error) => {
                findings.push(Finding::of(&error.scrubbed(|text| sender.scrub(text)), config.style));
            }
        }
    } else {
        findings.push(Finding::ok("the base URL is http to a loopback address, so there is no TLS"));
    }
    let read = one_read(sender).await;
    match &read {
        Ok(answer) => {
            let refused = answer.meta.refused();
            if refused > 0 {
                findings.push(exhausted(refused, &config.quota));
            }
            let took = answer.meta.duration_ms;
            findings.push(Finding::ok(format!("a read with this key was answered in {took} ms")));
        }
        Err(error) => {
            let found = Finding::of(error, config.style);
            // If the read failed for the same reason as the handshake, one finding is enough.
            if findings.iter().all(|earlier| earlier.code != found.code) {
                findings.push(found);
            }
        }
    }
    let workspace = sender.workspace().ok();
    if let Some(workspace) = workspace
        && let Some(why) = workspace.gate().fallback()
    {
        findings.push(alone(&why, workspace.scope(), config.style));
    }
    Diagnosis { base_url: Some(sender.scrub(config.base.as_str())), proxy, tls, ok: read.is_ok(), findings }
}

async fn one_read(sender: &Sender) -> Result<Answer, Error> {
    let one = ListSyncs { limit: Some(1), ..ListSyncs::default() };
    let config = sender.config();
    // A diagnosis must report a used-up limit soon, so its read must not wait long for the limit. A wait of one window
    // is enough if the client is merely busy.
    let bounded = Options::new()
        .max_retries(0)
        .deadline(config.bounds.timeout)
        .max_wait(sender.scaled(config.quota.window).max(Duration::from_millis(1)));
    let call = call::<ListSyncOp>(&one)?;
    let mut spent = sender.account(call.subject(), &bounded, false);
    let read = sender.answer(&call, &mut spent).await;
    read.map_err(|error| match (error.meta().map_or(0, Meta::refused), error.kind()) {
        // A time limit passed because the server refused attempts (429). Which time limit it was does not matter.
        (1.., Kind::Timeout | Kind::RateLimited) => error.with_reason(Reason::QuotaExhausted),
        _ => error,
    })
}

fn alone(why: &str, scope: &CheckedScope, style: Style) -> Finding {
    let (whose, to_mend) = match scope {
        CheckedScope::Fleet(_) => (
            "other processes",
            message![
                "Check the server, and the URL, the user and the password in ",
                Name("limitScope"),
                ". This process asks the server again every second while it is used. Until then it sends only its ",
                Name("share"),
                " of the limit, or one request per window if it has none."
            ],
        ),
        CheckedScope::Host | CheckedScope::Process => (
            "other processes of this host",
            message![
                "Make the folder for temporary files usable, or give each process its ",
                Name("share"),
                " of the limit."
            ],
        ),
    };
    Finding {
        code: Reason::LimitNotShared.code().to_owned(),
        message: sentence(&format!("{whose} do not share the rate limit: {why}")),
        advice: Some(to_mend.in_style(style)),
    }
}

fn exhausted(refused: usize, quota: &Quota) -> Finding {
    let times = if refused == 1 { "once".to_owned() } else { format!("{refused} times") };
    Finding {
        code: Reason::QuotaExhausted.code().to_owned(),
        message: format!(
            "The workspace's limit was used up: the server refused {times} (429) before it answered."
        ),
        advice: Some(format!(
            "Every process that uses the workspace shares its {} requests in {} s. Give each process its share.",
            quota.requests,
            quota.window.as_secs_f64()
        )),
    }
}

impl Diagnosis {
    /// The diagnosis of settings from which no client can be created.
    pub(crate) fn without_client(base_url: Option<String>, error: &Error, style: Style) -> Self {
        Self { base_url, proxy: None, tls: None, ok: false, findings: vec![Finding::of(error, style)] }
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(base) = &self.base_url {
            writeln!(to, "base URL: {base}")?;
        }
        if let Some(proxy) = &self.proxy {
            writeln!(to, "proxy: {proxy}")?;
        }
        if let Some(tls) = &self.tls {
            let http = tls.application_protocol.as_deref().unwrap_or("no HTTP version agreed on");
            writeln!(to, "protocol: {}, {http}", tls.protocol)?;
            writeln!(to, "cipher suite: {}", tls.cipher_suite)?;
            writeln!(to, "key exchange: {}", tls.key_exchange)?;
        }
        for finding in &self.findings {
            writeln!(to, "{}: {}", finding.code, finding.message)?;
            if let Some(advice) = &finding.advice {
                writeln!(to, "    {advice}")?;
            }
        }
        write!(to, "{}", if self.ok { "The API answers." } else { "The API does not answer." })
    }
}
