//! Sends calls and reads the values of their answers.

use std::borrow::Cow;
use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use serde_json::value::RawValue;

use super::reports::{self, RequestReport};
use super::spans::Span;
use super::{Answer, Sender, unknown};
use crate::attempt::Meta;
use crate::call::{Call, Id, Spent};
use crate::error::{Error, Kind};
use crate::json;
use crate::model::{self, Mended, Readable};
use crate::operation::Returns;
use crate::text::brief;
use crate::transport;

/// How many characters are shown of the path of a mended value: a value that the core replaced by a default.
const PATH_SHOWN: usize = 200;
/// How many characters an error shows of the reason why an answer cannot be read.
const WHY_SHOWN: usize = 400;

/// A call that has begun: its start hooks have run. [`end`](Self::end) runs its end hooks.
pub(super) struct Begun<'a> {
    sender: &'a Sender,
    /// The report of the request before its first attempt.
    pub(super) meta: Meta,
    /// The headers of the request, as the hooks changed them; `None` if there is no hook.
    pub(super) headers: Option<BTreeMap<String, String>>,
    pub(super) span: Span,
}

impl Begun<'_> {
    /// Removes secrets from the error of the call. An error can quote an argument, and the caller may have passed the
    /// API key as that argument.
    fn scrubbed<R>(&self, made: Result<R, Error>) -> Result<R, Error> {
        made.map_err(|error| error.scrubbed(|text| self.sender.scrub(text)))
    }

    /// Calls the hooks at the end of the call.
    fn end(self, call: &Call, meta: Option<&Meta>, error: Option<&Error>) {
        let meta = meta.unwrap_or(&self.meta);
        self.sender.hooks().ended(meta, error);
        self.span.end(meta, error);
        reports::report(|| RequestReport::of(call, meta, error));
    }
}

/// Reads an answer and keeps what it has read. Through this trait, the code that sends a call exists once, and not once
/// for each type of answer.
pub(crate) trait AnswerReader: Send {
    /// Reads a whole answer. Returns the id of the workspace that the value belongs to, if the value says it. The error
    /// is a sentence that says why the answer cannot be used.
    fn read(&mut self, body: &[u8], mended: &mut Mended) -> Result<Option<i64>, String>;
}

impl<T: Readable + Send> AnswerReader for Option<T> {
    fn read(&mut self, body: &[u8], mended: &mut Mended) -> Result<Option<i64>, String> {
        let value = self.insert(model::read(body, mended)?);
        Ok(value.workspace())
    }
}

/// Returns what an [`AnswerReader`] has kept of the answer to a call that succeeded.
pub(crate) fn kept<T>(value: Option<T>) -> Result<T, Error> {
    value.ok_or_else(|| Error::new(Kind::Internal, "the value of the answer was not kept"))
}

impl Sender {
    /// Sends a call and reads its answer as a `T`.
    pub(crate) async fn value<T: Readable + Send>(&self, call: &Call, spent: &mut Spent) -> Result<T, Error> {
        let mut value = None;
        self.read_into(&mut value, call, spent).await?;
        kept(value)
    }

    /// Sends a call and reads its answer with `reader`.
    pub(crate) async fn read_into(
        &self,
        reader: &mut dyn AnswerReader,
        call: &Call,
        spent: &mut Spent,
    ) -> Result<(), Error> {
        let begun = self.begin(call, spent);
        let answer = self.sent(call, spent, &begun).await;
        // A raw call succeeds once its answer has arrived, even if the answer reports an error.
        let succeeded = spent.raw && answer.is_ok();
        let read = begun.scrubbed(answer.and_then(|answer| self.read(reader, call, answer)));
        match &read {
            Ok((_, meta)) => begun.end(call, Some(meta), None),
            Err(error) => begun.end(call, error.request(), (!succeeded).then_some(error)),
        }
        let (workspace, meta) = read?;
        if let Some(id) = workspace {
            self.learn_workspace(id);
        }
        spent.mended(meta.mended);
        Ok(())
    }

