//! Who shares the limit, from the settings or the environment. The password in the URL of a Redis or Valkey server is
//! kept secret like the key.

use std::sync::Arc;

use percent_encoding::percent_decode_str;
use rustls::pki_types::CertificateDer;
use url::Url;

use super::wrong;
use crate::error::Error;
use crate::message::Message;
use crate::secret::Secret;

/// Who shares a rate limit, as a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LimitScope {
    /// The clients of one process.
    Process,
    /// The processes of one user on one machine.
    Host,
    /// All processes, on any machine, that name the same Redis or Valkey server. The value is the URL of the server:
    /// `redis://[user:password@]host[:port][/database]`, or `rediss://…` for TLS. With Sentinel:
    /// `redis+sentinel://[user:password@]host:port,host:port/service[/database]`, or `rediss+sentinel://…`. If the
    /// Sentinels ask for a password, append `?sentinel_username=user&sentinel_password=password`; the user may be left
    /// out.
    Fleet(Secret),
}

impl LimitScope {
    /// Returns the scope with this name. Any other text counts as the URL of a server.
    pub(crate) fn named(text: Secret) -> Self {
        match text.expose() {
            "process" => Self::Process,
            "host" => Self::Host,
            _ => Self::Fleet(text),
        }
    }
}

/// Who shares a rate limit, after the settings were checked.
#[derive(Clone, Debug)]
pub(crate) enum CheckedScope {
    Process,
    Host,
    Fleet(FleetAddress),
}

/// The address of the server that keeps the limit of several machines, and what a connection to it needs.
#[derive(Clone, Debug)]
pub(crate) struct FleetAddress {
    /// The server, or the Sentinels that know it, as host and port.
    pub servers: Vec<(String, u16)>,
    /// The name by which the Sentinels know the server.
    pub service: Option<String>,
    pub tls: bool,
    pub user: Option<String>,
    pub password: Option<Secret>,
    /// The user and the password that the Sentinels ask for.
    pub sentinel_user: Option<String>,
    pub sentinel_password: Option<Secret>,
    pub database: i64,
    /// Certificates to trust in addition to those of the system.
    pub ca_bundle: Arc<[CertificateDer<'static>]>,
}

const PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

impl CheckedScope {
    /// Reads the name of a scope, or the URL of a server. `named` is the setting or variable that errors name.
    pub(super) fn parse(text: &str, named: &Message) -> Result<Self, Error> {
        match text.trim() {
            "process" => Ok(Self::Process),
            "host" => Ok(Self::Host),
            url if url.contains("://") => FleetAddress::parse(url)
                .map(Self::Fleet)
                .ok_or_else(|| wrong(named, "is not a URL of a Redis server, such as `redis://host:6379/0`")),
            _ => Err(wrong(
                named,
                "must be `process`, `host` or the URL of a Redis server, such as `redis://host`",
            )),
        }
    }

