//! The lines of a checkpoint file. The first is the header, which describes the batch. Each further line is an event of
//! one item. The latest events of an item say how far the item has come.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::call::SyncReference;
use crate::model::{self, Mended};
use crate::resources::{IfRunning, SyncRun, TriggerSync};
use crate::runs::{RunOrigin, RunState as _, RunToken, StartWindow};

/// The version of the format. A file of a later version is refused.
const FORMAT: u64 = 1;
/// How every header begins.
pub(super) const BEGINNING: &str = r#"{"checkpoint":"syncs.run_many","#;

/// Writes the header, without its line break.
pub(super) fn header(origin: &str, syncs: &[SyncReference], trigger: &TriggerSync) -> String {
    let rest = json!({
        "format": FORMAT,
        "origin": origin,
        "syncs": syncs,
        "trigger": {
            "fullResync": trigger.full_resync.unwrap_or(false),
            "resetCDC": trigger.reset_cdc.unwrap_or(false),
            "clearAndFill": trigger.clear_and_fill.unwrap_or(false),
            "ifRunning": trigger.if_running.unwrap_or(IfRunning::Queue),
        },
    });
    let rest = rest.to_string();
    format!("{BEGINNING}{}", rest.strip_prefix('{').unwrap_or(&rest))
}

/// Checks that the header `found` of a file describes the same batch as the header `expected`.
///
/// # Errors
/// The file is no checkpoint, was written by a newer version of the SDK, belongs to another server, or records other
/// syncs or other options of the triggers. The error is the rest of a sentence that begins with the name of the file.
pub(super) fn check_header(found: &str, expected: &str) -> Result<(), &'static str> {
    let read = |text| serde_json::from_str::<Value>(text).ok().filter(|_| found.starts_with(BEGINNING));
    let (Some(found), Some(expected)) = (read(found), read(expected)) else {
        return Err("is not a checkpoint of this method");
    };
    if found.get("format").and_then(Value::as_u64).is_none_or(|format| format > FORMAT) {
        return Err("was written by a newer version of the SDK");
    }
    let differs = |member: &str| found.get(member) != expected.get(member);
    if differs("format") {
        return Err("is not a checkpoint of this method");
    }
    if differs("origin") {
        return Err("belongs to another server than the one this client talks to");
    }
    if differs("syncs") {
        return Err("records other syncs");
    }
    if differs("trigger") {
        return Err("records triggers with other options");
    }
    Ok(())
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::batch) enum Progress {
    #[default]
    NotStarted,
    /// A request that starts a run was about to be sent, and no answer was recorded.
    Sending {
        sync: i64,
        window: Option<StartWindow>,
    },
    Started(RunToken),
    Ended(RunToken, Box<SyncRun>),
}

/// One event, in the form of a line of the file.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    item: usize,
    event: Event,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sync: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<RunOrigin>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<Box<RawValue>>,
}

#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Event {
    #[default]
    NotStarted,
    Sending,
    Started,
    Ended,
}

/// Writes the event that records the progress of an item, without a line break.
pub(super) fn event(item: usize, progress: &Progress) -> String {
    let line = match progress {
        Progress::NotStarted => Line { item, ..Line::default() },
        Progress::Sending { sync, window } => Line {
            item,
            event: Event::Sending,
            sync: Some(*sync),
            since: window.map(|window| window.since),
            until: window.map(|window| window.until),
            ..Line::default()
        },
        Progress::Started(token) => Line {
            item,
            event: Event::Started,
            run: Some(token.encode()),
            origin: Some(token.source),
            ..Line::default()
        },
        Progress::Ended(_, state) => Line {
            item,
            event: Event::Ended,
            state: serde_json::value::to_raw_value(state).ok(),
            ..Line::default()
        },
    };
    serde_json::to_string(&line).unwrap_or_default()
}

/// What a file records about a batch.
#[derive(Debug, Default)]
pub(in crate::batch) struct Recorded {
    pub items: Vec<Progress>,
    /// Every run that the file names, including earlier runs of items that were started again.
    pub runs: Vec<RunToken>,
}

