//! Requests on the wire: HTTP, TLS, and what answers mean.

mod http;
mod probe;
mod proxy;
mod refusal;
mod response;
mod roots;
mod tls;
mod verifier;
mod warmup;
mod watched;

pub(crate) use self::http::{Exchange, Failed, Http, Request, Stage};
pub use probe::Negotiated;
pub(crate) use probe::{probe, proxy_of};
pub(crate) use response::{check, date, error_under_200, retry_after};
pub(crate) use watched::Departure;
