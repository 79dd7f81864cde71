//! Which certificates are trusted and which proxy is used, depending on the environment and on the setting `caBundle`.
//!
//! The environment belongs to a whole process, so each test starts itself again in a child process for each case.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use crate::certificates::{Authority, Wanted};

use crate::client::settings;
use crate::server::Server;

/// The environment variable with the task of a child process: `PORT,PORT,…` or `PORT,PORT,…=BUNDLE`.
const CHILD: &str = "HIGHTOUCH_TLS_CHILD";
/// Precedes each result in the output of a child process.
const MARK: &str = "found: ";

/// Runs a test in a child process with these variables. Returns what the child finds at each server, in order: the code
/// of a finding, or `connected`.
fn found(test: &str, variables: &[(&str, &str)], bundle: Option<&Path>, servers: &[&Server]) -> Vec<String> {
    let ports: Vec<String> = servers.iter().map(|server| server.port.to_string()).collect();
    let mut asked = ports.join(",");
    if let Some(bundle) = bundle {
        write!(asked, "={}", bundle.display()).unwrap();
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(CHILD, asked);
    // Removes these variables, because their values on this machine must not change the result.
    for name in [
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "REQUEST_METHOD",
        "HIGHTOUCH_SHARE",
    ] {
        child.env_remove(name).env_remove(name.to_lowercase());
    }
    child.envs(variables.iter().copied());
    let output = child.output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    printed.lines().filter_map(|line| Some(line.split_once(MARK)?.1.to_owned())).collect()
}

/// In a child process, diagnoses each server and prints the results. Returns whether this process is a child.
#[expect(clippy::print_stdout, reason = "a child tells its parent by what it prints")]
async fn as_a_child() -> bool {
    let Ok(asked) = std::env::var(CHILD) else { return false };
    let (ports, bundle) = asked.split_once('=').map_or((asked.as_str(), None), |(a, b)| (a, Some(b)));
    for port in ports.split(',') {
        let settings = settings(port.parse().unwrap(), bundle.map(Path::new));
        // Without this setting, the client reads the environment of the process, which the test has set.
        let mut settings = settings;
        settings.environment = None;
        let diagnosis = settings.diagnose().await;
        let code = match &diagnosis.tls {
            Some(_) => "connected",
            None => diagnosis.findings[0].code.as_str(),
        };
        // Begins a new line, because the test harness has printed the test's name on the current line.
        println!("\n{MARK}{code}");
    }
    true
}

#[tokio::test]
async fn a_bundle_is_trusted_beside_the_file_that_replaces_the_systems_store() {
    if as_a_child().await {
        return;
    }
    let name = "environment::a_bundle_is_trusted_beside_the_file_that_replaces_the_systems_store";
    let authorities = [Authority::new(), Authority::new(), Authority::new()];
    let servers: Vec<Server> = authorities
        .iter()
        .map(|authority| Server::start(&authority.issue(&Wanted::default()), &[]))
        .collect();
    let servers: Vec<&Server> = servers.iter().collect();
    let [first, second, _] = authorities.each_ref().map(Authority::file);
    for (replacement, bundle, expected) in [
        (Some(&first), None, ["connected", "unknown_ca", "unknown_ca"]),
        (Some(&first), Some(&second), ["connected", "connected", "unknown_ca"]),
        (None, Some(&second), ["unknown_ca", "connected", "unknown_ca"]),
        (None, None, ["unknown_ca", "unknown_ca", "unknown_ca"]),
    ] {
        let variable = replacement.map(|path| ("SSL_CERT_FILE", path.to_str().unwrap()));
        let found = found(name, variable.as_slice(), bundle.map(AsRef::as_ref), &servers);
        assert_eq!(found, expected, "SSL_CERT_FILE {replacement:?}, caBundle {bundle:?}");
    }
}

#[tokio::test]
async fn a_missing_file_in_ssl_cert_file_is_an_error_and_does_not_select_the_systems_store() {
    if as_a_child().await {
        return;
    }
    let name =
        "environment::a_missing_file_in_ssl_cert_file_is_an_error_and_does_not_select_the_systems_store";
    let server = Server::start(&Authority::new().issue(&Wanted::default()), &[]);
    let found = found(name, &[("SSL_CERT_FILE", "/nowhere/roots.pem")], None, &[&server]);
    assert_eq!(found, ["config"]);
}

#[tokio::test]
async fn a_proxy_of_the_environment_is_used_unless_the_variable_no_proxy_lists_the_host() {
    if as_a_child().await {
        return;
    }
    let name = "environment::a_proxy_of_the_environment_is_used_unless_the_variable_no_proxy_lists_the_host";
    let authority = Authority::new();
    let trusted = authority.file();
    let server = Server::start(&authority.issue(&Wanted::default()), &[]);
    // Nothing listens on a port that was just closed.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let proxy = format!("http://{closed}");
    for (variables, expected) in [
        (vec![("HTTPS_PROXY", proxy.as_str())], "proxy"),
        (vec![("ALL_PROXY", proxy.as_str())], "proxy"),
        (vec![("HTTPS_PROXY", proxy.as_str()), ("NO_PROXY", "127.0.0.1")], "connected"),
        (vec![], "connected"),
    ] {
        assert_eq!(found(name, &variables, Some(&trusted), &[&server]), [expected], "{variables:?}");
    }
}
