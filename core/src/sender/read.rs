//! Sends calls and reads the values of their answers.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::future::Future;

use serde_json::value::RawValue;

use super::{Answer, Sender, unknown};
use crate::attempt::Meta;
use crate::call::{Call, Id, Spent};
use crate::error::{Error, Kind};
use crate::json;
use crate::model::{self, Mended, Readable};
use crate::operation::Returns;
use crate::text::brief;
use crate::transport;

/// How much of the path of a mended value is shown.
const PATH_SHOWN: usize = 200;
/// How much is shown of the reason why an answer cannot be read.
const WHY_SHOWN: usize = 400;

impl Sender {
    /// Sends a call and reads its answer as a `T`.
    pub(crate) async fn value<T: Readable>(&self, call: &Call, spent: &mut Spent) -> Result<T, Error> {
        let made = async {
            // Boxed, because this future has some 3 kB, and every future above it would hold and move them.
            let Answer { body, meta, reported, room: _room } = Box::pin(self.send(call, spent)).await?;
            let read = reported.map_or_else(|| self.read::<T>(call, &body, meta), Err);
            // A raw call has succeeded once its answer is there, whatever the answer means.
            if spent.raw { Ok(read) } else { read.map(Ok) }
        };
        let (value, meta) = self
            .told(call, made, |read| read.as_ref().map_or_else(Error::meta, |(_, meta)| Some(meta)))
            .await??;
        if let Some(id) = value.workspace() {
            self.learn_workspace(id);
        }
        spent.mended(meta.mended);
        Ok(value)
    }

    /// Sends a call and returns its answer.
    pub(crate) async fn answer(&self, call: &Call, spent: &mut Spent) -> Result<Answer, Error> {
        self.told(call, Box::pin(self.send(call, spent)), |answer| Some(&answer.meta)).await
    }

    /// Runs a call, and calls the hooks before and after it.
    pub(crate) async fn told<R>(
        &self,
        call: &Call,
        made: impl Future<Output = Result<R, Error>>,
        meta: impl Fn(&R) -> Option<&Meta>,
    ) -> Result<R, Error> {
        let subject = self.scrubbed(call.subject());
        self.hooks().started(&subject);
        // An error can quote an argument, and the caller may have passed the key as that argument.
        let made = made.await.map_err(|error| error.scrubbed(|text| self.scrub(text)));
        let (meta, error) = match &made {
            Ok(answer) => (meta(answer), None),
            Err(error) => (error.meta(), Some(error)),
        };
        match meta {
            Some(meta) => self.hooks().ended(meta, error),
            None => self.hooks().ended(&Meta::of(&subject), error),
        }
        made
    }

    /// Reads the body of an answer as a `T`. If the answer to a write cannot be read, the outcome of the write is
    /// unknown.
    fn read<T: Readable>(&self, call: &Call, body: &[u8], mut meta: Meta) -> Result<(T, Meta), Error> {
        let mut mended = Mended::default();
        match model::read(&whole(call, body), &mut mended) {
            Ok(value) => {
                // The names in paths come from the server, so they may hold the key.
                let shown = |path: &String| brief(&self.scrub(path), PATH_SHOWN);
                meta.mended = mended.into_paths().iter().map(shown).collect();
                Ok((value, meta))
            }
            Err(why) => {
                // The reason may quote the answer. The key is removed before the text is shortened.
                let shown = |why: String| brief(&self.scrub(&why), WHY_SHOWN);
                let why = transport::no_json(body, &|text| self.scrub(text)).unwrap_or_else(|| shown(why));
                let error = Error::new(Kind::Protocol, format!("the answer cannot be read: {why}"));
                Err(self.unreadable(call, error, meta))
            }
        }
    }

    /// The error of an answer that cannot be read.
    pub(crate) fn unreadable(&self, call: &Call, error: Error, meta: Meta) -> Error {
        let error = if call.is_write() { unknown(error) } else { error };
        self.error_at(call, error.with_meta(meta))
    }
}

/// Completes the body with what the server is known to leave out of this operation's answers: `null` for an empty body,
/// or a member that repeats an id in the path.
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
