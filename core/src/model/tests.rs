//! Tests of reading answers. Most of these answers differ from Hightouch's documentation.

use serde_json::{Value, json};

use super::{Mended, Readable, Timestamp, Written, canonical, read, read_with};
use crate::json::Json;
use crate::operation::{Page, TolerantPage};
use crate::resources::{
    EventDomainComponent, Schedule, ScheduleRule, Sync, SyncRun, SyncRunStatus, SyncStatus,
};

fn parse<T: Readable>(value: &Value) -> Result<(T, Vec<String>), String> {
    let mut mended = Mended::default();
    read(value.to_string().as_bytes(), &mut mended).map(|parsed| (parsed, mended.into_paths()))
}

fn parse_page(value: &Value) -> Result<(TolerantPage<Sync>, Vec<String>), String> {
    let mut mended = Mended::default();
    read_with(value.to_string().as_bytes(), &mut mended, |from, mended| {
        TolerantPage::read(from, mended, Sync::read)
    })
    .map(|page| (page, mended.into_paths()))
}

fn run(with: &Value) -> Value {
    let mut run = json!({
        "id": 7, "status": "success", "querySize": 3, "completionRatio": 0.54,
        "plannedRows": {"addedCount": 3, "changedCount": 0, "removedCount": 0},
        "successfulRows": {"addedCount": 3, "changedCount": 0, "removedCount": 0},
        "failedRows": {"addedCount": 0, "changedCount": 0, "removedCount": 0},
    });
    run.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
    run
}

#[test]
fn numbers_come_as_strings_and_strings_as_numbers() {
    let (sync, mended) = parse::<Sync>(&json!({
        "id": "12", "slug": 99, "modelId": 4.0, "destinationId": "1", "referencedColumns": ["a", 5],
    }))
    .unwrap();
    assert_eq!(
        (sync.id, sync.slug.as_str(), sync.model_id, sync.destination_id),
        (12, "99", Some(4), Some(1))
    );
    assert_eq!(sync.referenced_columns, ["a", "5"]);
    assert_eq!(mended, Vec::<String>::new());
}

#[test]
fn counts_and_row_objects_that_are_null_or_missing_become_zero_and_are_noted() {
    let (run, mended) = parse::<SyncRun>(&run(
        &json!({ "plannedRows": null, "querySize": null, "failedRows": {"addedCount": null} }),
    ))
    .unwrap();
    assert_eq!((run.planned_rows.total(), run.query_size, run.failed_rows.total()), (0, 0, 0));
    assert!(mended.contains(&"plannedRows".to_owned()), "{mended:?}");
    assert!(mended.contains(&"querySize".to_owned()), "{mended:?}");
    assert!(mended.contains(&"failedRows.addedCount".to_owned()), "{mended:?}");
}

#[test]
fn a_run_whose_rows_are_of_another_shape_is_mended_and_noted_once() {
    let (run, mended) = parse::<SyncRun>(&run(&json!({ "plannedRows": [1, 2] }))).unwrap();
    assert_eq!(run.planned_rows.total(), 0);
    assert_eq!(mended, ["plannedRows"]);
}

#[test]
fn an_unknown_status_is_kept_and_unknown_members_are_dropped() {
    let (run, mended) =
        parse::<SyncRun>(&run(&json!({ "status": "hibernating", "novel": {"deep": [1]} }))).unwrap();
    assert_eq!(run.status, SyncRunStatus::Other("hibernating".to_owned()));
    assert!(!serde_json::to_string(&run).unwrap().contains("novel"));
    assert_eq!(mended, Vec::<String>::new());
}

#[test]
fn without_its_id_or_status_a_run_is_an_error_with_its_path() {
    for missing in ["id", "status"] {
        let mut broken = run(&json!({}));
        broken.as_object_mut().unwrap().remove(missing);
        let error = parse::<Page<SyncRun>>(&json!({ "data": [run(&json!({})), broken] })).unwrap_err();
        assert!(error.contains(&format!("1.{missing} is missing")), "{error}");
    }
}

/// One sync without a slug must not make a list of a thousand syncs unreadable.
#[test]
fn a_bad_row_is_left_out_of_a_list_with_its_path_and_takes_no_other_along() {
    let page = json!({ "data": [{"id": 1, "slug": "a", "referencedColumns": []}, {"id": 2}, null, 7,
        {"id": "x", "slug": "b"}, {"id": 3, "slug": "c", "referencedColumns": []}] });
    let (page, mended) = parse_page(&page).unwrap();
    let ids: Vec<i64> = page.rows.iter().flatten().map(|sync| sync.id).collect();
    assert_eq!((ids, page.rows.len()), (vec![1, 3], 6));
    let left_out: std::collections::BTreeSet<_> =
        page.rows.iter().filter_map(|row| row.as_ref().err()).collect();
    assert_eq!(left_out.len(), 4, "each is told from the others");
    assert_eq!(mended, ["1.slug", "1", "2", "3", "4.id", "4"]);
}

