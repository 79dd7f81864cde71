//! The arguments of one call, as a scenario gives them.

use hightouch_sdk::resources::{AnyRun, Pending, SyncReference};
use hightouch_sdk::{Error, Options, Run};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::play::handle;

/// The result of a call: its value and, for a trigger, the handle of the run.
pub type Made = Result<(Value, Option<AnyRun>), Error>;

/// The arguments and options of a call. The arguments that the path contains are taken out of `given` first; then
/// `rest` reads the remaining arguments.
pub struct Args {
    pub given: Value,
    pub options: Options,
    pub first_page: bool,
}

impl Args {
    fn taken(&mut self, name: &str) -> Value {
        self.given.as_object_mut().and_then(|given| given.remove(name)).unwrap_or_default()
    }

    pub fn int(&mut self, name: &str) -> i64 {
        self.taken(name).as_i64().unwrap_or_else(|| panic!("{name} is an integer"))
    }

    pub fn text(&mut self, name: &str) -> String {
        match self.taken(name) {
            Value::String(text) => text,
            other => panic!("{name} is text and not {other}"),
        }
    }

    pub fn sync(&mut self) -> SyncReference {
        match self.taken("sync") {
            Value::String(text) => text.into(),
            other => SyncReference::Id(other.as_i64().expect("a sync is an integer or text")),
        }
    }

    pub fn rest<T: DeserializeOwned>(&mut self) -> T {
        serde_json::from_value(self.given.take()).expect("the arguments of the call")
    }

    pub async fn value<T: Serialize + Send + 'static>(self, call: Pending<T>) -> Made {
        Ok((json!(call.with(self.options).await?), None))
    }

    pub async fn run<S: Send + 'static>(self, call: Pending<Run<S>>, kind: fn(Run<S>) -> AnyRun) -> Made
    where
        Run<S>: Send,
    {
        let run = kind(call.with(self.options).await?);
        Ok((handle(&run), Some(run)))
    }

    pub async fn latest<S: Send + 'static>(
        self,
        call: Pending<Option<Run<S>>>,
        kind: fn(Run<S>) -> AnyRun,
    ) -> Made
    where
        Run<S>: Send,
    {
        let run = call.with(self.options).await?.map(kind);
        Ok((run.as_ref().map_or(Value::Null, handle), run))
    }
}

/// Reads a list to its end or, with `first_page`, only its first page.
macro_rules! rows {
    ($args:ident, $pages:expr) => {{
        let mut pages = $pages.with($args.options);
        let rows =
            if $args.first_page { pages.next_page().await?.unwrap_or_default() } else { pages.all().await? };
        Ok((serde_json::json!(rows), None))
    }};
}
