//! Explains rustls's errors `UnknownIssuer` and `BadSignature`. The user needs different advice for a self-signed
//! certificate, for a certificate of an unknown authority, and for a certificate that names a trusted authority as its
//! issuer but lacks the authority's signature.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, OtherError, SignatureScheme};

/// Why a certificate was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unproven {
    /// The certificate is self-signed and not trusted.
    SelfSigned,
    /// The certificate is self-signed and marked as the certificate of an authority. A server must not use such a
    /// certificate.
    SelfSignedAuthority,
    /// A trusted authority has the name of the certificate's issuer, but did not sign the certificate.
    Namesake,
}

impl fmt::Display for Unproven {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Self::SelfSigned => "the certificate is self-signed",
            Self::SelfSignedAuthority => "the certificate is self-signed and marked as an authority's",
            Self::Namesake => {
                "the certificate names a trusted authority as its issuer, but is signed with a different key"
            }
        })
    }
}

impl std::error::Error for Unproven {}

/// Verifies like the inner verifier, and explains a refusal.
#[derive(Debug)]
pub(super) struct Verifier(pub Arc<dyn ServerCertVerifier>);

impl Verifier {
    fn explained(error: rustls::Error, certificate: &CertificateDer<'_>) -> rustls::Error {
        let rustls::Error::InvalidCertificate(refused) = &error else { return error };
        let own = webpki::EndEntityCert::try_from(certificate)
            .is_ok_and(|certificate| certificate.issuer() == certificate.subject());
        let why = match refused {
            CertificateError::UnknownIssuer | CertificateError::BadSignature if own => Unproven::SelfSigned,
            CertificateError::BadSignature => Unproven::Namesake,
            CertificateError::Other(OtherError(other))
                if own && matches!(other.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity)) =>
            {
                Unproven::SelfSignedAuthority
            }
            _ => return error,
        };
        rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(why))))
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
