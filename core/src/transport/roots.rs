//! Which certificate authorities are trusted.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::verifier::Verifier;
use crate::config::contents;
use crate::error::{Error, Kind};

/// Every public authority's certificates take about a quarter of a MiB.
const LARGEST_BUNDLE: u64 = 16 * 1024 * 1024;

/// Checks servers against the system's store; what `ca_bundle` holds is trusted beside it.
pub(super) fn verifier(
    provider: Arc<CryptoProvider>,
    ca_bundle: Option<&Path>,
) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    let extra = ca_bundle.map(|path| pem(path, "the setting caBundle")).transpose()?.unwrap_or_default();
    Ok(Arc::new(Verifier(platform(provider, extra)?)))
}

fn pem(path: &Path, named_by: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let unreadable = |why: String| {
        Error::new(Kind::Config, format!("{named_by} names {}, which {why}", path.display()))
            .with_hint("It takes a file of certificates in PEM form (-----BEGIN CERTIFICATE-----).")
    };
    let bytes =
        contents(path, LARGEST_BUNDLE).map_err(|why| unreadable(format!("cannot be read: {why}.")))?;
    let certificates = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unreadable(format!("cannot be read: {error}.")))?;
    if certificates.is_empty() {
        return Err(unreadable("holds no certificate.".into()));
    }
    Ok(certificates)
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
    // Single broken certificates are passed over, as every other reader of these stores does.
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
            Error::new(Kind::Config, format!("a certificate of the setting caBundle cannot be used: {error}"))
        })?;
    }
    rustls::client::WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map(|verifier| verifier as Arc<dyn ServerCertVerifier>)
        .map_err(|error| Error::new(Kind::Tls, format!("no certificate store can be used: {error}")))
}

/// The system's roots, or those of the file that stands in their place; of the system's, the file of all of them first,
/// since scanning the folder costs thirty times as much.
#[cfg(not(any(windows, target_vendor = "apple", target_os = "android")))]
fn system(replacement: Option<&Path>) -> Result<Vec<CertificateDer<'static>>, Error> {
    // OpenSSL's meaning of the variable: it replaces the system's store.
    if let Some(path) = replacement {
        return pem(path, "the variable SSL_CERT_FILE");
    }
    let found = openssl_probe::probe();
    if let Some(file) = found.cert_file
        && let Ok(certificates) = pem(&file, "the system")
    {
        return Ok(certificates);
    }
    let folders = std::env::var_os("SSL_CERT_DIR")
        .map_or(found.cert_dir, |folders| std::env::split_paths(&folders).collect());
    Ok(folders
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flatten()
        .filter_map(|entry| pem(&entry.ok()?.path(), "the system").ok())
        .flatten()
        .collect())
}

#[cfg(all(test, not(any(windows, target_vendor = "apple", target_os = "android"))))]
mod tests {
    use super::*;

    /// A company that trusts one authority alone says so with the variable; the public ones must not be trusted beside it.
    #[test]
    fn the_file_that_replaces_the_systems_store_is_all_that_is_trusted_of_it() {
        let path = std::env::temp_dir().join(format!("hightouch-roots-{}.pem", std::process::id()));
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
        std::fs::write(&path, certificate.pem()).unwrap();
        let replaced = system(Some(&path)).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(replaced, [certificate.der().clone()]);
    }

    #[test]
    fn a_bundle_that_cannot_be_one_is_refused_with_the_reason() {
        let folder = std::env::temp_dir().join(format!("hightouch-bundles-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("ca.pem");
        let refused = |path: &Path, why: &str| {
            let error = pem(path, "the setting caBundle").unwrap_err();
            let expected = format!("the setting caBundle names {}, which {why}.", path.display());
            assert_eq!(error.what(), expected);
        };
        refused(&folder, "cannot be read: it is a directory");
        refused(&file, "cannot be read: the file does not exist");
        refused(
            Path::new("/dev/zero"),
            "cannot be read: it is a pipe or a device, and only regular files are read",
        );
        std::fs::write(&file, b"\xff\xfe").unwrap();
        refused(&file, "holds no certificate");
        // Sparse: nothing is written.
        std::fs::File::create(&file).unwrap().set_len(LARGEST_BUNDLE + 1).unwrap();
        refused(&file, "cannot be read: it is larger than 16 MiB");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
