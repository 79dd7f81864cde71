//! A local server that implements the Hightouch REST API and checks the requests that it receives.
//!
//! [`Sandbox::start`] listens on a loopback address; one port serves HTTP/1.1, HTTP/2 and TLS. Each test creates its
//! own world with [`Sandbox::create_world`], and sends requests to this world. A world is a workspace that no other
//! test sees. [`Sandbox::judge`] then returns a complaint for everything that was wrong with the requests. The program
//! `hightouch-sandbox` offers these functions over HTTP to tests in other languages.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::expect_used))]

mod answer;
mod armed;
mod clock;
mod connection;
mod control;
mod coverage;
mod document;
mod graphs;
mod judge;
mod limit;
mod log;
mod operations;
mod row_store;
mod runs;
mod sandbox;
mod scenarios;
mod script;
mod seed;
mod sequences;
mod server;
mod settings;
mod strip;
#[cfg(test)]
#[path = "../../../core/tests/temporary/mod.rs"]
mod temporary;
mod text;
mod tls;
mod workspace;
mod world;

pub use coverage::{Catalogue, Coverage, declared_answers};
pub use judge::Verdict;
pub use sandbox::{Options, Sandbox};
pub use scenarios::{scenarios, write_scenarios};
pub use strip::strip;
pub use world::{Keys, WorldInfo};

/// An error of the sandbox or of its control API.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Input or output failed, for example because the address is in use.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The certificate could not be created.
    #[error("The certificate could not be created: {0}.")]
    Certificate(#[from] rcgen::Error),
    /// The private key of the certificate could not be read.
    #[error("The key of the certificate could not be read: {0}.")]
    Key(String),
    /// TLS did not accept the certificate.
    #[error("TLS did not accept the certificate: {0}.")]
    Tls(#[from] rustls::Error),
    /// JSON that the sandbox reads is invalid: the settings of a world, a case for the judge, a scenario or another
    /// file.
    #[error("{0}")]
    Settings(#[from] serde_json::Error),
    /// There is no world with this id.
    #[error("There is no world {0}.")]
    NoSuchWorld(String),
    /// The sandbox has no such address below `/_worlds`.
    #[error("The sandbox does not serve {0}.")]
    NoSuchRoute(String),
}

impl Error {
    fn mistake(text: String) -> Self {
        Self::Settings(serde::de::Error::custom(text))
    }
}
