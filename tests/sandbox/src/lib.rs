//! The Hightouch REST API as a local server that also judges what it was sent.
//!
//! [`Sandbox::start`] listens on loopback; one port speaks HTTP/1.1, HTTP/2 and TLS. Each test asks for a world of
//! its own with [`Sandbox::create_world`], plays in it, and asks [`Sandbox::judge`] whether everything on the wire
//! was as it should be. The program `hightouch-sandbox` offers the same over HTTP to tests in other languages.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::expect_used))]

mod answer;
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
mod runs;
mod sandbox;
mod scenarios;
mod script;
mod seed;
mod sequences;
mod server;
mod settings;
mod shelf;
mod strip;
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

/// Why the sandbox could not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is taken, a file cannot be written, and the like.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// A certificate could not be made.
    #[error("no certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// A key could not be read back.
    #[error("no key: {0}")]
    Key(String),
    /// TLS refused the certificate.
    #[error("no TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The description of a world, or what a judge was told, has a mistake.
    #[error("{0}")]
    Settings(#[from] serde_json::Error),
    /// There is no world of that name.
    #[error("there is no world {0}")]
    NoSuchWorld(String),
}

impl Error {
    fn mistake(text: String) -> Self {
        Self::Settings(serde::de::Error::custom(text))
    }
}
