//! What stands between a client and the API: the connection, then the key.

use serde::Serialize;
use url::Host;

use super::{Client, Options};
use crate::error::Error;
use crate::resources::{ListSyncOp, ListSyncs, call};
use crate::transport::{Negotiated, probe};

/// What [`Client::diagnose`] found.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Diagnosis {
    /// Where the client sends its requests.
    pub base_url: String,
    /// What TLS negotiated; absent over http, through a proxy, or where no connection could be made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Negotiated>,
    /// Whether a read with this key was answered.
    pub ok: bool,
    /// What was found, in the order of the checks.
    pub findings: Vec<Finding>,
}

/// One thing found.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Finding {
    /// The error's kind, or `ok`.
    pub code: String,
    /// What was seen.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

impl Finding {
    fn of(error: &Error) -> Self {
        Self {
            code: error.kind().as_str().to_owned(),
            message: error.to_string(),
            advice: error.hint().map(ToOwned::to_owned),
        }
    }
}

impl Client {
    /// Checks the connection and the key: one handshake, and one read (`ListSync`) that counts towards the limit. Finds
    /// rather than fails.
    pub async fn diagnose(&self) -> Diagnosis {
        let config = self.config();
        let mut findings = Vec::new();
        let direct = config.route.proxy().is_none() && config.base.scheme() == "https";
        let mut tls = None;
        if direct {
            let probed = match self.http().tls().await {
                Ok(tls) => probe(&config.base, tls, config.timeout).await,
                Err(error) => Err(error),
            };
            match probed {
                Ok(negotiated) => tls = Some(negotiated),
                Err(error) => findings.push(Finding::of(&error.scrubbed(|text| self.scrub(text)))),
            }
        } else if matches!(config.base.host(), Some(Host::Ipv4(_) | Host::Ipv6(_)))
            && config.base.scheme() == "http"
        {
            findings.push(Finding {
                code: "ok".to_owned(),
                message: "the base URL is http to a loopback address: no TLS".to_owned(),
                advice: None,
            });
        }
        let one = ListSyncs { limit: Some(1), ..ListSyncs::default() };
        // It shall say that the limit is closed, not wait until it opens.
        let patience = u64::try_from(config.timeout.as_millis()).unwrap_or(u64::MAX);
        let bounded = Options { max_retries: Some(0), deadline_ms: Some(patience), ..Options::default() };
        let read = match call::<ListSyncOp>(&one) {
            Ok(call) => self.told(&call, self.send(&call, &bounded), |answer| &answer.meta).await,
            Err(error) => Err(error),
        };
        match &read {
            Ok(answer) => findings.push(Finding {
                code: "ok".to_owned(),
                message: format!("a read with this key was answered in {} ms", answer.meta.duration_ms),
                advice: None,
            }),
            Err(error) => findings.push(Finding::of(error)),
        }
        Diagnosis { base_url: config.base.to_string(), tls, ok: read.is_ok(), findings }
    }
}
