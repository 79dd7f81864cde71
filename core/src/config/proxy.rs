//! The proxy, from the settings or the environment. Its credentials are kept secret like the key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use percent_encoding::percent_decode_str;
use url::Url;

use crate::error::{Error, Kind};
use crate::message::{Message, Name};
use crate::secret::Secret;
use crate::text::without;

/// The variables that name a proxy, in the order in which most tools read them: those for https come before those for
/// every scheme.
const VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
/// The supported schemes. With `socks5`, this process resolves the name of the server; with `socks5h`, the proxy does.
const SCHEMES: [&str; 4] = ["http", "https", "socks5", "socks5h"];
const EXCEPTIONS: [&str; 2] = ["NO_PROXY", "no_proxy"];
/// The text that replaces credentials.
const REDACTED: &str = "[password]";

/// A proxy with a valid URL.
#[derive(Clone, Debug)]
pub(crate) struct Proxy {
    url: Secret,
    /// Every form in which the credentials may appear in texts, the longest first.
    secrets: Vec<Secret>,
}

/// How the server is reached.
#[derive(Clone, Debug)]
pub(crate) enum Route {
    Through(Proxy),
    Direct,
    /// The environment names no proxy, so the proxy settings of the operating system apply, if it has any.
    AsTheSystemSays,
}

impl Route {
    /// The proxy; `None` if there is none, or if only the operating system knows the proxy.
    pub(crate) fn proxy(&self) -> Option<&Proxy> {
        match self {
            Self::Through(proxy) => Some(proxy),
            Self::Direct | Self::AsTheSystemSays => None,
        }
    }

    /// The route that the usual environment variables name.
    pub(crate) fn from_environment(
        base: &Url,
        variable: impl Fn(&str) -> Result<Option<String>, Error>,
    ) -> Result<Self, Error> {
        // A base URL with http names a loopback address. No proxy is used for such an address: with a proxy, the API
        // key would leave the machine unencrypted.
        if base.scheme() == "http" {
            return Ok(Self::Direct);
        }
        let set = |names: &[&'static str]| -> Result<Vec<(&'static str, String)>, Error> {
            names
                .iter()
                .filter_map(|&name| Some(variable(name).transpose()?.map(|text| (name, text))))
                .collect()
        };
        let exceptions = set(&EXCEPTIONS)?.into_iter().next().map(|(_, list)| list).unwrap_or_default();
        if is_excepted(base, &exceptions) {
            return Ok(Self::Direct);
        }
        let variables = set(&VARIABLES)?;
        if variables.is_empty() {
            return Ok(Self::AsTheSystemSays);
        }
        // The variables are meant for all tools on the machine, so a proxy with a scheme that we do not support is
        // ignored.
        let Some((name, text)) = variables.into_iter().find(|(_, text)| is_spoken(text)) else {
            return Ok(Self::Direct);
        };
        // A variable may also hold a bare host and port, as in other tools.
        let text = if text.contains("://") { text } else { format!("http://{text}") };
        Proxy::parse(&text, &message!["the variable ", name]).map(Self::Through).map_err(|error| {
            error.with_hint("Correct it, or name the API's host in NO_PROXY. Nothing was sent.")
        })
    }
}

impl Proxy {
    /// Checks the proxy that the setting names. `base_scheme` is the scheme of the base URL.
    pub(crate) fn given(text: &Secret, base_scheme: &str) -> Result<Self, Error> {
        let named = message!["the setting ", Name("proxy")];
        if base_scheme == "http" {
            return Err(wrong(
                &named,
                "cannot be used, because the base URL is http: the key would leave this machine unencrypted",
            ));
        }
        Self::parse(text.expose(), &named)
    }

    fn parse(text: &str, named: &Message) -> Result<Self, Error> {
        let text = text.trim();
        // The error leaves out the parser's reason, which may repeat a part of the password.
        let mut url = Url::parse(text).map_err(|_| wrong(named, "is not a URL"))?;
        if !SCHEMES.contains(&url.scheme()) || url.host().is_none() {
            return Err(wrong(named, "must be an http, https, socks5 or socks5h URL"));
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong(named, "must hold a host and a port and no path, query or fragment"));
        }
        if url.scheme().starts_with("socks") && url.port().is_none() {
            // The usual port of SOCKS (RFC 1928 §3). The HTTP client would take port 80.
            let _ = url.set_port(Some(1080));
        }
        let accepted = Matcher::builder().all(url.as_str()).build();
        if accepted.intercept(&Uri::from_static("https://any.example")).is_none() {
            // The HTTP client does not accept this URL, so requests would bypass the proxy.
            return Err(wrong(named, "names a host that the HTTP client does not accept"));
        }
        // Keeps `url` and not `text`: the HTTP client accepts only a percent-encoded URL, and the parser has encoded
        // `url`.
        Ok(Self { secrets: secrets(text, &url), url: Secret::from(url.as_str()) })
    }

    pub(crate) fn url(&self) -> &str {
        self.url.expose()
    }

    /// Replaces the credentials wherever a text contains them.
    pub(crate) fn scrub(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| without(&text, secret.expose(), REDACTED))
    }
}

