//! A call: an operation, the ids in its path, and its values.

mod options;
mod spent;
mod sync_reference;

pub(crate) use options::checked_headers;
pub use options::{Options, Priority};
pub(crate) use spent::{BeforeSend, Defaults, Spent};
pub use sync_reference::SyncReference;

use std::borrow::Cow;
use std::sync::Arc;

use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::value::RawValue;
use url::Url;

use crate::attempt::Subject;
use crate::error::{Error, Kind};
use crate::limit::{Class, Look};
use crate::message::Name;
use crate::operation::{Endpoint, Fields as _, IdKind, Operation, Placed, Safety};
use crate::text::quoted;

/// The characters that are escaped in a path segment or a query value: all but the unreserved ones (RFC 3986 §2.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An id in a path. A sync may be named by its slug instead; its id is then looked up before the call is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Id {
    Int(i64),
    Text(String),
    Sync(SyncReference),
}

impl Id {
    /// The id as an escaped path segment; `None` for a slug.
    fn segment(&self) -> Option<String> {
        match self {
            Self::Int(id) | Self::Sync(SyncReference::Id(id)) => Some(id.to_string()),
            Self::Text(text) => Some(escaped(text)),
            Self::Sync(SyncReference::Slug(_)) => None,
        }
    }

    /// The id or slug as text. [`of`](Self::of) reads the text back.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Int(id) | Self::Sync(SyncReference::Id(id)) => id.to_string(),
            Self::Text(text) | Self::Sync(SyncReference::Slug(text)) => text.clone(),
        }
    }

    /// Reads an id of the kind `kind` from its text.
    pub(crate) fn of(kind: IdKind, text: String) -> Self {
        match (kind, text.parse()) {
            (IdKind::Int, Ok(id)) => Self::Int(id),
            (IdKind::Sync, _) => Self::Sync(SyncReference::from(text)),
            _ => Self::Text(text),
        }
    }

    /// The resource with this id, as errors name it: `source 7`.
    fn named(&self, noun: &str) -> String {
        match self {
            Self::Int(id) => format!("{noun} {id}"),
            Self::Text(text) => format!("{noun} {text}"),
            Self::Sync(sync) => sync.to_string(),
        }
    }

    /// The id as a caller writes it in code.
    fn argument(&self) -> String {
        match self {
            Self::Int(id) | Self::Sync(SyncReference::Id(id)) => id.to_string(),
            Self::Text(text) | Self::Sync(SyncReference::Slug(text)) => quoted(text),
        }
    }

    /// Checks whether the id can stand in a path. Returns what is wrong if it cannot.
    fn check(&self) -> Result<(), &'static str> {
        match self {
            // `.` and `..` would change the path (RFC 3986 §5.2.4), and an empty segment would call another operation.
            Self::Text(text) if matches!(text.as_str(), "" | "." | "..") => Err("cannot be empty, . or .."),
            Self::Int(..0) => Err("must be an id and cannot be negative"),
            Self::Sync(sync) => sync.check(),
            Self::Text(_) | Self::Int(_) => Ok(()),
        }
    }
}

/// One use of an operation, with its arguments. If the path names a sync by its slug, the id must be looked up before
/// the call is sent.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    operation: Option<&'static Operation>,
    subject: Subject,
    method: Method,
    /// The path, if the SDK does not know the operation; otherwise empty.
    path: String,
    ids: Vec<Id>,
    query: Vec<(Cow<'static, str>, String)>,
    body: Option<Box<RawValue>>,
    safety: Safety,
    class: Class,
    /// The digest of the API key with which the slug in the path was looked up. With another API key, the slug may
    /// belong to another sync.
    bound: Option<[u8; 32]>,
    /// If the call reads the state of a run that is followed: what the queue of the rate limit knows about this run.
    /// `None` for other calls.
    look: Option<Arc<Look>>,
}

/// Prepares a call of an operation that has no id in its path.
pub(crate) fn call<E: Endpoint>(fields: &E::Fields) -> Result<Call, Error> {
    call_on::<E>(Vec::new(), fields)
}

/// Prepares a call of an operation with these ids in its path. If the operation can order its list and the caller names
/// no order, the call asks for the default order.
pub(crate) fn call_on<E: Endpoint>(ids: Vec<Id>, fields: &E::Fields) -> Result<Call, Error> {
    placed_on(E::OPERATION, ids, fields.place())
}

