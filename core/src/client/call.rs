//! One call: which operation, on what, with which values.

use std::borrow::Cow;

use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use url::Url;

use super::Options;
use crate::error::{Error, Kind};
use crate::limit::Class;
use crate::operation::{Operation, Safety};
use crate::resources::Placed;

/// What may stand unescaped in a path segment or a query value (RFC 3986 §2.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A call, made ready by a resource.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    id: Cow<'static, str>,
    method: Method,
    path: String,
    query: Vec<(Cow<'static, str>, String)>,
    body: Option<Value>,
    resource: Option<String>,
    safety: Safety,
    class: Class,
    known: bool,
}

impl Call {
    /// A call of a known operation; `path` has its parameters filled in.
    pub(crate) fn new(operation: &Operation, path: &str) -> Self {
        Self {
            id: Cow::Borrowed(operation.id),
            method: operation.method.clone(),
            path: path.to_owned(),
            query: Vec::new(),
            body: None,
            resource: None,
            safety: operation.safety,
            class: operation.class,
            known: true,
        }
    }

    /// A call of an operation that the SDK does not know; whatever is not a read counts as a write.
    pub(crate) fn unknown(
        method: Method,
        path: &str,
        query: Vec<(String, String)>,
        body: Option<Value>,
    ) -> Self {
        let reads = matches!(method, Method::GET | Method::HEAD);
        Self {
            id: Cow::Owned(format!("{method} {path}")),
            path: path.to_owned(),
            query: query.into_iter().map(|(name, value)| (Cow::Owned(name), value)).collect(),
            body,
            resource: None,
            safety: if reads { Safety::Read } else { Safety::Write },
            class: if reads { Class::Read } else { Class::Trigger },
            method,
            known: false,
        }
    }

    /// With the values of a request.
    pub(crate) fn placed(mut self, placed: Placed) -> Self {
        self.query.extend(placed.query.into_iter().map(|(name, value)| (Cow::Borrowed(name), value)));
        if !placed.body.is_empty() {
            self.body = Some(Value::Object(placed.body));
        }
        self
    }

    /// With query values that an earlier call of the list had.
    pub(crate) fn with_query(mut self, query: Vec<(String, String)>) -> Self {
        self.query = query.into_iter().map(|(name, value)| (Cow::Owned(name), value)).collect();
        self
    }

    /// With the name of what it is done to, for errors.
    pub(crate) fn on(mut self, resource: String) -> Self {
        self.resource = Some(resource);
        self
    }

    /// With a query value in place of what was there under its name.
    pub(crate) fn set_query(&mut self, name: &'static str, value: String) {
        self.query.retain(|(known, _)| known != name);
        self.query.push((Cow::Borrowed(name), value));
    }

    pub(crate) fn query(&self) -> impl Iterator<Item = (&str, &str)> {
        self.query.iter().map(|(name, value)| (name.as_ref(), value.as_str()))
    }

    pub(crate) fn operation_id(&self) -> &str {
        &self.id
    }

    pub(crate) fn resource(&self) -> Option<&str> {
        self.resource.as_deref()
    }

    pub(crate) fn method(&self) -> Method {
        self.method.clone()
    }

    pub(crate) fn body(&self) -> Option<&Value> {
        self.body.as_ref()
    }

    pub(crate) fn safety(&self) -> Safety {
        self.safety
    }

    /// Whether it is an operation of ours, with a type for its answer.
    pub(crate) fn is_known(&self) -> bool {
        self.known
    }

    /// With another place in the queue for the limit.
    pub(crate) fn of_class(mut self, class: Class) -> Self {
        self.class = class;
        self
    }

    pub(crate) fn is_write(&self) -> bool {
        self.safety == Safety::Write
    }

    /// The class of the limit: the caller's, or the operation's.
    pub(crate) fn class(&self, options: &Options) -> Result<Class, Error> {
        match options.priority.as_deref() {
            None => Ok(self.class),
            Some("trigger") => Ok(Class::Trigger),
            Some("poll") => Ok(Class::Poll),
            Some("read") => Ok(Class::Read),
            Some("bulk") => Ok(Class::Bulk),
            Some(_) => {
                Err(Error::new(Kind::InvalidRequest, "the option priority takes trigger, poll, read or bulk"))
            }
        }
    }

    pub(crate) fn url(&self, base: &Url) -> Url {
        let mut url = base.clone();
        let path = format!("{}{}", base.path().trim_end_matches('/'), self.path);
        url.set_path(&path);
        if !self.query.is_empty() {
            let query: Vec<String> = self
                .query
                .iter()
                .map(|(name, value)| format!("{}={}", escaped(name), escaped(value)))
                .collect();
            url.set_query(Some(&query.join("&")));
        }
        url
    }
}

/// A value as it may stand in a path segment or a query.
pub(crate) fn escaped(value: &str) -> String {
    utf8_percent_encode(value, ESCAPED).to_string()
}
