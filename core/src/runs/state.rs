//! What the kinds of runs have in common: a call that reads one, and what its status means.

use serde::Serialize;
use serde_json::Value;

use super::claims::Of;
use crate::client::{Call, Client, Meta, Options};
use crate::error::Error;
use crate::model::{Mended, Model, Reader, Timestamp, Types};
use crate::page::{Page, Row};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// Well.
    Success,
    /// With warnings, such as rows that were rejected.
    Warning,
    /// In failure, or because it was cancelled or interrupted.
    Failure,
}

/// A state of a run that can be followed.
pub(crate) trait State: Model + Send + Sync + 'static {
    /// The kind's name in tokens and at the door.
    const KIND: &'static str;
    /// Whether the server answers 404 for a run that it does not know (yet), where others give an empty list.
    const MISSING_IS_404: bool = false;
    /// What reading a run gives.
    type Answer: Model + Send;
    /// What starting one gives.
    type Started: Started;

    /// The call that reads one run.
    fn call(parent: &str, run: &str) -> Result<Call, Error>;

    /// That run and no other.
    fn pick(answer: Self::Answer, run: &str) -> Option<Self>;

    /// How it ended; unknown statuses count as under way.
    fn ending(&self) -> Option<Ending>;

    /// Its status as the API writes it.
    fn status(&self) -> &str;

    /// What it says of an end that is no success.
    fn reason(&self) -> Option<String>;

    /// The run's id after a trigger of which only that it was sent is known; the trigger's error where no list of runs
    /// could tell.
    fn recovered(lost: Lost<'_>) -> impl Future<Output = Result<(String, Meta), Error>> + Send {
        std::future::ready(Err(lost.error))
    }
}

/// A trigger whose answer was lost.
pub(crate) struct Lost<'a> {
    pub client: &'a Client,
    /// What it would have started a run of.
    pub of: &'a Of,
    /// Whether no option was set: a run with one must not be mistaken for a scheduled one.
    pub plain: bool,
    pub error: Error,
    pub options: &'a Options,
}

/// A state of a run that stands in a list of such.
pub(crate) trait Listed: State<Answer = Page<Self>> + Row {
    /// A page of the list, from `offset` on, in the order in which runs were asked for.
    fn newest(parent: &str, offset: u32) -> Result<Call, Error>;

    /// When it was asked for.
    fn created(&self) -> Option<Timestamp>;

    /// Whether it is under way beyond doubt, or, where its status is unknown, has no time of its end.
    fn is_under_way(&self) -> bool;
}

/// What starting a run gives: the run's id.
pub(crate) trait Started: Model + Send {
    fn id(self) -> String;
}

model! {
    /// The id of a run that has a number.
    pub(crate) struct StartedNumber {
        /// Run id: a string here, a number in the list of runs.
        required id = "id": i64,
    }
}

model! {
    /// The id of a run that has a text.
    pub(crate) struct StartedText {
        /// Run id.
        required id = "id": RunText,
    }
}

/// A run's id that is text. An empty one names no run: it is as good as none.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub(crate) struct RunText(String);

impl Model for RunText {
    fn read(from: &mut Reader<'_>, mended: &mut Mended) -> Result<Option<Self>, String> {
        Ok(String::read(from, mended)?.filter(|text| !text.is_empty()).map(Self))
    }

    fn describe(types: &mut Types) -> Value {
        String::describe(types)
    }
}

impl Started for StartedNumber {
    fn id(self) -> String {
        self.id.to_string()
    }
}

impl Started for StartedText {
    fn id(self) -> String {
        self.id.0
    }
}