fn wrong(named: &Message, what: &'static str) -> Error {
    Error::new(Kind::Config, message![named.clone(), " ", what])
}

/// Whether the URL in a variable has no scheme, or a scheme that we support.
fn is_spoken(text: &str) -> bool {
    let scheme = text.split_once("://").map(|(scheme, _)| scheme.trim());
    scheme.is_none_or(|scheme| SCHEMES.iter().any(|ours| ours.eq_ignore_ascii_case(scheme)))
}

/// Whether `NO_PROXY` excepts the server from the proxy. The entries are read as most tools read them: `*`, names with
/// their subdomains (`name`, `.name`, `*.name`), addresses and subnets, each with a port or without.
fn is_excepted(base: &Url, exceptions: &str) -> bool {
    let port = base.port_or_known_default();
    let mut hosts = Vec::new();
    for entry in exceptions.split(',').map(str::trim) {
        let (host, only) = with_port(entry);
        if only.is_some() && only != port {
            continue;
        }
        // `*` is handled separately, because the matcher of hyper-util applies `*` to names but not to addresses.
        if host == "*" {
            return true;
        }
        hosts.push(host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host));
    }
    let matcher = Matcher::builder().https("http://proxy.invalid").no(hosts.join(",")).build();
    base.as_str().parse::<Uri>().is_ok_and(|uri| matcher.intercept(&uri).is_none())
}

/// Splits an entry into its host, without the brackets of an IPv6 address, and its port. A bare IPv6 address contains
/// colons but has no port.
fn with_port(entry: &str) -> (&str, Option<u16>) {
    let (host, rest) = match entry.strip_prefix('[').and_then(|entry| entry.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => match entry.split_once(':') {
            Some((host, rest)) if !rest.contains(':') => (host, Some(rest)),
            _ => (entry, None),
        },
    };
    match rest.map(str::parse) {
        Some(Ok(port)) => (host, Some(port)),
        // An entry with an invalid port matches no host.
        Some(Err(_)) => (entry, None),
        None => (host, None),
    }
}

/// The forms in which the credentials may appear in texts: as written, as a URL encodes them, decoded, and as in the
/// header `Proxy-Authorization` (RFC 7617 §2). The secret is the password or, if there is none, the user name, which
/// may be a token.
fn secrets(text: &str, url: &Url) -> Vec<Secret> {
    let user_info = text
        .split_once("://")
        .and_then(|(_, rest)| rest.split(['/', '?', '#']).next())
        .and_then(|authority| authority.rsplit_once('@'))
        .map_or("", |(user_info, _)| user_info);
    let written = user_info.split_once(':').unwrap_or((user_info, ""));
    let (user, password) = (meant(url.username()), meant(url.password().unwrap_or_default()));
    let header = STANDARD.encode(format!("{user}:{password}"));
    let mut forms = vec![header.trim_end_matches('=').to_owned(), header];
    if password.is_empty() {
        forms.extend([written.0.to_owned(), url.username().to_owned(), user]);
    } else {
        forms.extend([written.1.to_owned(), url.password().unwrap_or_default().to_owned(), password]);
    }
    if user_info.is_empty() {
        return Vec::new();
    }
    forms.retain(|form| !form.is_empty());
    forms.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
    forms.dedup();
    forms.into_iter().map(Secret::from).collect()
}

