//! Connections that break as scripted, and clients that go away.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod common;

use std::io::ErrorKind;
use std::time::Duration;

use common::{arrived, client, drain, judged, open, request, scripted, world};
use serde_json::json;

const LIST: &str = "/syncs?limit=3";

#[tokio::test]
async fn a_reset_before_the_headers_is_a_tcp_reset_and_nothing_else_is_seen() {
    let (sandbox, world) = scripted(json!({"reset": "before-headers"})).await;
    let (seen, end) = drain(open(&sandbox, &world, LIST).await).await;
    assert_eq!(seen, "");
    assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_reset_in_the_headers_comes_after_a_part_of_them() {
    let (sandbox, world) = scripted(json!({"reset": "in-headers"})).await;
    let (seen, end) = drain(open(&sandbox, &world, LIST).await).await;
    assert!(seen.starts_with("HTTP/1.1 200") && !seen.contains("\r\n\r\n"), "{seen:?}");
    assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_reset_in_the_body_comes_after_a_part_of_it() {
    let (sandbox, world) = scripted(json!({"reset": "in-body", "cutBodyAt": 10})).await;
    let (seen, end) = drain(open(&sandbox, &world, LIST).await).await;
    assert_eq!(seen.split_once("\r\n\r\n").unwrap().1.len(), 10);
    assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_cut_body_ends_early_without_a_reset() {
    let (sandbox, world) = scripted(json!({"cutBodyAt": 10})).await;
    let (seen, end) = drain(open(&sandbox, &world, LIST).await).await;
    let (head, body) = seen.split_once("\r\n\r\n").unwrap();
    let promised: usize = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok())
        .unwrap();
    assert_eq!(body.len(), 10);
    assert!(promised > 10);
    assert!(end.is_ok());
}

#[tokio::test]
async fn a_reset_over_tls_is_a_tcp_reset_too() {
    for reset in ["before-headers", "in-headers", "in-body"] {
        let (sandbox, world) = scripted(json!({ "reset": reset })).await;
        let http1 = client(&sandbox.ca_pem, &[b"http/1.1"]);
        let call = request(&http1, "GET", format!("{}{LIST}", world.base_url), &world.api_key, "a");
        let error = match call.send().await {
            Ok(answer) => answer.bytes().await.unwrap_err(),
            Err(error) => error,
        };
        let causes = format!("{error:?}");
        assert!(causes.contains("ConnectionReset"), "{reset}: {causes}");
    }
}

#[tokio::test]
async fn on_http_2_a_reset_ends_its_stream_and_not_the_connection() {
    for reset in ["before-headers", "in-headers", "in-body"] {
        let (sandbox, world) = scripted(json!({ "reset": reset })).await;
        let http2 = client(&sandbox.ca_pem, &[b"h2"]);
        let call = |id| request(&http2, "GET", format!("{}{LIST}", world.base_url), &world.api_key, id);
        let failed = match call("a").send().await {
            Ok(answer) => answer.bytes().await.unwrap_err(),
            Err(error) => error,
        };
        assert!(format!("{failed:?}").contains("Reset"), "{reset}: {failed:?}");
        assert_eq!(call("b").send().await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn an_answer_that_the_script_loses_does_not_count_as_a_client_that_went_away() {
    for answer in [json!({"reset": "before-headers"}), json!({"reset": "in-body"}), json!({"cutBodyAt": 5})] {
        let (sandbox, world) = scripted(answer).await;
        let _ = drain(open(&sandbox, &world, LIST).await).await;
        assert_eq!(judged(&sandbox, &world, json!({"gone": 0})).await, [""; 0]);
    }
}

#[tokio::test]
async fn a_client_that_closes_its_http_1_connection_is_logged_as_gone() {
    let (sandbox, world) = scripted(json!({"hang": true})).await;
    let stream = open(&sandbox, &world, LIST).await;
    arrived(&sandbox, &world, 1).await;
    assert!(sandbox.log(&world.id).unwrap()["requests"][0].get("gone_ms").is_none());
    drop(stream);
    assert_eq!(judged(&sandbox, &world, json!({"gone": 1})).await, [""; 0]);
    assert!(sandbox.log(&world.id).unwrap()["requests"][0]["gone_ms"].as_u64().is_some());
}

#[tokio::test]
async fn a_cancelled_stream_on_http_2_is_logged_as_gone() {
    let (sandbox, world) = scripted(json!({"delayMs": 60_000})).await;
    let http2 = client(&sandbox.ca_pem, &[b"h2"]);
    let call = |id| request(&http2, "GET", format!("{}{LIST}", world.base_url), &world.api_key, id);
    tokio::select! {
        _ = call("a").send() => panic!("it was answered"),
        () = arrived(&sandbox, &world, 1) => {}
    }
    assert_eq!(call("b").send().await.unwrap().status(), 200, "the connection itself is still good");
    assert_eq!(judged(&sandbox, &world, json!({"gone": 1})).await, [""; 0]);
}

#[tokio::test]
async fn a_reset_of_the_connection_ends_every_answer_on_it() {
    let script = json!([
        {"when": {"path": "/syncs/3"}, "answer": {"reset": "connection"}},
        {"when": {"operation": "GetSync"}, "answer": {"hang": true}, "times": 2},
    ]);
    let (sandbox, world) = world(json!({ "script": script })).await;
    let http2 = client(&sandbox.ca_pem, &[b"h2"]);
    let call = |path: &str| request(&http2, "GET", format!("{}{path}", world.base_url), &world.api_key, path);
    assert_eq!(call(LIST).send().await.unwrap().status(), 200);
    let one = tokio::spawn(call("/syncs/1").send());
    let two = tokio::spawn(call("/syncs/2").send());
    arrived(&sandbox, &world, 3).await;
    assert!(call("/syncs/3").send().await.is_err());
    let both = async { (one.await.unwrap().is_err(), two.await.unwrap().is_err()) };
    let ended = tokio::time::timeout(Duration::from_secs(20), both).await;
    assert_eq!(ended.expect("answers that end"), (true, true));
    assert_eq!(call("/syncs").send().await.unwrap().status(), 200, "over another connection");
    assert_eq!(judged(&sandbox, &world, json!({"gone": 2})).await, [""; 0]);
}

#[tokio::test]
async fn an_answer_that_closes_its_connection_is_the_last_on_it() {
    let (sandbox, world) = scripted(json!({"status": 408, "text": "", "close": true})).await;
    let (seen, end) = drain(open(&sandbox, &world, LIST).await).await;
    assert!(seen.starts_with("HTTP/1.1 408"), "{seen:?}");
    assert!(end.is_ok());

    let script = json!([{"answer": {"close": true}, "when": {"nth": 2}}]);
    let (sandbox, world) = common::world(json!({ "script": script })).await;
    let http2 = client(&sandbox.ca_pem, &[b"h2"]);
    for id in ["a", "b", "c"] {
        let call = request(&http2, "GET", format!("{}{LIST}", world.base_url), &world.api_key, id);
        assert_eq!(call.send().await.unwrap().status(), 200, "{id}");
    }
}

#[tokio::test]
async fn a_request_that_is_held_back_is_performed_after_the_one_that_it_waits_for() {
    let until = json!({"path": "/syncs/2/trigger"});
    let (sandbox, world) =
        world(json!({"script": [{"when": {"path": "/syncs/1/trigger"}, "answer": {"until": until}}]})).await;
    let http2 = client(&sandbox.ca_pem, &[b"h2"]);
    let call = |sync: u32| {
        let url = format!("{}/syncs/{sync}/trigger", world.base_url);
        request(&http2, "POST", url, &world.api_key, &sync.to_string())
    };
    let held = tokio::spawn(call(1).send());
    arrived(&sandbox, &world, 1).await;
    for (answer, id) in [(call(2).send().await, 9001), (held.await.unwrap(), 9002)] {
        let body: serde_json::Value = answer.unwrap().json().await.unwrap();
        assert_eq!(body["id"].to_string().trim_matches('"'), id.to_string());
    }
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_of_a_body_is_logged_as_gone() {
    let (sandbox, world) = scripted(json!({"trickle": {"bytes": 5, "everyMs": 50}})).await;
    let mut stream = open(&sandbox, &world, LIST).await;
    let mut some = [0; 200];
    tokio::io::AsyncReadExt::read_exact(&mut stream, &mut some).await.unwrap();
    drop(stream);
    assert_eq!(judged(&sandbox, &world, json!({"gone": 1})).await, [""; 0]);
}

#[tokio::test]
async fn a_connection_that_is_held_open_without_an_answer_is_complained_about() {
    let (sandbox, world) = scripted(json!({"hang": true})).await;
    let _held = open(&sandbox, &world, LIST).await;
    arrived(&sandbox, &world, 1).await;
    let complaints = judged(&sandbox, &world, json!({})).await;
    assert!(complaints.len() == 1 && complaints[0].starts_with("ended"), "{complaints:?}");
}

#[tokio::test]
async fn an_operation_whose_answer_is_lost_is_performed_only_with_apply() {
    for (apply, runs) in [(true, 1), (false, 0)] {
        let (sandbox, world) = world(json!({
            "slugs": ["orders"],
            "script": [{"when": {"operation": "TriggerRun"}, "answer": {"reset": "before-headers", "apply": apply}}],
        }))
        .await;
        let http1 = client(&sandbox.ca_pem, &[b"http/1.1"]);
        let call =
            |method, path| request(&http1, method, format!("{}{path}", world.base_url), &world.api_key, path);
        assert!(call("POST", "/syncs/1/trigger").send().await.is_err());
        let answer = call("GET", "/syncs/1/runs?runId=9001").send().await.unwrap();
        let body: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(body["data"].as_array().unwrap().len(), runs, "apply: {apply}");
    }
}
