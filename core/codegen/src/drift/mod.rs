//! Compares an OpenAPI file with the catalogue, to notice that the API changed.

mod baseline;
mod compare;
mod document;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use document::Document;

/// The text of the document that the SDK was written from.
const BASELINE: &str = include_str!("../../../../tests/sandbox/openapi.json");

/// The known differences, each with its reason, as JSON.
const KNOWN: &str = include_str!("known.json");

/// How much a difference matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// The difference is expected: it is listed in `known.json`, or the document lacks an operation that the catalogue
    /// marks as newer than the document.
    Known,
    /// The SDK works as before, but may not support something new.
    New,
    /// Calls may fail, or the SDK may be unable to read answers.
    Breaking,
}

impl fmt::Display for Severity {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.pad(match self {
            Self::Known => "known",
            Self::New => "new",
            Self::Breaking => "breaking",
        })
    }
}

/// A difference between the document and the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub severity: Severity,
    /// The operation and the path in it, such as `UpdateSync body.schedule`.
    pub at: String,
    pub what: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    /// A pattern for [`Finding::at`], in which `*` stands for any text.
    at: String,
    what: String,
    why: String,
}

impl Known {
    fn is(&self, finding: &Finding) -> bool {
        self.what == finding.what && matches(&self.at, &finding.at)
    }
}

/// Whether a text matches a pattern in which `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, after)) => text.strip_prefix(before).is_some_and(|rest| {
            (0..=rest.len()).filter_map(|start| rest.get(start..)).any(|rest| matches(after, rest))
        }),
    }
}

/// Compares a file with the catalogue. Returns the report and the exit status: 0 if all differences are known, 1 if
/// something is new, 2 if something that the SDK needs is gone or changed.
///
/// # Errors
/// A sentence, if the file cannot be read or is not an OpenAPI document in JSON.
pub(crate) fn check(file: &Path, catalogue: &Value) -> Result<(String, u8), String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let document = Document::read(&text).map_err(|why| format!("{}: {why}", file.display()))?;
    compared(&document, catalogue)
}

fn compared(document: &Document, catalogue: &Value) -> Result<(String, u8), String> {
    let known: Vec<Known> = serde_json::from_str(KNOWN).map_err(|error| format!("known.json: {error}"))?;
    let baseline = Document::read(BASELINE)?;
    let mut findings = compare::differences(document, catalogue);
    findings.extend(baseline::differences(document, &baseline));
    Ok(report(&settled(&findings, &known)))
}

/// Marks the known differences, and sorts all differences by severity. Adds a difference for each entry of `known.json`
/// that matches no difference.
fn settled(findings: &[Finding], known: &[Known]) -> Vec<Finding> {
    let mut settled = Vec::new();
    for mut finding in findings.iter().cloned() {
        if let Some(entry) = known.iter().find(|entry| entry.is(&finding)) {
            finding.severity = Severity::Known;
            finding.what = format!("{} ({})", finding.what, entry.why);
        }
        settled.push(finding);
    }
    for entry in known {
        if !findings.iter().any(|finding| entry.is(finding)) {
            settled.push(Finding {
                severity: Severity::New,
                at: entry.at.clone(),
                what: format!("listed in known.json, but no longer found: {}", entry.what),
            });
        }
    }
    settled.sort_by(|one, other| other.severity.cmp(&one.severity).then_with(|| one.at.cmp(&other.at)));
    settled
}

fn report(findings: &[Finding]) -> (String, u8) {
    let worst = findings.iter().map(|finding| finding.severity).max().unwrap_or(Severity::Known);
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let mut lines: Vec<String> = findings
        .iter()
        .map(|finding| format!("{:<9}{}: {}", finding.severity, finding.at, finding.what))
        .collect();
    let status = match worst {
        Severity::Known => 0,
        Severity::New => 1,
        Severity::Breaking => 2,
    };
    lines.push(format!(
        "{worst}, exit status {status}: {} breaking, {} new, {} known",
        count(Severity::Breaking),
        count(Severity::New),
        count(Severity::Known)
    ));
    (lines.join("\n"), status)
}