fn placed_on(operation: &'static Operation, ids: Vec<Id>, placed: Placed) -> Result<Call, Error> {
    let call = Call::new(operation, ids)?.placed(placed);
    if call.query().any(|(name, value)| name == "limit" && value == "0") {
        return Err(call.refused("`limit` must be 1 or more."));
    }
    let ordered = operation.arguments.iter().any(|argument| argument.wire == "orderBy");
    Ok(match operation.traits.order {
        Some(order) if ordered && call.query().all(|(name, _)| name != "orderBy") => {
            call.with("orderBy", order.to_owned())
        }
        _ => call,
    })
}

impl Call {
    /// Creates a call of a known operation with these ids in its path.
    ///
    /// # Errors
    /// Kind `invalid_request` if an id cannot stand in a path.
    pub(crate) fn new(operation: &'static Operation, ids: Vec<Id>) -> Result<Self, Error> {
        let pairs = || operation.ids.iter().zip(&ids);
        let named: Vec<String> = pairs().rev().map(|(parameter, id)| id.named(parameter.noun)).collect();
        let arguments: Vec<String> = ids.iter().map(Id::argument).collect();
        let subject = Subject {
            method: operation.op,
            operation_id: Some(operation.id),
            arguments: Some(arguments.join(", ")),
            resource: (!named.is_empty()).then(|| named.join(" of ")),
            sync: ids.iter().find(|id| matches!(id, Id::Sync(_))).map(Id::text),
        };
        for (parameter, id) in pairs() {
            if let Err(why) = id.check() {
                let what = message![Name(parameter.argument.wire), " ", why, ". Nothing was sent"];
                return Err(Error::new(Kind::InvalidRequest, what).at(&subject));
            }
        }
        Ok(Self {
            operation: Some(operation),
            subject,
            method: operation.method.clone(),
            path: String::new(),
            ids,
            query: Vec::new(),
            body: None,
            safety: operation.safety,
            class: operation.class,
            bound: None,
            look: None,
        })
    }

