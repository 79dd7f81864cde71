//! Opaque JSON (JSON that the API leaves open, such as `configuration`) keeps its text on the way through the core to
//! a package. The package gets it as JSON or, with the setting `jsonText`, as a string.

use hightouch_sdk::wire::{CallOutput, Cancel, Engine};
use serde_json::{Value, json};

use crate::support::sandbox::{World, sandbox};

/// JSON that a parser changes if it reads numbers as doubles or sorts members.
const ODD: &str = r#"{ "big":123456789012345678901234567890, "huge":1e400,"same":1,"same":2.50,"b":{"$json":["x"]},"a":"\u00e9" }"#;

fn engine(world: &World, json_text: bool) -> Engine {
    let settings = json!({
        "apiKey": world.info["apiKey"], "baseUrl": world.info["baseUrl"], "caBundle": world.info["ca"],
        "timeScale": world.info["timeScale"], "jsonText": json_text, "maxRetries": 0,
    });
    Engine::new(&settings.to_string()).unwrap()
}

/// Creates a world that answers the next request of `operation` with this status and text.
fn answering(operation: &str, status: u16, text: &str) -> World {
    let answer = json!({"status": status, "text": text, "headers": {"content-type": "application/json"}});
    sandbox().world(&json!({"script": [{"when": {"operation": operation}, "answer": answer}]}))
}

async fn call(engine: &Engine, op: &str, args: &Value) -> CallOutput {
    engine.call(op, &args.to_string(), "", &Cancel::new()).await
}

