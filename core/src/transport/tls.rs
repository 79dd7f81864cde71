//! The TLS policy: TLS 1.2 and 1.3, with the seven cipher suites that Hightouch's documentation lists.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs::cipher_suite as suite;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::CertificateDer;
use rustls::{CipherSuite, ClientConfig, SupportedCipherSuite};

use super::roots;
use crate::error::{Error, Kind};

/// The cipher suites that Hightouch's documentation lists, in order of preference.
static SUITES: [SupportedCipherSuite; 7] = [
    suite::TLS13_AES_256_GCM_SHA384,
    suite::TLS13_AES_128_GCM_SHA256,
    suite::TLS13_CHACHA20_POLY1305_SHA256,
    suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
];

/// The crypto provider with the cipher suites of [`SUITES`]. The key exchange groups have the order of aws-lc-rs,
/// post-quantum first.
fn provider() -> CryptoProvider {
    CryptoProvider { cipher_suites: SUITES.to_vec(), ..aws_lc_rs::default_provider() }
}

/// The names of the cipher suites, for messages.
pub(super) fn suites() -> Vec<String> {
    SUITES.iter().map(|suite| suite_name(suite.suite())).collect()
}

/// The name of a suite in IANA's registry. rustls has names of its own for the suites of TLS 1.3:
/// `TLS13_AES_256_GCM_SHA384` is `TLS_AES_256_GCM_SHA384`.
pub(crate) fn suite_name(suite: CipherSuite) -> String {
    format!("{suite:?}").replacen("TLS13_", "TLS_", 1)
}

/// Creates the TLS configuration of all connections. Reads the certificate stores.
pub(crate) fn config(ca_bundle: &[CertificateDer<'static>]) -> Result<ClientConfig, Error> {
    // The provider is passed here and not installed for the process, because the program may have installed its own.
    let provider = Arc::new(provider());
    let verifier = roots::verifier(Arc::clone(&provider), ca_bundle)?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|error| Error::new(Kind::Internal, format!("the TLS policy is inconsistent: {error}")))?
        .dangerous()
        // "Dangerous" is rustls's word for any verifier except its default. This verifier checks chain, name and time.
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // Another crate of the program may turn on rustls's compression of certificates, which the hello would then offer.
    config.cert_decompressors.clear();
    config.cert_compressors.clear();
    Ok(config)
}