    /// Adds certificates that a connection to the fleet's server trusts. Changes nothing in other scopes.
    pub(super) fn trusting(mut self, ca_bundle: &Arc<[CertificateDer<'static>]>) -> Self {
        if let Self::Fleet(address) = &mut self {
            address.ca_bundle = Arc::clone(ca_bundle);
        }
        self
    }

    pub(super) fn of(setting: &LimitScope, named: &Message) -> Result<Self, Error> {
        match setting {
            LimitScope::Process => Ok(Self::Process),
            LimitScope::Host => Ok(Self::Host),
            LimitScope::Fleet(url) => Self::parse(url.expose(), named),
        }
    }
}

impl FleetAddress {
    /// Reads the URL of a server. Returns `None` without a reason if the text is no such URL: a reason could repeat a
    /// password in the text.
    fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let (tls, sentinel) = match scheme {
            "redis" | "valkey" => (false, false),
            "rediss" | "valkeys" => (true, false),
            "redis+sentinel" => (false, true),
            "rediss+sentinel" => (true, true),
            _ => return None,
        };
        let (rest, options) = rest.split_once('?').map_or((rest, None), |(rest, found)| (rest, Some(found)));
        let (sentinel_user, sentinel_password) = match options {
            Some(options) => sentinel_login(options).filter(|_| sentinel)?,
            None => (None, None),
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, hosts) = match authority.rsplit_once('@') {
            Some((login, hosts)) => (Some(login), hosts),
            None => (None, authority),
        };
        let default = if sentinel { SENTINEL_PORT } else { PORT };
        let servers: Option<Vec<_>> = hosts.split(',').map(|host| server(host, default)).collect();
        let servers = servers.filter(|servers| sentinel || servers.len() == 1)?;
        let (user, password) = match login.map(|login| login.split_once(':').unwrap_or(("", login))) {
            None => (None, None),
            Some((user, password)) => {
                (Some(decoded(user)?).filter(|user| !user.is_empty()), Some(Secret::from(decoded(password)?)))
            }
        };
        let mut path = path.split('/').filter(|part| !part.is_empty());
        let service = if sentinel { Some(decoded(path.next()?)?) } else { None };
        let database =
            path.next().map_or(Some(0), |number| number.parse().ok().filter(|number| *number >= 0))?;
        let whole = path.next().is_none() && !text.contains('#');
        let ca_bundle = Arc::default();
        let address = Self {
            servers,
            service,
            tls,
            user,
            password,
            sentinel_user,
            sentinel_password,
            database,
            ca_bundle,
        };
        whole.then_some(address)
    }
}

/// Reads the user and the password for the Sentinels.
fn sentinel_login(options: &str) -> Option<(Option<String>, Option<Secret>)> {
    let (mut user, mut password) = (None, None);
    for option in options.split('&') {
        let (name, value) = option.split_once('=')?;
        let value = decoded(value).filter(|value| !value.is_empty())?;
        match name {
            "sentinel_username" if user.is_none() => user = Some(value),
            "sentinel_password" if password.is_none() => password = Some(Secret::from(value)),
            _ => return None,
        }
    }
    password.is_some().then_some((user, password))
}

fn server(text: &str, default: u16) -> Option<(String, u16)> {
    // `Url` drops a port that is the default of the scheme. So the text is parsed with a scheme that has no default
    // port.
    let url = Url::parse(&format!("redis://{text}")).ok()?;
    let host = url.host_str().filter(|host| !host.is_empty())?;
    // In a URL, an IPv6 address stands in brackets. This function returns it without them.
    Some((host.trim_matches(['[', ']']).to_owned(), url.port().unwrap_or(default)))
}

fn decoded(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<FleetAddress> {
        FleetAddress::parse(text)
    }

    #[test]
    fn urls_of_servers_are_read() {
        let one = parsed("rediss://:p%40ss@cache.example.com/3").unwrap();
        assert_eq!(one.servers, [("cache.example.com".to_owned(), 6379)]);
        assert!(one.tls && one.user.is_none() && one.service.is_none() && one.database == 3);
        assert_eq!(one.password.as_ref().map(Secret::expose), Some("p@ss"));
        let six = parsed("redis://me:secret@[::1]:7000").unwrap();
        assert_eq!((six.servers, six.user.as_deref()), (vec![("::1".to_owned(), 7000)], Some("me")));
        let sentinels = parsed("redis+sentinel://:x@one:1,two/limits/2").unwrap();
        assert_eq!(sentinels.servers, [("one".to_owned(), 1), ("two".to_owned(), 26379)]);
        assert_eq!((sentinels.service.as_deref(), sentinels.database), (Some("limits"), 2));
        assert!(sentinels.sentinel_user.is_none() && sentinels.sentinel_password.is_none());
        let asked = "redis+sentinel://:x@one/limits/2?sentinel_password=p%26w%3F&sentinel_username=me";
        let asked = parsed(asked).unwrap();
        assert_eq!(asked.sentinel_password.as_ref().map(Secret::expose), Some("p&w?"));
        assert_eq!((asked.sentinel_user.as_deref(), asked.database), (Some("me"), 2));
        let plain = parsed("redis+sentinel://one/limits?sentinel_password=x").unwrap();
        assert!(plain.sentinel_user.is_none() && plain.password.is_none());
    }

    #[test]
    fn texts_that_are_no_url_of_a_server_are_refused_without_the_password() {
        let texts = [
            "http://host",
            "redis://",
            "redis://one,two",
            "redis://host/x",
            "redis://host/-1",
            "redis://host/0/1",
            "redis://:secret@host:99999",
            "redis+sentinel://host",
            "redis://:secret@host?ssl=true",
            "redis://host?sentinel_password=secret",
            "redis+sentinel://host/limits?",
            "redis+sentinel://host/limits?sentinel_username=secret",
            "redis+sentinel://host/limits?sentinel_password=",
            "redis+sentinel://host/limits?sentinel_password=secret&sentinel_password=secret",
            "redis+sentinel://host/limits?sentinel_password=secret&other=1",
            "redis+sentinel://host/limits?sentinel_password=secret#0",
        ];
        for text in texts {
            let error = CheckedScope::parse(text, &message!["the setting ", "x"]).unwrap_err();
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        for text in [
            "redis://:hunter2@host",
            "redis+sentinel://host/limits?sentinel_username=me&sentinel_password=hunter2",
        ] {
            let shown = format!("{:?}", parsed(text).unwrap());
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }
}
