//! The trusted certificate authorities.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;

#[cfg(not(any(windows, target_vendor = "apple", target_os = "android")))]
use super::refusal::out_of_descriptors;
use super::verifier::Verifier;
use crate::config::certificates;
#[cfg(not(any(windows, target_vendor = "apple", target_os = "android")))]
use crate::descriptors;
use crate::error::{Error, Kind};
#[cfg(not(any(windows, target_vendor = "apple", target_os = "android")))]
use crate::message::Name;
#[cfg(not(any(windows, target_vendor = "apple", target_os = "android")))]
use crate::reason::Reason;

/// Creates a verifier that trusts the system's store and also the certificates of `ca_bundle`.
pub(super) fn verifier(
    provider: Arc<CryptoProvider>,
    ca_bundle: &[CertificateDer<'static>],
) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    Ok(Arc::new(Verifier(platform(provider, ca_bundle.to_vec())?)))
}

#[cfg(any(windows, target_vendor = "apple", target_os = "android"))]
fn platform(
    provider: Arc<CryptoProvider>,
    extra: Vec<CertificateDer<'static>>,
) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    rustls_platform_verifier::Verifier::new_with_extra_roots(extra, provider)
        .map(|verifier| Arc::new(verifier) as Arc<dyn ServerCertVerifier>)
        .map_err(|error| {
            Error::new(Kind::Tls, format!("the system's certificate store cannot be used: {error}"))
        })
}

#[cfg(not(any(windows, target_vendor = "apple", target_os = "android")))]
fn platform(
    provider: Arc<CryptoProvider>,
    extra: Vec<CertificateDer<'static>>,
) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    let mut roots = rustls::RootCertStore::empty();
    // Skips broken certificates, as all other readers of these stores do.
    let replacement = std::env::var_os("SSL_CERT_FILE").filter(|path| !path.is_empty());
    roots.add_parsable_certificates(system(replacement.as_deref().map(Path::new))?);
    if roots.is_empty() && replacement.is_some() {
        return Err(Error::new(
            Kind::Config,
            "no certificate of the file that SSL_CERT_FILE names can be used",
        ));
    }
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    for certificate in extra {
        roots.add(certificate).map_err(|error| {
            let what = message![
                "a certificate of the setting ",
                Name("caBundle"),
                format!(" cannot be used: {error}")
            ];
            Error::new(Kind::Config, what)
        })?;
    }
    rustls::client::WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map(|verifier| verifier as Arc<dyn ServerCertVerifier>)
        .map_err(|error| Error::new(Kind::Tls, format!("no certificate store can be used: {error}")))
}

/// Reads the certificates of the system, or the certificates of the file that replaces them. Tries the system's file
/// before its folders, because scanning a folder takes thirty times longer.
#[cfg(not(any(windows, target_vendor = "apple", target_os = "android")))]
fn system(replacement: Option<&Path>) -> Result<Vec<CertificateDer<'static>>, Error> {
    // As in OpenSSL, the variable SSL_CERT_FILE replaces the system's store.
    if let Some(path) = replacement {
        return certificates(path, "the variable SSL_CERT_FILE")
            .map_err(|error| no_descriptors(&error).unwrap_or(error));
    }
    let found = openssl_probe::probe();
    if let Some(file) = found.cert_file
        && let Some(certificates) = usable(certificates(&file, "the system"))?
    {
        return Ok(certificates);
    }
    let folders = std::env::var_os("SSL_CERT_DIR")
        .map_or(found.cert_dir, |folders| std::env::split_paths(&folders).collect());
    let mut all = Vec::new();
    for folder in folders {
        match std::fs::read_dir(folder) {
            Err(error) if descriptors::ran_out(&error) => return Err(out_of_descriptors()),
            Err(_) => {}
            Ok(entries) => {
                for entry in entries.flatten() {
                    all.extend(usable(certificates(&entry.path(), "the system"))?.unwrap_or_default());
                }
            }
        }
    }
    Ok(all)
}

/// Returns `None` for a file that cannot be used, so that the file is left out. Fails if the process can open no more
/// files: the client reads the certificates only once and would lack the certificates of this file for ever.
#[cfg(not(any(windows, target_vendor = "apple", target_os = "android")))]
fn usable<T>(read: Result<T, Error>) -> Result<Option<T>, Error> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error) => no_descriptors(&error).map_or(Ok(None), Err),
    }
}

/// Returns the error of [`out_of_descriptors`] if `error` has the same reason: the process may open no more files.
#[cfg(not(any(windows, target_vendor = "apple", target_os = "android")))]
fn no_descriptors(error: &Error) -> Option<Error> {
    (error.reason() == Some(Reason::NoDescriptors)).then(out_of_descriptors)
}

#[cfg(all(test, not(any(windows, target_vendor = "apple", target_os = "android"))))]
mod tests {
    use super::*;
    use crate::host::temporary::Folder;

    /// A company sets `SSL_CERT_FILE` to trust its own authority alone. So the SDK must not trust public authorities
    /// too.
    #[test]
    fn a_file_that_replaces_the_systems_store_is_read_alone() {
        let folder = Folder::new("roots");
        let path = folder.0.join("roots.pem");
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
        std::fs::write(&path, certificate.pem()).unwrap();
        let replaced = system(Some(&path)).unwrap();
        assert_eq!(replaced, [certificate.der().clone()]);
    }
}