    /// Sends a call and returns its answer.
    pub(crate) async fn answer(&self, call: &Call, spent: &mut Spent) -> Result<Answer, Error> {
        let begun = self.begin(call, spent);
        let answer = begun.scrubbed(self.sent(call, spent, &begun).await);
        match &answer {
            Ok(answer) => begun.end(call, Some(&answer.meta), None),
            Err(error) => begun.end(call, error.request(), Some(error)),
        }
        answer
    }

    /// Calls the hooks at the beginning of a call.
    fn begin(&self, call: &Call, spent: &Spent) -> Begun<'_> {
        let subject = self.scrubbed(call.subject());
        let meta = Meta::of_call(&subject, spent.call_id().to_owned());
        let span = Span::new(call, self.config(), &meta);
        let headers = span.enter(|| self.hooks().started(&subject, &meta, &spent.options.headers));
        Begun { sender: self, meta, headers, span }
    }

    /// Sends a call. The future takes about 3 kB, so it is boxed. Otherwise every future that awaits it would contain
    /// it.
    fn sent<'a>(
        &'a self,
        call: &'a Call,
        spent: &'a mut Spent,
        begun: &'a Begun<'a>,
    ) -> BoxFuture<'a, Result<Answer, Error>> {
        begun.span.around(self.send(call, spent, begun))
    }

    /// Reads an answer. Returns the id of the workspace, if the value says it, and the report of the call.
    fn read(
        &self,
        reader: &mut dyn AnswerReader,
        call: &Call,
        answer: Answer,
    ) -> Result<(Option<i64>, Meta), Error> {
        let Answer { body, mut meta, reported, room: _room } = answer;
        if let Some(error) = reported {
            return Err(error);
        }
        let mut mended = Mended::default();
        match reader.read(&whole(call, &body), &mut mended) {
            Ok(workspace) => {
                meta.mended = self.shown(mended);
                Ok((workspace, meta))
            }
            Err(why) => Err(self.unusable(call, &body, &why, meta)),
        }
    }

    /// The paths of the values that the core replaced by defaults. The names in these paths come from the server, so a
    /// name may contain the API key.
    fn shown(&self, mended: Mended) -> Vec<String> {
        mended.into_paths().iter().map(|path| brief(&self.scrub(path), PATH_SHOWN)).collect()
    }

    /// The error of a call with an answer that cannot be read; `why` is the reason.
    fn unusable(&self, call: &Call, body: &[u8], why: &str, meta: Meta) -> Error {
        // The reason may quote the answer. The API key is removed before the text is shortened, because part of a key
        // would not be found.
        let shown = || brief(&self.scrub(why), WHY_SHOWN);
        let why = transport::no_json(body, &|text| self.scrub(text)).unwrap_or_else(shown);
        let error = Error::new(Kind::Protocol, format!("the answer cannot be read: {why}"));
        self.unreadable(call, error, meta)
    }

    /// The error of a call with an unreadable answer. For a write, the error says that the outcome is unknown.
    pub(crate) fn unreadable(&self, call: &Call, error: Error, meta: Meta) -> Error {
        let error = if call.is_write() { unknown(error) } else { error };
        self.error_at(call, error.with_meta(meta))
    }
}

/// Completes a body: an empty body becomes `null` if the operation has no result. If the answers of an operation may
/// lack an id, the id is taken from the path.
fn whole<'a>(call: &Call, body: &'a [u8]) -> Cow<'a, [u8]> {
    let Some(operation) = call.operation() else { return Cow::Borrowed(body) };
    if matches!(operation.returns, Returns::Nothing) && body.is_empty() {
        return Cow::Borrowed(b"null");
    }
    let Some((member, parameter)) = operation.traits.fill else { return Cow::Borrowed(body) };
    let id = operation.ids.iter().zip(call.ids()).find(|(known, _)| known.argument.wire == parameter);
    let members =
        serde_json::from_slice::<BTreeMap<String, Box<RawValue>>>(json::without_byte_order_mark(body));
    match (id, members) {
        (Some((_, Id::Text(id))), Ok(mut members))
            if members.get(member).is_none_or(|value| value.get() == "null") =>
        {
            if let Ok(id) = serde_json::value::to_raw_value(id) {
                members.insert(member.to_owned(), id);
            }
            serde_json::to_vec(&members).map_or(Cow::Borrowed(body), Cow::Owned)
        }
        _ => Cow::Borrowed(body),
    }
}
