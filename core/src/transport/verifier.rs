//! Tells a certificate that vouches for itself from one of an unknown authority: verifiers call both unknown, and what
//! is to be done about them differs.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, OtherError, SignatureScheme};

/// Why a certificate was refused: its issuer is itself.
#[derive(Debug)]
pub(super) struct SelfSigned {
    /// Whether it is marked as an authority's, which no server's certificate may be.
    pub authority: bool,
}

impl fmt::Display for SelfSigned {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("the certificate is self-signed")
    }
}

impl std::error::Error for SelfSigned {}

/// Checks as the verifier beneath does, and says more of a refusal.
#[derive(Debug)]
pub(super) struct Verifier(pub Arc<dyn ServerCertVerifier>);

impl Verifier {
    fn explained(error: rustls::Error, certificate: &CertificateDer<'_>) -> rustls::Error {
        let authority = match &error {
            rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => false,
            rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(other)))
                if matches!(other.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity)) =>
            {
                true
            }
            _ => return error,
        };
        match webpki::EndEntityCert::try_from(certificate) {
            Ok(read) if read.issuer() == read.subject() => {
                let why = OtherError(Arc::new(SelfSigned { authority }));
                rustls::Error::InvalidCertificate(CertificateError::Other(why))
            }
            _ => error,
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.0
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            .map_err(|error| Self::explained(error, end_entity))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }

    fn requires_raw_public_keys(&self) -> bool {
        self.0.requires_raw_public_keys()
    }

    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        self.0.root_hint_subjects()
    }
}
