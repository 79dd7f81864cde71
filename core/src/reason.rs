//! Why, more finely than the kind of an error says: what a diagnosis tells apart.

/// Declares the reasons, with the codes that findings carry.
macro_rules! reasons {
    ($($(#[doc = $doc:literal])* $variant:ident = $code:literal),* $(,)?) => {
        /// Why a call failed, where that is known beyond its kind.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Reason {
            $($(#[doc = $doc])* $variant,)*
        }

        impl Reason {
            /// The code of a finding.
            pub(crate) const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// Every code with its description.
            pub(crate) const ALL: &'static [(&'static str, &'static [&'static str])] =
                &[$(($code, &[$($doc),*]),)*];
        }
    };
}

reasons! {
    /// No key was given.
    NoKey = "no_key",
    /// What was given cannot be a key.
    MalformedKey = "malformed_key",
    /// The server does not know the key.
    BadToken = "bad_token",
    /// The key's creator is no active user any more, and their keys went with them.
    OrphanedCreator = "orphaned_creator",
    /// The key did not arrive: something on the way takes its header away.
    StrippedKey = "stripped_key",
    /// The function that gives the key failed, or used the client that waits for its key.
    KeyFunction = "key_function",
    /// The key was changed between looking up a sync's slug and sending the request.
    KeyChanged = "key_changed",
    /// The host's name leads to no address.
    Dns = "dns",
    /// The proxy cannot be reached, or refuses to connect to the server.
    Proxy = "proxy",
    /// The address takes no connections on this port.
    Refused = "refused",
    /// The server speaks no TLS on this port.
    NotTls = "not_tls",
    /// The server has neither TLS 1.2 nor 1.3.
    TlsVersion = "tls_version",
    /// The server and this client have no cipher suite in common.
    TlsSuites = "tls_suites",
    /// The server's certificate comes from an authority that is not trusted here.
    UnknownCa = "unknown_ca",
    /// The server's certificate vouches for itself and is not trusted here.
    SelfSigned = "self_signed",
    /// The server's certificate is another host's.
    WrongHost = "wrong_host",
    /// The server's certificate has expired.
    ExpiredCertificate = "expired_certificate",
    /// The server's certificate is not valid yet.
    FutureCertificate = "future_certificate",
    /// The workspace's limit, or this client's part of it, is used up.
    QuotaExhausted = "quota_exhausted",
}
