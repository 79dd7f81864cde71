//! The SDK connects with each of its seven cipher suites of TLS 1.2 and 1.3. It refuses a server that offers only other
//! suites or older versions of TLS, and says why.

use hightouch_sdk::Kind;

use crate::certificates::{Authority, Wanted};
use crate::client::{client, read};
use crate::refused::refusal;
use crate::server::Server;

/// OpenSSL's arguments for one suite, whether the certificate has an RSA key, and the version and suite that must be
/// negotiated.
const OURS: [(&[&str], bool, &str, &str); 7] = [
    (&["-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256"], false, "TLS 1.3", "TLS_AES_128_GCM_SHA256"),
    (&["-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384"], true, "TLS 1.3", "TLS_AES_256_GCM_SHA384"),
    (
        &["-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"],
        false,
        "TLS 1.3",
        "TLS_CHACHA20_POLY1305_SHA256",
    ),
    (
        &["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"],
        false,
        "TLS 1.2",
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    ),
    (
        &["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"],
        true,
        "TLS 1.2",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    ),
    (
        &["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"],
        false,
        "TLS 1.2",
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    ),
    (
        &["-tls1_2", "-cipher", "ECDHE-RSA-AES256-GCM-SHA384"],
        true,
        "TLS 1.2",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    ),
];

/// OpenSSL's names of other TLS 1.2 suites, and whether the certificate has an RSA key.
const OTHERS: [(&str, bool); 8] = [
    ("ECDHE-ECDSA-AES128-SHA256", false),
    ("ECDHE-RSA-AES128-SHA256", true),
    ("ECDHE-ECDSA-AES256-SHA384", false),
    ("ECDHE-RSA-AES256-SHA384", true),
    ("ECDHE-ECDSA-CHACHA20-POLY1305", false),
    ("ECDHE-RSA-CHACHA20-POLY1305", true),
    // These suites use key exchange with static RSA, or with DHE.
    ("AES128-GCM-SHA256", true),
    ("DHE-RSA-AES128-GCM-SHA256", true),
];

#[tokio::test]
async fn each_of_the_seven_suites_connects_to_a_server_that_offers_no_other() {
    let authority = Authority::new();
    let trusted = authority.file();
    for (arguments, rsa, protocol, suite) in OURS {
        let server = Server::start(&authority.issue(&Wanted { rsa, ..Wanted::default() }), arguments);
        let client = client(server.port, Some(&trusted));
        let negotiated = client.diagnose().await.tls.unwrap_or_else(|| panic!("no TLS with {arguments:?}"));
        assert_eq!((negotiated.protocol.as_str(), negotiated.cipher_suite.as_str()), (protocol, suite));
        let answer = read(&client).await.unwrap_or_else(|error| panic!("{suite}: {error}"));
        assert_eq!(answer.value()["data"], serde_json::json!([]), "{suite}");
        assert!(server.requests() > 0, "{suite}");
    }
}

#[tokio::test]
async fn a_server_that_has_none_of_the_seven_is_refused_and_the_error_names_them() {
    let authority = Authority::new();
    let trusted = authority.file();
    for (suite, rsa) in OTHERS {
        let identity = authority.issue(&Wanted { rsa, ..Wanted::default() });
        let server = Server::start(&identity, &["-tls1_2", "-cipher", &format!("{suite}:@SECLEVEL=0")]);
        let error = refusal(server, Some(&trusted), "tls_suites").await;
        assert!(
            error.to_string().contains("offers none of the cipher suites that the SDK supports"),
            "{suite}: {error}"
        );
        for (.., ours) in OURS {
            assert!(error.to_string().contains(ours), "{ours} is not in {error}");
        }
        assert!(error.hint().unwrap().contains("must offer one of these suites"), "{suite}");
    }
}

#[tokio::test]
async fn a_server_with_only_tls_1_0_or_1_1_is_refused_and_the_error_names_the_supported_versions() {
    let authority = Authority::new();
    let trusted = authority.file();
    for version in ["-tls1", "-tls1_1"] {
        let identity = authority.issue(&Wanted { rsa: true, ..Wanted::default() });
        let server = Server::start(&identity, &[version, "-cipher", "ALL:@SECLEVEL=0"]);
        let error = refusal(server, Some(&trusted), "tls_version").await;
        assert_eq!(error.kind(), Kind::Tls);
        assert!(error.to_string().contains("supports neither TLS 1.2 nor TLS 1.3"), "{version}: {error}");
        assert!(error.hint().unwrap().contains("must support TLS 1.2 or newer"), "{version}");
    }
}
