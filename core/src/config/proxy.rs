//! The proxy in use: given, or from the environment; what it is told to know us by is treated like the key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use percent_encoding::percent_decode_str;
use url::Url;

use crate::error::{Error, Kind};
use crate::secret::Secret;
use crate::text::without;

/// In the order of most tools: what is for https before what is for everything.
const VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
const EXCEPTIONS: [&str; 2] = ["NO_PROXY", "no_proxy"];
/// What stands where a user, a password or the header made of them was.
const REDACTED: &str = "[password]";

/// A proxy that was checked.
#[derive(Clone, Debug)]
pub(crate) struct Proxy {
    url: Secret,
    /// Every form in which its credentials may come back, the longest first.
    secrets: Vec<Secret>,
}

/// How the server is reached.
#[derive(Clone, Debug)]
pub(crate) enum Route {
    Through(Proxy),
    Direct,
    /// As the system's own settings say, where it has any: the environment says nothing.
    AsTheSystemSays,
}

impl Route {
    /// The proxy whose name and credentials are known here.
    pub(crate) fn proxy(&self) -> Option<&Proxy> {
        match self {
            Self::Through(proxy) => Some(proxy),
            Self::Direct | Self::AsTheSystemSays => None,
        }
    }

    /// As the usual variables say.
    pub(crate) fn from_environment(
        base: &Url,
        variable: impl Fn(&str) -> Result<Option<String>, Error>,
    ) -> Result<Self, Error> {
        // http is for loopback addresses: through a proxy the key would leave the machine in the clear.
        if base.scheme() == "http" {
            return Ok(Self::Direct);
        }
        let first = |names: &[&'static str]| -> Result<Option<(&'static str, String)>, Error> {
            for name in names {
                if let Some(text) = variable(name)? {
                    return Ok(Some((name, text)));
                }
            }
            Ok(None)
        };
        let exceptions = first(&EXCEPTIONS)?.map(|(_, list)| list).unwrap_or_default();
        if is_excepted(base, &exceptions) {
            return Ok(Self::Direct);
        }
        let Some((name, text)) = first(&VARIABLES)? else { return Ok(Self::AsTheSystemSays) };
        // Tools take a bare host and port as well.
        let text = if text.contains("://") { text } else { format!("http://{text}") };
        Proxy::parse(&text, &format!("the variable {name}")).map(Self::Through).map_err(|error| {
            error.with_hint("Correct it, or name the API's host in NO_PROXY; nothing was sent.")
        })
    }
}

impl Proxy {
    /// From the setting.
    pub(crate) fn given(text: &Secret, base_scheme: &str) -> Result<Self, Error> {
        if base_scheme == "http" {
            return Err(wrong(
                "the setting proxy",
                "is for https: over http the key could be read on the way",
            ));
        }
        Self::parse(text.expose(), "the setting proxy")
    }

    fn parse(text: &str, named: &str) -> Result<Self, Error> {
        let text = text.trim();
        // The reason is left out: it may repeat a part of the password.
        let url = Url::parse(text).map_err(|_| wrong(named, "is not a URL"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(wrong(named, "must be an http or https URL"));
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong(named, "must hold a host and a port and no path, query or fragment"));
        }
        // As the HTTP client reads it: what is not allowed in a URL stands escaped.
        Ok(Self { secrets: secrets(text, &url), url: Secret::from(url.as_str()) })
    }

    pub(crate) fn url(&self) -> &str {
        self.url.expose()
    }

    /// The text without the credentials.
    pub(crate) fn scrub(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| without(&text, secret.expose(), REDACTED))
    }
}

fn wrong(named: &str, what: &str) -> Error {
    Error::new(Kind::Config, format!("{named} {what}"))
}