#[test]
fn an_id_that_is_no_number_is_shown_and_not_called_missing() {
    let error = parse::<Sync>(&json!({ "id": "sync_1", "slug": "a", "modelId": "m" })).unwrap_err();
    assert_eq!(error, "id is \"sync_1\", which is not a whole number");
    let error = parse::<Sync>(&json!({ "id": null, "slug": "a" })).unwrap_err();
    assert_eq!(error, "id is missing or null");
}

/// A JavaScript server sends half an emoji if it cuts a text in the middle of an emoji.
#[test]
fn half_an_emoji_in_a_text_is_replaced_and_noted() {
    let body = br#"{"id": 7, "status": "failed", "error": "cut \ud83d", "querySize": 0, "completionRatio": 0,
        "plannedRows": {"addedCount": 0, "changedCount": 0, "removedCount": 0},
        "successfulRows": {"addedCount": 0, "changedCount": 0, "removedCount": 0},
        "failedRows": {"addedCount": 0, "changedCount": 0, "removedCount": 0}, "no\udc00": "\ud83d"}"#;
    let mut mended = Mended::default();
    let run: SyncRun = read(body, &mut mended).unwrap();
    assert_eq!(run.error.as_deref(), Some("cut \u{fffd}"));
    assert_eq!(mended.into_paths(), ["error"]);
}

