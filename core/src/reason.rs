//! The reasons of errors. A reason says more than the kind of an error. Users see the reason as a code.

macro_rules! reasons {
    ($($(#[doc = $doc:literal])* $variant:ident = $code:literal),* $(,)?) => {
        /// Why a call failed, if more than the kind of its error is known.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Reason {
            $($(#[doc = $doc])* $variant,)*
        }

        impl Reason {
            /// The name of the reason in errors and findings.
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
    /// No API key was given.
    NoKey = "no_key",
    /// The given text cannot be an API key.
    MalformedKey = "malformed_key",
    /// The server does not know the API key.
    BadToken = "bad_token",
    /// The creator of the API key is no longer an active user, so the key is no longer valid.
    OrphanedCreator = "orphaned_creator",
    /// The API key did not reach the server: something on the way removes the header with the key.
    StrippedKey = "stripped_key",
    /// The function that returns the API key failed, or it called a client that gets its key from a function too.
    KeyFunction = "key_function",
    /// The API key was changed between looking up a sync's slug and sending the request.
    KeyChanged = "key_changed",
    /// The server's host name cannot be resolved.
    Dns = "dns",
    /// The proxy cannot be reached, or refuses to connect to the server.
    Proxy = "proxy",
    /// Nothing accepts connections at the server's address and port.
    Refused = "refused",
    /// The process has reached the system's limit of open files and connections.
    NoDescriptors = "no_descriptors",
    /// The server does not speak TLS on this port.
    NotTls = "not_tls",
    /// The server supports neither TLS 1.2 nor TLS 1.3.
    TlsVersion = "tls_version",
    /// The server and this client have no cipher suite in common.
    TlsSuites = "tls_suites",
    /// The server's certificate was issued by an authority that the client does not trust.
    UnknownCa = "unknown_ca",
    /// The server's certificate is self-signed, and the client does not trust it.
    SelfSigned = "self_signed",
    /// The server's certificate is for another host name.
    WrongHost = "wrong_host",
    /// The server's certificate has expired.
    ExpiredCertificate = "expired_certificate",
    /// The server's certificate is not valid yet.
    FutureCertificate = "future_certificate",
    /// The checkpoint file of a batch cannot be used or written.
    Checkpoint = "checkpoint",
    /// The rate limit is not shared with other processes, although the setting `limit_scope` asks for it.
    LimitNotShared = "limit_not_shared",
    /// The rate limit of the workspace, or this process's share of it, is used up.
    QuotaExhausted = "quota_exhausted",
}