/// Returns the body of a successful call. If the core returned the texts of opaque JSON in `texts`, the body has a
/// mark `{"$json":[start,end]}` for each text. This function replaces the two numbers in the mark with the text, as a
/// string.
fn body(outcome: &CallOutput) -> String {
    assert!(outcome.ok, "{}", outcome.head);
    let body = String::from_utf8(outcome.body.clone()).unwrap();
    if outcome.texts.is_empty() {
        return body;
    }
    let texts = String::from_utf8(outcome.texts.clone()).unwrap();
    let (mut parts, mut given) = (body.split(r#"{"$json":["#), 0);
    let mut whole = parts.next().unwrap().to_owned();
    for part in parts {
        let (place, rest) = part.split_once(']').unwrap();
        let (start, end) = place.split_once(',').unwrap();
        let (start, end): (usize, usize) = (start.parse().unwrap(), end.parse().unwrap());
        assert_eq!(start, given, "the texts follow each other");
        given = end;
        let text = Value::from(&texts[start..end]).to_string();
        whole += &[r#"{"$json":["#, &text, "]", rest].concat();
    }
    assert_eq!(given, texts.len());
    whole
}

/// Returns the text of the opaque JSON at `pointer` in an answer with `jsonText`.
fn text_at(answer: &str, pointer: &str) -> String {
    let answer: Value = serde_json::from_str(answer).unwrap();
    let marked = answer.pointer(pointer).unwrap();
    let text = marked["$json"][0].as_str().unwrap().to_owned();
    assert_eq!(marked, &json!({ "$json": [text] }));
    text
}

/// Incident: a package returned an integer of 30 digits in a configuration as 1.2345678901234568e29.
#[tokio::test]
async fn opaque_json_keeps_its_exact_text_in_every_place_of_an_answer() {
    let event = format!(r#"{{"name":"E","type":"track","schema":{ODD}}}"#);
    let variable = format!(r#"{{"name":"v","variants":[{{"value":"x","userAudienceFilter":{ODD}}}]}}"#);
    for (op, operation, args, answer, pointer) in [
        (
            "syncs.get",
            "GetSync",
            json!({"sync": 1}),
            format!(r#"{{"id":1,"slug":"a","configuration":{ODD}}}"#),
            "/configuration",
        ),
        (
            "sources.list",
            "ListSource",
            json!({}),
            format!(r#"{{"data":[{{"id":1,"slug":"a","name":"A","configuration":{ODD}}}],"hasMore":false}}"#),
            "/0/configuration",
        ),
        (
            "syncs.get",
            "GetSync",
            json!({"sync": 1}),
            format!(r#"{{"id":1,"slug":"a","schedule":{{"type":"x","schedule":{ODD}}}}}"#),
            "/schedule/schedule/raw",
        ),
        (
            "event_contracts.get",
            "GetContract",
            json!({"contractId": "contract-000001"}),
            format!(r#"{{"id":"contract-000001","slug":"a","name":"A","events":[{event}]}}"#),
            "/events/0/schema",
        ),
        (
            "decision_engine.get_message",
            "GetMessage",
            json!({"flowId": "f", "messageId": "m"}),
            format!(r#"{{"id":"m","name":"M","variables":[{variable}]}}"#),
            "/variables/0/variants/0/userAudienceFilter",
        ),
    ] {
        let given = body(&call(&engine(&answering(operation, 200, &answer), true), op, &args).await);
        assert_eq!(text_at(&given, pointer), ODD, "{op}");
        let plain = body(&call(&engine(&answering(operation, 200, &answer), false), op, &args).await);
        assert!(plain.contains(ODD), "{op} without the setting: {plain}");
        for (as_text, value) in [(true, given), (false, plain)] {
            let engine = engine(&answering(operation, 200, &answer), as_text);
            let raw = engine.call(op, &args.to_string(), r#"{"raw": true}"#, &Cancel::new()).await;
            assert!(raw.head.ends_with(&format!(r#""value":{value}}}}}"#)), "{op} raw: {}", raw.head);
            assert_eq!(body(&raw), answer, "{op} raw");
        }
    }
}

/// The `details` of an error may be any JSON. If they contain a number outside the range of a double, the server's
/// message must still be shown.
#[tokio::test]
async fn details_of_an_error_keep_their_exact_text() {
    let said = format!(r#"{{"message":"no good","details":{ODD}}}"#);
    let world = answering("CreateSource", 422, &said);
    let args = json!({"name": "a", "slug": "b", "type": "c", "configuration": {}});
    let failed = call(&engine(&world, true), "sources.create", &args).await;
    assert!(!failed.ok && failed.head.contains("no good"), "{}", failed.head);
    assert_eq!(text_at(&failed.head, "/details"), ODD);
    let world = answering("CreateSource", 422, &said);
    let failed = call(&engine(&world, false), "sources.create", &args).await;
    assert!(failed.head.contains(&format!(r#""details":{ODD}"#)), "{}", failed.head);
}

#[tokio::test]
async fn the_key_is_removed_from_details_and_the_rest_keeps_its_text() {
    let world = sandbox().world(&json!({"script": [{
        "when": {"operation": "CreateSource"},
        "answer": {"status": 422, "text": r#"{"message":"m","details":{ "a\/b":1.50,"{{apiKey}}":["x {{apiKey}} y","\u00e9"]}}"#},
    }]}));
    let args = json!({"name": "a", "slug": "b", "type": "c", "configuration": {}});
    let failed = call(&engine(&world, true), "sources.create", &args).await;
    let key = world.info["apiKey"].as_str().unwrap();
    assert!(!failed.head.contains(key), "{}", failed.head);
    let details = text_at(&failed.head, "/details");
    assert!(details.starts_with(r#"{ "a\/b":1.50,"#) && details.ends_with(r#","\u00e9"]}"#), "{details}");
}

#[tokio::test]
async fn the_state_of_a_failed_run_is_in_the_details_as_text() {
    let world = sandbox().world(&json!({"timeScale": 1000, "runs": {"seconds": 1, "status": "failed"}}));
    let engine = engine(&world, true);
    let run: Value =
        serde_json::from_str(&body(&call(&engine, "syncs.trigger", &json!({"sync": 1})).await)).unwrap();
    let mut seen = Value::Null;
    let failed = loop {
        let mut args = json!({"run": run["token"], "timeoutMs": 5000});
        if !seen.is_null() {
            args["seen"] = seen;
        }
        let step = call(&engine, "run", &args).await;
        if !step.ok {
            break step;
        }
        seen = serde_json::from_str::<Value>(&body(&step)).unwrap()["seen"].take();
    };
    let state: Value = serde_json::from_str(&text_at(&failed.head, "/details")).unwrap();
    assert_eq!(
        (&state["status"], &state["id"].to_string()),
        (&json!("failed"), &run["id"].as_str().unwrap().into())
    );
}

/// A caller can send opaque JSON back as the text that it received, at any depth and among other values.
#[tokio::test]
async fn opaque_json_that_is_passed_as_text_is_sent_as_the_json_in_this_text() {
    let world = sandbox().world(&json!({}));
    let text = engine(&world, true);
    let configuration = json!({ "mine": true, "theirs": { "$json": [r#"{"a": [1.5, null]}"#] } });
    let args = json!({"name": "a", "slug": "b", "type": "c", "configuration": configuration});
    let made = body(&call(&text, "sources.create", &args).await);
    let stored: Value = serde_json::from_str(&text_at(&made, "/configuration")).unwrap();
    assert_eq!(stored, json!({ "mine": true, "theirs": { "a": [1.5, null] } }));
    let request = json!({"method": "POST", "path": "/sources", "body": { "$json": [
        r#"{"name": "a", "slug": "c", "type": "c", "configuration": {"$json": ["2"]}}"#] }});
    let answer = body(&call(&text, "request", &request).await);
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(
        answer["configuration"],
        json!({ "$json": ["2"] }),
        "an answer to a request is the server's own"
    );
    let broken = json!({"name": "a", "slug": "d", "type": "c", "configuration": { "$json": ["{},\"x\":1"] }});
    let refused = call(&text, "sources.create", &broken).await;
    assert!(!refused.ok && refused.head.contains("is not valid JSON. Nothing was sent."), "{}", refused.head);
    let list = json!({"name": "a", "slug": "d", "type": "c", "configuration": { "$json": ["[]"] }});
    let refused = call(&text, "sources.create", &list).await;
    assert!(
        !refused.ok && refused.head.contains("`configuration` must be a JSON object"),
        "{}",
        refused.head
    );
    assert_eq!(world.log()["requests"].as_array().unwrap().len(), 2);
}

/// Only with the setting `jsonText` does the object `{"$json":["…"]}` stand for the JSON in its string. Without the
/// setting, it is an ordinary value.
#[tokio::test]
async fn without_the_setting_a_value_that_looks_like_a_mark_is_sent_unchanged() {
    let world = sandbox().world(&json!({}));
    let args = json!({"name": "a", "slug": "b", "type": "c", "configuration": {"x": {"$json": ["1"]}}});
    let made = body(&call(&engine(&world, false), "sources.create", &args).await);
    assert!(made.contains(r#""configuration":{"x":{"$json":["1"]}}"#), "{made}");
}