fn meant(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn from(variables: &[(&str, &str)], base: &str) -> Result<Route, Error> {
        let known: BTreeMap<&str, &str> = variables.iter().copied().collect();
        let base = Url::parse(base).unwrap();
        Route::from_environment(&base, |name| Ok(known.get(name).map(|&value| value.to_owned())))
    }

    const BASE: &str = "https://api.hightouch.com/api/v1";

    /// Guards against showing a password that comes back decoded, or in base64 as in the header `Proxy-Authorization`.
    #[test]
    fn proxy_credentials_are_removed_in_every_form() {
        let proxy = Proxy::parse("http://us%65r:p%40s^s@proxy.example:3128", &Message::default()).unwrap();
        // Base64 of user:p@s^s is dXNlcjpwQHNecw==.
        let said = "p%40s^s p%40s%5Es p@s^s Basic dXNlcjpwQHNecw== dXNlcjpwQHNecw user";
        assert_eq!(
            proxy.scrub(said),
            "[password] [password] [password] Basic [password] [password] user",
            "the user's name alone is no secret"
        );
        assert!(!format!("{proxy:?}").contains("p@"), "{proxy:?}");
    }

    #[test]
    fn a_user_name_without_a_password_is_a_secret() {
        let proxy = Proxy::parse("http://t0k3n@proxy.example", &Message::default()).unwrap();
        assert_eq!(proxy.scrub("t0k3n dDBrM246"), "[password] [password]");
    }

    #[test]
    fn a_proxy_without_credentials_removes_nothing() {
        assert_eq!(
            Proxy::parse("http://proxy.example", &Message::default()).unwrap().scrub("a: b Og=="),
            "a: b Og=="
        );
    }

    #[test]
    fn https_proxy_takes_precedence_over_all_proxy() {
        let both = [("ALL_PROXY", "http://a"), ("https_proxy", "http://b"), ("HTTP_PROXY", "http://c")];
        assert_eq!(from(&both, BASE).unwrap().proxy().unwrap().url(), "http://b/");
        assert_eq!(from(&both[..1], BASE).unwrap().proxy().unwrap().url(), "http://a/");
        assert!(matches!(from(&both[2..], BASE).unwrap(), Route::AsTheSystemSays), "which is for http alone");
        let bare = from(&[("all_proxy", "proxy:3128")], BASE).unwrap();
        assert_eq!(bare.proxy().unwrap().url(), "http://proxy:3128/");
    }

    #[test]
    fn a_host_in_no_proxy_is_reached_directly() {
        for (list, excepted) in [
            ("api.hightouch.com", true),
            ("hightouch.com", true),
            (".hightouch.com", true),
            ("localhost, hightouch.com", true),
            ("*", true),
            ("api.hightouch.com:443", true),
            ("hightouch.com:443", true),
            ("*.hightouch.com", true),
            ("*.hightouch.com:443", true),
            ("*:443", true),
            ("api.hightouch.com:8443", false),
            ("api.hightouch.com:port", false),
            ("*touch.com", false),
            ("touch.com", false),
            ("other.example", false),
            ("", false),
        ] {
            let route = from(&[("HTTPS_PROXY", "http://p"), ("NO_PROXY", list)], BASE).unwrap();
            assert_eq!(matches!(route, Route::Direct), excepted, "{list:?}");
        }
        let subnet = [("HTTPS_PROXY", "http://p"), ("no_proxy", "10.0.0.0/8")];
        assert!(from(&subnet, "https://10.1.2.3/api").unwrap().proxy().is_none());
        assert!(from(&subnet, "https://11.1.2.3/api").unwrap().proxy().is_some());
        let address = [("HTTPS_PROXY", "http://p"), ("no_proxy", "[2001:db8::1]:8443, 2001:db8::2")];
        for (base, excepted) in
            [("[2001:db8::1]:8443", true), ("[2001:db8::1]", false), ("[2001:db8::2]:8443", true)]
        {
            let route = from(&address, &format!("https://{base}/api")).unwrap();
            assert_eq!(route.proxy().is_none(), excepted, "{base}");
        }
        let all = [("HTTPS_PROXY", "http://p"), ("no_proxy", "*")];
        assert!(
            from(&all, "https://11.1.2.3/api").unwrap().proxy().is_none(),
            "an address is excepted by * too"
        );
    }

    #[test]
    fn an_error_about_an_invalid_variable_names_it_and_does_not_show_its_password() {
        for text in [
            "http://",
            "socks5://user:s3cr3t@",
            "http://user:s3cr3t@h:port",
            "http://user:s3cr3t@h/path",
            "socks5://user:s3cr3t@pro%20xy:1080",
        ] {
            let error = from(&[("HTTPS_PROXY", text)], BASE).unwrap_err();
            assert_eq!(error.kind(), Kind::Config);
            let shown = format!("{error} {error:?}");
            assert!(shown.contains("HTTPS_PROXY") && !shown.contains("s3cr3t"), "{shown}");
        }
        // An invalid proxy is not an error if the SDK connects to the server directly, because `NO_PROXY` excepts the
        // server or because its URL is a loopback address over http.
        assert!(from(&[("HTTPS_PROXY", "http://"), ("NO_PROXY", "*")], BASE).unwrap().proxy().is_none());
        assert!(from(&[("ALL_PROXY", "http://")], "http://127.0.0.1:1/api").unwrap().proxy().is_none());
    }

    /// Guards against failing to create a client if `ALL_PROXY` names a SOCKS proxy.
    #[test]
    fn socks_proxies_are_supported() {
        for url in ["socks5://user:s3cr3t@proxy:1080", "socks5h://proxy:1080"] {
            let route = from(&[("ALL_PROXY", url)], BASE).unwrap();
            assert_eq!(route.proxy().unwrap().url(), url);
        }
        let proxy = Proxy::parse("socks5://user:s3cr3t@proxy", &Message::default()).unwrap();
        assert_eq!(proxy.scrub("s3cr3t"), REDACTED);
        assert_eq!(proxy.url(), "socks5://user:s3cr3t@proxy:1080", "the usual port");
    }

    #[test]
    fn a_variable_with_an_unsupported_scheme_is_ignored() {
        let variables = [("HTTPS_PROXY", "socks4://a"), ("ALL_PROXY", "http://b")];
        assert_eq!(from(&variables, BASE).unwrap().proxy().unwrap().url(), "http://b/", "the next is taken");
        for text in ["socks://127.0.0.1:1080", "ftp://user:s3cr3t@h", "quic://h"] {
            assert!(matches!(from(&[("ALL_PROXY", text)], BASE).unwrap(), Route::Direct), "{text}");
        }
        let given = Proxy::given(&Secret::from("ftp://user:s3cr3t@h"), "https").unwrap_err();
        assert_eq!(given.kind(), Kind::Config, "a setting is for us");
        assert!(!given.to_string().contains("s3cr3t"));
    }
}
