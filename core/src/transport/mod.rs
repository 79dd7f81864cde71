//! Requests on the wire: HTTP, TLS, and what answers mean.

mod failed;
mod http;
mod probe;
mod response;
mod roots;
mod tls;
mod warmup;
mod watched;

pub(crate) use self::http::{Exchange, Http, Request};
pub(crate) use failed::{Failed, Stage};
pub use probe::Negotiated;
pub(crate) use probe::probe;
pub(crate) use response::{check, date, error_under_200, no_json, retry_after};
pub(crate) use watched::Departure;
