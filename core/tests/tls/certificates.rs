//! Creates certificate authorities, and valid and invalid certificates.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::{Timestamp, ToSpan, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PKCS_RSA_SHA256, RsaKeySize, date_time_ymd,
};

use crate::temporary::Folder;

/// A certificate authority that no client trusts by default.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: Folder,
}

/// A server's certificate and key, as files. The files are removed when the value is dropped.
pub struct Identity {
    pub certificate: PathBuf,
    pub key: PathBuf,
    _folder: Folder,
}

/// The properties of a certificate; the default is valid.
#[derive(Clone, Copy)]
pub struct Wanted {
    pub name: &'static str,
    pub rsa: bool,
    /// When the validity begins and ends, in days from today.
    pub valid: (i32, i32),
}

impl Default for Wanted {
    fn default() -> Self {
        Self { name: "127.0.0.1", rsa: false, valid: (-2, 30) }
    }
}

impl Authority {
    pub fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        Self::named(&format!("Authority {}", COUNT.fetch_add(1, Ordering::Relaxed)))
    }

    pub fn named(name: &str) -> Self {
        let mut params = params(&Wanted::default(), name);
        params.subject_alt_names.clear();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { issuer, folder: Folder::new("authority") }
    }

    /// Writes the authority's own certificate to a file, which is removed when the value is dropped.
    pub fn file(&self) -> PathBuf {
        file(&self.folder, "authority.pem", &self.issuer.pem())
    }

    pub fn issue(&self, wanted: &Wanted) -> Identity {
        let key = key(wanted);
        let certificate = params(wanted, "A server").signed_by(&key, &self.issuer).unwrap();
        identity(&certificate, &key)
    }
}

/// Creates a self-signed certificate. With `authority`, the certificate says that it belongs to an authority, as
/// certificates from `openssl req -x509` do.
pub fn self_signed(authority: bool) -> Identity {
    let wanted = Wanted::default();
    let key = key(&wanted);
    let mut params = params(&wanted, "A server by itself");
    if authority {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    identity(&params.self_signed(&key).unwrap(), &key)
}

fn identity(certificate: &rcgen::Certificate, key: &KeyPair) -> Identity {
    let folder = Folder::new("identity");
    Identity {
        certificate: file(&folder, "certificate.pem", &certificate.pem()),
        key: file(&folder, "key.pem", &key.serialize_pem()),
        _folder: folder,
    }
}

fn key(wanted: &Wanted) -> KeyPair {
    if wanted.rsa {
        KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap()
    } else {
        KeyPair::generate().unwrap()
    }
}

fn params(wanted: &Wanted, common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![wanted.name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let today = TimeZone::UTC.to_datetime(Timestamp::now()).date();
    let day = |offset: i32| {
        let date = today.checked_add(offset.days()).unwrap();
        date_time_ymd(date.year().into(), date.month().try_into().unwrap(), date.day().try_into().unwrap())
    };
    params.not_before = day(wanted.valid.0);
    params.not_after = day(wanted.valid.1);
    params
}

fn file(folder: &Folder, name: &str, text: &str) -> PathBuf {
    let path = folder.0.join(name);
    fs::write(&path, text).unwrap();
    path
}