/// Reads one event of a file into `recorded`. The runs of the file belong to the server `origin`. Returns `None` if the
/// line is damaged.
pub(super) fn read_event(text: &str, recorded: &mut Recorded, origin: &str) -> Option<()> {
    let line: Line = serde_json::from_str(text).ok()?;
    let item = recorded.items.get_mut(line.item)?;
    *item = match (line.event, std::mem::take(item)) {
        (Event::NotStarted, _) => Progress::NotStarted,
        (Event::Sending, _) => {
            let window = line.since.zip(line.until).map(|(since, until)| StartWindow { since, until });
            Progress::Sending { sync: line.sync?, window }
        }
        (Event::Started, _) => {
            let token = RunToken::decode(&line.run?, origin).ok()?;
            recorded.runs.push(token.clone());
            Progress::Started(token.from(line.origin?))
        }
        (Event::Ended, Progress::Started(token)) => {
            let state = line.state?;
            let state: SyncRun = model::read(state.get().as_bytes(), &mut Mended::default()).ok()?;
            state.ending()?;
            Progress::Ended(token, Box::new(state))
        }
        (Event::Ended, _) => return None,
    };
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn syncs() -> Vec<SyncReference> {
        vec!["orders".into(), 7.into()]
    }

    #[test]
    fn a_header_is_accepted_only_for_the_same_batch() {
        let plain = TriggerSync::default();
        let own = header("https://a/", &syncs(), &plain);
        assert_eq!(check_header(&own, &own), Ok(()));
        let said = TriggerSync { full_resync: Some(false), ..plain.clone() };
        assert_eq!(check_header(&header("https://a/", &syncs(), &said), &own), Ok(()));
        let mut turned = syncs();
        turned.reverse();
        let full = TriggerSync { full_resync: Some(true), ..plain.clone() };
        for (other, why) in [
            (header("https://b/", &syncs(), &plain), "belongs to another server"),
            (header("https://a/", &turned, &plain), "records other syncs"),
            (header("https://a/", &syncs(), &full), "records triggers with other options"),
            (own.replace("\"format\":1", "\"format\":2"), "was written by a newer version of the SDK"),
            (own.replace("\"format\":1", "\"format\":0"), "is not a checkpoint"),
            ("{\"format\":1}".to_owned(), "is not a checkpoint"),
            (format!("{own}x"), "is not a checkpoint"),
        ] {
            let told = check_header(&other, &own).unwrap_err();
            assert!(told.starts_with(why), "{told}: {other}");
        }
    }

    #[test]
    fn the_latest_events_of_an_item_say_how_far_it_has_come() {
        let token: RunToken = serde_json::from_value(json!({
            "v": 1, "kind": "sync", "origin": "o", "parent": "7", "run": "9", "since": 0,
        }))
        .unwrap();
        let token = token.from(RunOrigin::Adopted);
        let state: SyncRun =
            model::read(br#"{"id": 9, "status": "failed", "error": "no"}"#, &mut Mended::default()).unwrap();
        let window = Some(StartWindow { since: 1, until: 2 });
        let mut file = Recorded { items: vec![Progress::NotStarted; 2], runs: Vec::new() };
        for progress in [
            Progress::Sending { sync: 7, window },
            Progress::Started(token.clone()),
            Progress::Ended(token, Box::new(state)),
            Progress::Sending { sync: 7, window: None },
            Progress::NotStarted,
        ] {
            read_event(&event(1, &progress), &mut file, "o").unwrap();
            assert_eq!(file.items, [Progress::NotStarted, progress]);
        }
        assert_eq!(file.runs.len(), 1);
        for damaged in [
            "",
            "{}",
            r#"{"item":2,"event":"not_started"}"#,
            r#"{"item":0,"event":"burnt"}"#,
            r#"{"item":0,"event":"sending"}"#,
            r#"{"item":0,"event":"started","run":"x","origin":"given"}"#,
            r#"{"item":0,"event":"ended","state":{"id":9,"status":"failed"}}"#,
            r#"{"item":0,"event":"not_started","more":1}"#,
        ] {
            assert!(read_event(damaged, &mut file, "o").is_none(), "{damaged}");
        }
    }
}
