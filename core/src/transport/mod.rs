//! Requests on the wire: HTTP, TLS, and what answers mean.

mod addresses;
mod body;
mod coding;
mod connect;
mod failed;
mod http;
mod proxy;
mod refusal;
mod response;
mod room;
mod roots;
mod runtime;
mod tls;
mod verifier;
mod warmup;
mod watched;

pub(crate) use self::addresses::Resolver;
pub(crate) use self::connect::Road;
pub(crate) use self::failed::Failed;
pub(crate) use self::http::{Exchange, Http, Request};
pub(crate) use proxy::Way;
pub(crate) use refusal::{chain, of as refusal_of, out_of_descriptors};
pub(crate) use response::{check, date, error_under_200, no_json, retry_after};
pub(crate) use room::Room;
pub(crate) use tls::{config as tls_config, suite_name};
pub(crate) use watched::Departure;