    /// Refuses an update that changes nothing, because the server would set the time of the last change all the same.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.method == Method::PATCH && self.body() == Some("{}") {
            return Err(self.refused("the update changes nothing. Give it at least one change."));
        }
        Ok(())
    }

    fn refused(&self, what: &str) -> Error {
        Error::new(Kind::InvalidRequest, format!("{what} Nothing was sent.")).at(self.subject())
    }

    /// Creates a call of an operation that the SDK does not know. GET and HEAD count as reads, and every other method
    /// counts as a write.
    pub(crate) fn unknown(
        method: Method,
        path: &str,
        query: Vec<(String, String)>,
        body: Option<Box<RawValue>>,
    ) -> Self {
        let reads = matches!(method, Method::GET | Method::HEAD);
        Self {
            operation: None,
            subject: Subject {
                arguments: Some(format!("{}, {}", quoted(method.as_str()), quoted(path))),
                resource: Some(format!("{method} {path}")),
                ..Subject::method("request")
            },
            path: path.to_owned(),
            ids: Vec::new(),
            query: query.into_iter().map(|(name, value)| (Cow::Owned(name), value)).collect(),
            body,
            safety: if reads { Safety::Read } else { Safety::Write },
            class: if reads { Class::Read } else { Class::Trigger },
            bound: None,
            look: None,
            method,
        }
    }

    /// Adds the arguments for the query, and sets the body.
    pub(crate) fn placed(mut self, placed: Placed) -> Self {
        self.query.extend(placed.query.into_iter().map(|(name, value)| (Cow::Borrowed(name), value)));
        self.body = placed.body;
        self
    }

    /// Replaces the query by the query of an earlier call of the same list.
    pub(crate) fn with_query(mut self, query: Vec<(String, String)>) -> Self {
        self.query = query.into_iter().map(|(name, value)| (Cow::Owned(name), value)).collect();
        self
    }

    /// Makes errors, logs and hooks name the sync as the caller named it, even if the request names it in another way.
    pub(crate) fn on_sync(mut self, sync: &SyncReference) -> Self {
        self.subject.arguments = Some(Id::Sync(sync.clone()).argument());
        self.subject.resource = Some(sync.to_string());
        self.subject.sync = Some(Id::Sync(sync.clone()).text());
        self
    }

    /// Makes errors, logs and hooks name the followed run, because the caller waits for the run and did not itself call
    /// the method that reads it.
    pub(crate) fn on_run(mut self, run: Subject) -> Self {
        self.subject = Subject { operation_id: self.subject.operation_id, ..run };
        self
    }

    /// Adds a query value.
    pub(crate) fn with(mut self, name: &'static str, value: String) -> Self {
        self.query.push((Cow::Borrowed(name), value));
        self
    }

    /// Sets a query value in place of any earlier value with this name.
    pub(crate) fn set_query(&mut self, name: &'static str, value: String) {
        self.query.retain(|(known, _)| known != name);
        self.query.push((Cow::Borrowed(name), value));
    }

    pub(crate) fn query(&self) -> impl Iterator<Item = (&str, &str)> {
        self.query.iter().map(|(name, value)| (name.as_ref(), value.as_str()))
    }

    /// The method and the resource that errors, logs and hooks name.
    pub(crate) fn subject(&self) -> &Subject {
        &self.subject
    }

    pub(crate) fn method(&self) -> Method {
        self.method.clone()
    }

    pub(crate) fn body(&self) -> Option<&str> {
        self.body.as_deref().map(RawValue::get)
    }

    /// The operation; `None` if the SDK does not know it.
    pub(crate) fn operation(&self) -> Option<&'static Operation> {
        self.operation
    }

    pub(crate) fn ids(&self) -> &[Id] {
        &self.ids
    }

    /// The slug in the path, if there is one. Its id must be known before the call can be sent.
    pub(crate) fn slug(&self) -> Option<&str> {
        self.ids.iter().find_map(|id| match id {
            Id::Sync(SyncReference::Slug(slug)) => Some(slug.as_str()),
            _ => None,
        })
    }

    /// Marks the call as a look, a request that reads the state of a followed run. Looks wait for the rate limit in a
    /// queue of their own, the lane.
    pub(crate) fn looking(mut self, look: Arc<Look>) -> Self {
        self.look = Some(look);
        self
    }

    pub(crate) fn look(&self) -> Option<&Arc<Look>> {
        self.look.as_ref()
    }

    /// Binds the call to the API key with this digest. The call is not sent with another key.
    pub(crate) fn bound_to(mut self, key: [u8; 32]) -> Self {
        self.bound = Some(key);
        self
    }

    /// The digest of the API key to which the call is bound.
    pub(crate) fn bound(&self) -> Option<[u8; 32]> {
        self.bound
    }

    /// Replaces the slug of a sync by its id. Errors still name the slug.
    pub(crate) fn with_sync(mut self, sync: i64) -> Self {
        for id in &mut self.ids {
            if matches!(id, Id::Sync(SyncReference::Slug(_))) {
                *id = Id::Sync(SyncReference::Id(sync));
            }
        }
        self
    }

    pub(crate) fn safety(&self) -> Safety {
        self.safety
    }

    /// Sets the class with which the call waits for the rate limit, if the caller sets no priority.
    pub(crate) fn of_class(mut self, class: Class) -> Self {
        self.class = class;
        self
    }

    pub(crate) fn is_write(&self) -> bool {
        self.safety == Safety::Write
    }

    /// The class with which the request waits for the rate limit: the caller's priority, or else the class of the call.
    pub(crate) fn class(&self, options: &Options) -> Class {
        options.priority.map_or(self.class, Priority::class)
    }

    /// The path below the base URL.
    fn path(&self) -> Cow<'_, str> {
        let Some(operation) = self.operation else { return Cow::Borrowed(&self.path) };
        operation.ids.iter().zip(&self.ids).fold(Cow::Borrowed(operation.path), |path, (parameter, id)| {
            Cow::Owned(path.replace(&format!("{{{}}}", parameter.at), &id.segment().unwrap_or_default()))
        })
    }

    pub(crate) fn url(&self, base: &Url) -> Url {
        let mut url = base.clone();
        let mut path = base.path().trim_end_matches('/').to_owned();
        path.push_str(&self.path());
        url.set_path(&path);
        if !self.query.is_empty() {
            let mut query = String::with_capacity(128);
            for (name, value) in &self.query {
                if !query.is_empty() {
                    query.push('&');
                }
                query.extend(utf8_percent_encode(name, ESCAPED));
                query.push('=');
                query.extend(utf8_percent_encode(value, ESCAPED));
            }
            url.set_query(Some(&query));
        }
        url
    }
}

/// Escapes a value for a path segment or a query.
pub(crate) fn escaped(value: &str) -> String {
    utf8_percent_encode(value, ESCAPED).to_string()
}