/// `NO_PROXY` as curl reads it: `*`, names with their subdomains, addresses and subnets.
fn is_excepted(base: &Url, exceptions: &str) -> bool {
    // hyper-util takes `*` for every name and for no address.
    if exceptions.split(',').any(|entry| entry.trim() == "*") {
        return true;
    }
    let matcher = Matcher::builder().https("http://proxy.invalid").no(exceptions.to_owned()).build();
    base.as_str().parse::<Uri>().is_ok_and(|uri| matcher.intercept(&uri).is_none())
}

/// The password, or a token in the user's place: as it was written, as URLs write it, as it is meant, and as the header
/// `Proxy-Authorization` has it (RFC 7617 §2).
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

    /// Guards against a password that came back decoded, or as the header's base64, and was shown.
    #[test]
    fn credentials_are_taken_out_in_every_form_in_which_they_may_come_back() {
        let proxy = Proxy::parse("http://us%65r:p%40s^s@proxy.example:3128", "x").unwrap();
        // user:p@s^s
        let said = "p%40s^s p%40s%5Es p@s^s Basic dXNlcjpwQHNecw== dXNlcjpwQHNecw user";
        assert_eq!(
            proxy.scrub(said),
            "[password] [password] [password] Basic [password] [password] user",
            "the user's name alone is no secret"
        );
        assert!(!format!("{proxy:?}").contains("p@"), "{proxy:?}");
    }

    #[test]
    fn a_token_in_the_place_of_the_user_is_a_secret_too() {
        let proxy = Proxy::parse("http://t0k3n@proxy.example", "x").unwrap();
        assert_eq!(proxy.scrub("t0k3n dDBrM246"), "[password] [password]");
    }

    #[test]
    fn a_proxy_without_credentials_takes_nothing_out() {
        assert_eq!(Proxy::parse("http://proxy.example", "x").unwrap().scrub("a: b Og=="), "a: b Og==");
    }

    #[test]
    fn the_variable_for_https_comes_before_that_for_everything() {
        let both = [("ALL_PROXY", "http://a"), ("https_proxy", "http://b"), ("HTTP_PROXY", "http://c")];
        assert_eq!(from(&both, BASE).unwrap().proxy().unwrap().url(), "http://b/");
        assert_eq!(from(&both[..1], BASE).unwrap().proxy().unwrap().url(), "http://a/");
        assert!(matches!(from(&both[2..], BASE).unwrap(), Route::AsTheSystemSays), "which is for http alone");
        let bare = from(&[("all_proxy", "proxy:3128")], BASE).unwrap();
        assert_eq!(bare.proxy().unwrap().url(), "http://proxy:3128/");
    }

    #[test]
    fn a_host_that_no_proxy_names_is_reached_without_one() {
        for (list, excepted) in [
            ("api.hightouch.com", true),
            ("hightouch.com", true),
            (".hightouch.com", true),
            ("localhost, hightouch.com", true),
            ("*", true),
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
        let all = [("HTTPS_PROXY", "http://p"), ("no_proxy", "*")];
        assert!(
            from(&all, "https://11.1.2.3/api").unwrap().proxy().is_none(),
            "an address is excepted by * too"
        );
    }

    #[test]
    fn a_variable_that_is_no_proxy_is_named_and_its_password_is_not() {
        for text in
            ["http://", "ftp://user:s3cr3t@h", "http://user:s3cr3t@h:port", "http://user:s3cr3t@h/path"]
        {
            let error = from(&[("HTTPS_PROXY", text)], BASE).unwrap_err();
            assert_eq!(error.kind(), Kind::Config);
            let shown = format!("{error} {error:?}");
            assert!(shown.contains("HTTPS_PROXY") && !shown.contains("s3cr3t"), "{shown}");
        }
        // Excepted hosts need no proxy, and plain http to loopback never has one.
        assert!(from(&[("HTTPS_PROXY", "http://"), ("NO_PROXY", "*")], BASE).unwrap().proxy().is_none());
        assert!(from(&[("ALL_PROXY", "http://")], "http://127.0.0.1:1/api").unwrap().proxy().is_none());
    }
}