#[test]
fn half_an_emoji_in_opaque_json_is_kept_to_the_letter() {
    for text in [r#"{"x":"\ud83d"}"#, r#"{"\udc00":1}"#, r#"{"x":"\ud83d\ud83d\ude00"}"#] {
        let body = format!(r#"{{"id":1,"slug":"a","referencedColumns":[],"configuration":{text}}}"#);
        let mut mended = Mended::default();
        let sync: Sync = read(body.as_bytes(), &mut mended).unwrap();
        assert_eq!(sync.configuration.unwrap().get(), text);
        assert_eq!(mended.into_paths(), Vec::<String>::new());
    }
}

#[test]
fn pairs_and_escaped_backslashes_are_no_halves() {
    for (text, whole) in [
        (r#""\ud83d\ude00""#, r#""\ud83d\ude00""#),
        (r#""\\ud83d""#, r#""\\ud83d""#),
        (r#""\u00e9\n""#, r#""\u00e9\n""#),
        (r#""\ud83d\\""#, r#""\ufffd\\""#),
        (r#""\ud83dx\ude00""#, r#""\ufffdx\ufffd""#),
        (r#""\ud83d\ud83d\ude00\ude00""#, r#""\ufffd\ud83d\ude00\ufffd""#),
    ] {
        assert_eq!(crate::json::without_halves(text), whole);
    }
}

#[test]
fn a_byte_order_mark_before_an_answer_is_passed_over() {
    let sync: Sync = read(b"\xef\xbb\xbf{\"id\": 1, \"slug\": \"a\"}", &mut Mended::default()).unwrap();
    assert_eq!(sync.id, 1);
}

#[test]
fn null_in_place_of_a_list_is_an_empty_list_unless_there_are_more() {
    let (page, mended) = parse_page(&json!({ "data": null })).unwrap();
    assert_eq!((page.rows.len(), mended), (0, vec!["data".to_owned()]));
    assert!(parse_page(&json!({ "data": null, "hasMore": true })).is_err());
}

/// Hightouch's OpenAPI document declares null for some operations, so the error must not call null undocumented.
#[test]
fn an_answer_that_is_null_is_called_null() {
    assert_eq!(parse::<Sync>(&Value::Null).unwrap_err(), "the server answered null instead of a value");
}

#[test]
fn unknown_members_are_sent_back_unless_the_type_declares_them() {
    let schedule: Schedule =
        serde_json::from_value(json!({ "type": "a", "otherMembers": {"type": "b", "zone": "UTC"} })).unwrap();
    let sent = serde_json::to_value(super::Bare(&schedule)).unwrap();
    assert_eq!(sent, json!({ "type": "a", "zone": "UTC" }));
}

/// Hightouch calls the `imports` of a component read-only, so the SDK must not send them back.
#[test]
fn a_member_that_only_the_server_sets_is_not_sent_back() {
    let component: EventDomainComponent =
        serde_json::from_value(json!({ "name": "a", "schema": {}, "imports": ["b"] })).unwrap();
    assert_eq!(component.imports.as_deref(), Some(&["b".to_owned()][..]));
    let sent = serde_json::to_value(super::Bare(&component)).unwrap();
    assert_eq!(sent, json!({ "name": "a", "schema": {} }));
}

#[test]
fn a_page_without_its_list_is_an_error_and_not_the_end_of_the_list() {
    assert!(parse::<Page<Sync>>(&json!({ "hasMore": false })).is_err());
    assert!(parse::<Page<Sync>>(&json!(null)).is_err());
    assert!(parse::<Page<Sync>>(&json!([])).is_err());
}

#[test]
fn schedules_of_every_kind_get_a_tag_and_unknown_ones_stay_raw() {
    let kinds = [
        (json!({"interval": {"unit": "hour", "quantity": "2"}}), "interval"),
        (json!({"expression": "* * * * *"}), "cron"),
        (json!({"expressions": [{"days": {"monday": true}, "time": "10:00"}]}), "visual"),
        (json!({"account": {"id": 5}, "job": {"id": "9"}}), "dbt"),
        (json!({"moonPhase": "full"}), "unknown"),
    ];
    for (rule, kind) in kinds {
        let (sync, _) =
            parse::<Sync>(&json!({ "id": 1, "slug": "a", "schedule": {"type": "x", "schedule": rule} }))
                .unwrap();
        let written = serde_json::to_value(&sync).unwrap();
        assert_eq!(written["schedule"]["schedule"]["kind"], kind);
        if kind == "unknown" {
            assert_eq!(written["schedule"]["schedule"]["raw"], rule);
        }
    }
}

/// In a newer copy of Hightouch's OpenAPI document, a schedule can have a type and no rule.
#[test]
fn a_schedule_without_a_rule_is_read() {
    let (sync, _) =
        parse::<Sync>(&json!({ "id": 1, "slug": "a", "schedule": {"type": "match_booster"} })).unwrap();
    let schedule = sync.schedule.unwrap();
    assert_eq!((schedule.type_.as_deref(), schedule.schedule), (Some("match_booster"), None::<ScheduleRule>));
}

#[test]
fn opaque_json_is_kept_to_the_letter_and_equal_by_value() {
    let body = br#"{"id": 1, "slug": "a", "configuration": { "a" : 1.50,  "b":[1e3] }}"#;
    let sync: Sync = read(body, &mut Mended::default()).unwrap();
    let configuration = sync.configuration.unwrap();
    assert_eq!(configuration.get(), r#"{ "a" : 1.50,  "b":[1e3] }"#);
    assert_eq!(configuration, Json::from(&json!({ "b": [1000.0], "a": 1.5 })));
}

#[test]
fn json_with_a_number_that_no_double_can_hold_is_equal_only_to_the_same_text() {
    let json = |text: &str| serde_json::from_str::<Json>(text).unwrap();
    assert_eq!(json(r#"{"a": 1e999}"#), json(r#"{"a": 1e999}"#));
    assert_ne!(json(r#"{"a": 1e999}"#), json(r#"{"c": 2, "d": 1e999}"#));
}

#[test]
fn a_number_that_stands_for_a_text_keeps_its_digits() {
    let (sync, _) = parse::<Sync>(&json!({ "id": 1, "slug": 12_345_678_901_234_567_890_u64 })).unwrap();
    assert_eq!(sync.slug, "12345678901234567890");
}

#[test]
fn opaque_json_that_nests_too_deep_is_left_out_and_noted() {
    let nested = |depth: usize| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        format!(r#"{{"id": 1, "slug": "a", "referencedColumns": [], "configuration": {open}{close}}}"#)
    };
    for (depth, is_kept) in [(120, true), (100_000, false)] {
        let mut mended = Mended::default();
        let sync: Sync = read(nested(depth).as_bytes(), &mut mended).unwrap();
        assert_eq!((sync.configuration.is_some(), mended.into_paths().is_empty()), (is_kept, is_kept));
    }
}

#[test]
fn a_member_that_is_null_does_not_decide_a_union() {
    let rule = json!({"interval": null, "expression": "0 * * * *"});
    let (sync, _) =
        parse::<Sync>(&json!({ "id": 1, "slug": "a", "schedule": {"type": "x", "schedule": rule} })).unwrap();
    assert!(matches!(sync.schedule.unwrap().schedule, Some(ScheduleRule::Cron(_))));
}

#[test]
fn times_are_read_with_any_offset_and_written_in_one_form() {
    let (sync, mended) = parse::<Sync>(
        &json!({ "id": 1, "slug": "a", "createdAt": "2024-05-01T12:00:00+02:00", "updatedAt": "soon" }),
    )
    .unwrap();
    assert_eq!(sync.created_at.map(|at| at.to_string()).as_deref(), Some("2024-05-01T10:00:00.000Z"));
    assert_eq!(
        (sync.updated_at, mended),
        (None, vec!["updatedAt".to_owned(), "referencedColumns".to_owned()])
    );
    assert_eq!(
        "2024-05-01T10:00:00.123456Z".parse::<Timestamp>().unwrap().to_string(),
        "2024-05-01T10:00:00.123Z"
    );
}

/// A `datetime` of Python holds only the years 1 to 9999.
#[test]
fn a_time_that_some_host_cannot_hold_is_mended() {
    for (text, good) in [
        ("0001-01-01T00:00:00.000Z", true),
        ("9999-12-30T21:59:59.999Z", true),
        ("0000-12-31T23:59:59.999Z", false),
        ("0001-01-01T00:00:00+01:00", false),
        ("9999-12-31T23:59:59-01:00", false),
    ] {
        let (sync, mended) =
            parse::<Sync>(&json!({ "id": 1, "slug": "a", "createdAt": text, "referencedColumns": [] }))
                .unwrap();
        assert_eq!((sync.created_at.is_some(), mended.is_empty()), (good, good), "{text}");
    }
}

#[test]
fn a_status_that_is_null_is_absent_where_it_may_be() {
    let (sync, mended) = parse::<Sync>(&json!({ "id": 1, "slug": "a", "status": null })).unwrap();
    assert_eq!(
        (sync.status, mended.len()),
        (None::<SyncStatus>, 1),
        "the list of columns is what was mended"
    );
}

#[test]
fn invalid_utf_8_and_trailing_text_are_errors() {
    for body in [&b"{\"id\": 1, \"slug\": \"\xff\"}"[..], b"{\"id\": 1, \"slug\": \"a\"} x", b"", b"<html>"] {
        assert!(read::<Sync>(body, &mut Mended::default()).is_err(), "{body:?}");
    }
}

/// Reads each text twice: as canonical JSON, which copies the text if it can, and as a typed value. The results must be
/// equal. Debug builds make the same comparison for every copy.
#[test]
fn spellings_that_a_copy_could_take_for_usual_are_copied_or_read() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let rule = |novel: &str| {
        format!(r#"{{"type":"x","schedule":{{"interval":{{"unit":"day","quantity":1,"novel":{novel}}}}}}}"#)
    };
    let mut schedules: Vec<String> = (123..129).map(|depth| rule(&nested(depth))).collect();
    schedules.extend([
        r#"{"type":"x","schedule":{"\u0069nterval":{"unit":"day","quantity":1}}}"#.to_owned(),
        r#"{"type":"x","schedule":{"interval":{"unit":"day","quantity":1},"interval":null}}"#.to_owned(),
        r#"{"type":"x","schedule":{"kind":"mine","expression":"* * * * *","expressions":null}}"#.to_owned(),
        r#"{"type":"x","schedule":{}}"#.to_owned(),
        r#"{"type":"x","schedule":5}"#.to_owned(),
        r#"{"type":"x"}"#.to_owned(),
        "{}".to_owned(),
    ]);
    // Compares opaque JSON as text, because it may nest too deep for a `Value`.
    let marked = |written: &Written| -> Value {
        let texts = written.with(|to, part| {
            to.extend_from_slice(Value::from(String::from_utf8_lossy(part)).to_string().as_bytes());
        });
        serde_json::from_slice(&texts).unwrap()
    };
    for schedule in schedules {
        let text = format!(r#"{{"id":1,"slug":"a","referencedColumns":[],"schedule":{schedule}}}"#);
        let (mut copied, mut built) = (Mended::default(), Mended::default());
        let made = canonical::<Sync>(text.as_bytes(), &mut copied).unwrap();
        let sync = read::<Sync>(text.as_bytes(), &mut built).unwrap();
        assert_eq!(marked(&made.json), marked(&Written::of(&sync).unwrap()), "{text}");
        assert_eq!(copied.into_paths(), built.into_paths(), "{text}");
    }
    let counts = r#""plannedRows":{},"successfulRows":{},"failedRows":{}"#;
    for ratio in [
        "1",
        "0",
        "-0",
        "0.5",
        "0.50",
        "1.0",
        "1e0",
        "0.00001",
        "999999999999999",
        "9999999999999999",
        "9007199254740993",
    ] {
        let text =
            format!(r#"{{"id":1,"status":"success","querySize":0,"completionRatio":{ratio},{counts}}}"#);
        let made = canonical::<SyncRun>(text.as_bytes(), &mut Mended::default()).unwrap();
        let run = read::<SyncRun>(text.as_bytes(), &mut Mended::default()).unwrap();
        let wanted = serde_json::to_value(&run).unwrap();
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&made.json.text).unwrap(), wanted, "{ratio}");
    }
}
