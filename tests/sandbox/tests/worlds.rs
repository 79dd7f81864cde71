//! The answers of a world, over every protocol.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod common;

use common::{client, judged, request, sandbox, tls, world};
use hightouch_sandbox::WorldInfo;
use serde_json::{Value, json};

async fn get(client: &reqwest::Client, base: &str, path: &str, key: &str) -> (u16, Value) {
    let id = format!("{path}{key}");
    let answer = request(client, "GET", format!("{base}{path}"), key, &id).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn one_port_speaks_http_1_http_2_and_tls() {
    let (sandbox, world) = world(json!({})).await;
    for (alpn, version) in
        [(&[b"h2".as_slice()][..], reqwest::Version::HTTP_2), (&[b"http/1.1"], reqwest::Version::HTTP_11)]
    {
        let client = client(&sandbox.ca_pem, alpn);
        let url = format!("{}/syncs", world.base_url);
        let answer =
            request(&client, "GET", url, &world.api_key, &format!("{version:?}")).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.version()), (200, version));
    }
    let plain = client(&sandbox.ca_pem, &[]);
    assert_eq!(get(&plain, &world.http_base_url, "/syncs", &world.api_key).await.0, 200);
    assert_eq!(judged(&sandbox, &world, json!({"counts": {"ListSync": 3}})).await, [""; 0]);
}

#[tokio::test]
async fn a_client_that_does_not_trust_the_authority_cannot_connect() {
    let (_sandbox, world) = world(json!({})).await;
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls(&[])).no_proxy().build().unwrap();
    let error = client.get(format!("{}/syncs", world.base_url)).send().await.unwrap_err();
    assert!(format!("{error:?}").contains("UnknownIssuer"), "{error:?}");
}

#[tokio::test]
async fn nothing_listens_at_the_closed_address() {
    let sandbox = sandbox().await;
    let error = tokio::net::TcpStream::connect(&sandbox.closed).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn each_key_is_answered_in_its_own_way() {
    let (sandbox, world) = world(json!({})).await;
    let client = client(&sandbox.ca_pem, &[b"h2"]);
    let base = world.base_url.as_str();
    let refused = |details: &str| (401, json!({"message": "Authentication error", "details": details}));
    assert_eq!(get(&client, base, "/syncs", &world.keys.invalid).await, refused("Token is invalid"));
    assert_eq!(get(&client, base, "/syncs", &world.keys.orphaned).await, refused("No user found"));
    let keyless = client.get(format!("{base}/syncs")).send().await.unwrap();
    assert_eq!(keyless.json::<Value>().await.unwrap(), refused("No authorization header found").1);
    assert_eq!(get(&client, base, "/syncs", &world.keys.read_only).await.0, 200);
    let write = request(&client, "POST", format!("{base}/syncs/1/trigger"), &world.keys.read_only, "w");
    assert_eq!(write.send().await.unwrap().status(), 403);
}

/// The live service answers 401 and not 404 to a request with a bad key and an unknown path.
#[tokio::test]
async fn a_bad_key_is_answered_with_401_even_if_the_path_or_the_method_is_wrong() {
    let (sandbox, world) = world(json!({})).await;
    let client = client(&sandbox.ca_pem, &[b"h2"]);
    let outside = world.base_url.trim_end_matches("/api/v1");
    for (method, url) in [
        ("GET", format!("{}/nothing", world.base_url)),
        ("GET", format!("{}/syncs/1/nothing", world.base_url)),
        ("PUT", format!("{}/syncs", world.base_url)),
        ("GET", world.base_url.clone()),
        ("GET", format!("{outside}/syncs")),
        ("GET", format!("{outside}/api/v2/syncs")),
        ("GET", format!("{outside}/api/v1syncs")),
    ] {
        for (key, status) in
            [(&world.keys.invalid, 401), (&world.keys.orphaned, 401), (&world.keys.valid, 404)]
        {
            let answer = request(&client, method, url.clone(), key, "a").send().await.unwrap();
            assert_eq!(answer.status(), status, "{method} {url} with {key}");
        }
        let method = method.parse().unwrap();
        let keyless = client.request(method, &url).send().await.unwrap();
        assert_eq!(keyless.status(), 401, "{url} without a key");
    }
}

#[tokio::test]
async fn a_key_that_is_revoked_is_refused_from_that_request_on_and_the_second_one_is_not() {
    let script = json!([{"when": {"nth": 2}, "answer": {"revoke": "valid"}}]);
    let (sandbox, world) = world(json!({ "script": script })).await;
    let client = client(&sandbox.ca_pem, &[b"h2"]);
    let (base, keys) = (world.base_url.as_str(), &world.keys);
    for (path, key, status) in [
        ("/syncs", &keys.valid, 200),
        ("/sources", &keys.valid, 401),
        ("/models", &keys.second, 200),
        ("/destinations", &keys.valid, 401),
    ] {
        assert_eq!(get(&client, base, path, key).await.0, status, "{path}");
    }
    let wire = json!({"keys": {"valid": 3, "second": 1}, "allow": ["unauthorized-again"]});
    assert_eq!(judged(&sandbox, &world, wire).await, [""; 0]);
}

#[tokio::test]
async fn the_keys_of_a_workspace_share_its_limit() {
    let (sandbox, world) = world(json!({"timeScale": 0.01, "limit": {"requests": 2}})).await;
    let client = client(&sandbox.ca_pem, &[b"h2"]);
    let (base, keys) = (world.base_url.as_str(), &world.keys);
    for (path, key, status) in
        [("/syncs", &keys.valid, 200), ("/models", &keys.second, 200), ("/sources", &keys.second, 429)]
    {
        assert_eq!(get(&client, base, path, key).await.0, status, "{path}");
    }
}

#[tokio::test]
async fn worlds_know_nothing_of_each_other() {
    let sandbox = sandbox().await;
    let (one, other) = (sandbox.create_world(json!({})).unwrap(), sandbox.create_world(json!({})).unwrap());
    let client = client(&sandbox.ca_pem, &[b"h2"]);
    assert_eq!(get(&client, &other.base_url, "/syncs", &one.api_key).await.0, 401);
    assert_eq!(sandbox.log(&one.id).unwrap()["requests"], json!([]));
    sandbox.remove_world(&one.id).unwrap();
    assert_eq!(get(&client, &one.base_url, "/syncs", &one.api_key).await.0, 404);
}

#[tokio::test]
async fn every_counter_refuses_the_201st_request_over_the_wire() {
    for counter in ["exact", "fixed", "two-bucket"] {
        // The world's time is slow, so that even a slow machine sends all requests within one window.
        let settings = json!({"timeScale": 0.01, "limit": {"counter": counter, "retryAfter": 7}});
        let (sandbox, world) = world(settings).await;
        let client = client(&sandbox.ca_pem, &[b"h2"]);
        for n in 0..200 {
            let url = format!("{}/syncs?limit=1&offset={n}", world.base_url);
            let answer = request(&client, "GET", url, &world.api_key, &n.to_string()).send().await.unwrap();
            assert_eq!(answer.status(), 200, "{counter}: request {n}");
        }
        let url = format!("{}/syncs", world.base_url);
        let answer = request(&client, "GET", url, &world.api_key, "200").send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].as_bytes()), (429, &b"7"[..]));
        assert!(answer.json::<Value>().await.unwrap()["error"].is_string());
        let log = sandbox.log(&world.id).unwrap();
        assert_eq!((&log["refused"], &log["peak"]), (&json!(1), &json!(201)), "{counter}");
        let complaints = judged(&sandbox, &world, json!({})).await;
        assert_eq!(complaints.len(), 2, "the limit was exceeded and a request refused: {complaints:?}");
    }
}

#[tokio::test]
async fn a_deletion_is_answered_without_a_body_over_every_version_of_http() {
    let (sandbox, world) = world(json!({})).await;
    for (alpn, sync) in [(&[b"h2".as_slice()][..], 1), (&[b"http/1.1"], 2)] {
        let client = client(&sandbox.ca_pem, alpn);
        let url = format!("{}/syncs/{sync}", world.base_url);
        let answer = request(&client, "DELETE", url, &world.api_key, &sync.to_string()).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.headers().get("content-length")), (204, None));
        assert!(answer.bytes().await.unwrap().is_empty());
        let (status, _) = get(&client, &world.base_url, &format!("/syncs/{sync}"), &world.api_key).await;
        assert_eq!(status, 404);
    }
    let wire = json!({"requests": [{"operation": "DeleteSync", "status": 204}], "requestsMore": true});
    assert_eq!(judged(&sandbox, &world, wire).await, [""; 0]);
}

#[tokio::test]
async fn rows_are_inserted_and_deleted_after_the_request_that_the_world_names() {
    let changes = json!([
        {"of": "sources", "delete": [2]},
        {"after": {"operation": "ListSource", "nth": 2}, "of": "sources", "delete": [1], "insert": [2]},
    ]);
    let (sandbox, world) = world(json!({"sources": 3, "changes": changes})).await;
    let client = client(&sandbox.ca_pem, &[b"h2"]);
    for (nth, expected) in [(1, [1, 3]), (2, [1, 3]), (3, [2, 3])] {
        let (_, page) =
            get(&client, &world.base_url, &format!("/sources?limit={}", nth + 5), &world.api_key).await;
        let ids: Vec<&Value> = page["data"].as_array().unwrap().iter().map(|row| &row["id"]).collect();
        assert_eq!(ids, expected.map(|id| json!(id)).iter().collect::<Vec<_>>(), "request {nth}");
    }
}

#[tokio::test]
async fn answers_are_counted_by_their_status_and_shape() {
    let script = json!([
        {"when": {"nth": 2}, "answer": {"status": 404}},
        {"when": {"nth": 3}, "answer": {"body": {"message": "Validation failed", "details": {}}}},
        {"when": {"nth": 4}, "answer": {"reset": "in-body"}},
    ]);
    let (sandbox, world) = world(json!({ "script": script })).await;
    let http1 = client(&sandbox.ca_pem, &[b"http/1.1"]);
    for id in ["a", "b", "c", "d"] {
        let url = format!("{}/sources/1", world.base_url);
        let _ = request(&http1, "GET", url, &world.api_key, id).send().await.unwrap().bytes().await;
    }
    let case = json!({"player": "rust", "scenario": "a-test"});
    let verdict = sandbox.judge(&world.id, case).await.unwrap();
    let expected = ["GetSource 200", "GetSource 200 validation", "GetSource 404"];
    assert_eq!(verdict.answers.into_iter().collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_page_of_100_syncs_is_as_large_as_a_real_one_and_compressed_on_request() {
    let (sandbox, world) = world(json!({"syncs": 150})).await;
    let client = client(&sandbox.ca_pem, &[b"h2"]);
    let url = format!("{}/syncs", world.base_url);
    let plain = request(&client, "GET", url.clone(), &world.api_key, "a").send().await.unwrap();
    let size = plain.bytes().await.unwrap().len();
    assert!((115_000..140_000).contains(&size), "{size} bytes");
    let packed = request(&client, "GET", url, &world.api_key, "b").header("accept-encoding", "gzip");
    let packed = packed.send().await.unwrap();
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    assert!(packed.bytes().await.unwrap().len() < size / 4);
}

#[tokio::test]
async fn the_key_is_echoed_where_the_script_says_so() {
    let script =
        json!([{"answer": {"status": 500, "text": "<p>{{key}}</p>", "headers": {"X-Echo": "{{key}}"}}}]);
    let (sandbox, world) = world(json!({ "script": script })).await;
    let client = client(&sandbox.ca_pem, &[b"h2"]);
    let url = format!("{}/syncs", world.base_url);
    let answer = request(&client, "GET", url, &world.api_key, "a").send().await.unwrap();
    assert_eq!(answer.headers()["x-echo"], world.api_key.as_str());
    assert_eq!(answer.text().await.unwrap(), format!("<p>{}</p>", world.api_key));
}

#[tokio::test]
async fn the_control_api_does_what_the_library_does() {
    let sandbox = sandbox().await;
    let client = client(&sandbox.ca_pem, &[]);
    let control = format!("{}/_worlds", sandbox.http_url);
    let made: Value =
        client.post(&control).json(&json!({"syncs": 2})).send().await.unwrap().json().await.unwrap();
    let (id, key) = (made["id"].as_str().unwrap(), made["apiKey"].as_str().unwrap());
    assert_eq!(get(&client, made["httpBaseUrl"].as_str().unwrap(), "/syncs", key).await.0, 200);
    let log: Value = client.get(format!("{control}/{id}/log")).send().await.unwrap().json().await.unwrap();
    assert_eq!(log["requests"][0]["operation"], "ListSync");
    let case = json!({"player": "node", "scenario": "s", "wire": {"counts": {"ListSync": 2}}});
    let verdict = client.post(format!("{control}/{id}/judge")).json(&case).send().await.unwrap();
    assert_eq!(verdict.json::<Value>().await.unwrap()["complaints"].as_array().unwrap().len(), 1);
    assert_eq!(client.delete(format!("{control}/{id}")).send().await.unwrap().status(), 200);
    assert_eq!(client.get(format!("{control}/{id}/log")).send().await.unwrap().status(), 404);
    let misspelt = client.post(&control).json(&json!({"sync": 2})).send().await.unwrap();
    assert_eq!(misspelt.status(), 422);
    let wrong = json!({"player": "node", "scenario": "s", "wire": {"count": {}}});
    let made = sandbox.create_world(json!({})).unwrap();
    let answer = client.post(format!("{control}/{}/judge", made.id)).json(&wrong).send().await.unwrap();
    assert_eq!(answer.status(), 422);
}

async fn post(
    client: &reqwest::Client,
    world: &WorldInfo,
    path: &str,
    kind: &str,
    body: &str,
) -> (u16, Value) {
    let url = format!("{}{path}", world.base_url);
    let call = request(client, "POST", url, &world.api_key, body).header("content-type", kind);
    let answer = call.body(body.to_owned()).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// The live API also accepts a form as the body of a trigger. The vendor's own Airflow provider sends such forms.
#[tokio::test]
async fn a_trigger_whose_body_is_a_form_is_accepted_and_complained_about() {
    let (sandbox, world) = world(json!({"slugs": ["orders"]})).await;
    let client = client(&sandbox.ca_pem, &[b"h2"]);
    let form = "application/x-www-form-urlencoded";
    for (path, body, expected) in [
        ("/syncs/trigger", "syncId=1&fullResync=false", (200, json!({"id": "9001"}))),
        ("/syncs/trigger", "syncSlug=orders", (200, json!({"id": "9002"}))),
        ("/syncs/2/trigger", "fullResync=true", (200, json!({"id": "9003"}))),
    ] {
        assert_eq!(post(&client, &world, path, form, body).await, expected, "{body}");
    }
    assert_eq!(post(&client, &world, "/syncs/trigger", form, "fullResync=maybe&syncId=1").await.0, 422);
    let log = sandbox.log(&world.id).unwrap();
    assert_eq!(log["requests"][0]["body"], json!({"syncId": "1", "fullResync": "false"}));
    let complaints = judged(&sandbox, &world, json!({})).await;
    let headers = complaints.iter().filter(|complaint| complaint.starts_with("headers: ")).count();
    assert_eq!(headers, 4, "the SDK must send JSON: {complaints:#?}");
}

#[tokio::test]
async fn a_limit_or_an_offset_may_be_written_5_0_and_must_be_whole() {
    let (sandbox, world) = world(json!({"syncs": 9})).await;
    let client = client(&sandbox.ca_pem, &[b"h2"]);
    let path = |query: &str| format!("/syncs?{query}");
    for query in ["limit=5.0&offset=2", "limit=5&offset=2.0", "limit=0.5e1&offset=2"] {
        let (status, page) = get(&client, &world.base_url, &path(query), &world.api_key).await;
        let ids: Vec<_> = page["data"].as_array().unwrap().iter().map(|row| row["id"].clone()).collect();
        assert_eq!((status, ids), (200, (3..=7).map(|id| json!(id)).collect()), "{query}");
    }
    for query in ["limit=5.5", "limit=-1", "offset=0.5", "offset=-3", "limit=five", "limit="] {
        assert_eq!(get(&client, &world.base_url, &path(query), &world.api_key).await.0, 422, "{query}");
    }
}

#[tokio::test]
async fn a_name_that_the_document_leaves_open_is_accepted_and_complained_about() {
    let (sandbox, world) = world(json!({})).await;
    let client = client(&sandbox.ca_pem, &[b"h2"]);
    assert_eq!(post(&client, &world, "/syncs/1/trigger", "application/json", "{\"later\": 1}").await.0, 200);
    assert_eq!(get(&client, &world.base_url, "/syncs?later=1", &world.api_key).await.0, 200);
    let closed =
        post(&client, &world, "/idr/customers/queue-for-reprocessing", "application/json", "{\"a\": 1}")
            .await;
    assert_eq!(closed.0, 422, "this schema forbids it");
    let complaints = judged(&sandbox, &world, json!({})).await;
    let document = complaints.iter().filter(|complaint| complaint.starts_with("document: ")).count();
    assert_eq!(document, 4, "the SDK must not send it: {complaints:#?}");
}

#[tokio::test]
async fn a_client_that_breaks_several_rules_is_complained_about_rule_by_rule() {
    let (sandbox, world) =
        world(json!({"script": [{"answer": {"status": 429, "body": {"error": "no"}}}]})).await;
    let bare = reqwest::Client::builder()
        .tls_backend_preconfigured(tls(&[&sandbox.ca_pem]))
        .no_proxy()
        .build()
        .unwrap();
    let url = format!("{}/syncs?limit=many", world.base_url);
    assert_eq!(bare.get(&url).send().await.unwrap().status(), 429);
    assert_eq!(bare.get(&url).header("authorization", "Bearer nobody").send().await.unwrap().status(), 401);
    assert_eq!(bare.get(&url).header("authorization", "Bearer nobody").send().await.unwrap().status(), 401);
    let wire = json!({"counts": {"ListSync": 1}, "requests": [{"operation": "TriggerRun"}]});
    let complaints = judged(&sandbox, &world, wire).await;
    for (rule, times) in
        [("document", 3), ("authorization", 1), ("headers", 6), ("request-id", 3), ("unauthorized-again", 1)]
    {
        let found = complaints.iter().filter(|complaint| complaint.starts_with(&format!("{rule}: "))).count();
        assert_eq!(found, times, "{rule}: {complaints:#?}");
    }
    assert_eq!(
        complaints.len(),
        14 + 3,
        "a count, a number of requests and an operation besides: {complaints:#?}"
    );
    let allow = json!(["document", "authorization", "headers", "request-id", "unauthorized-again"]);
    assert_eq!(judged(&sandbox, &world, json!({ "allow": allow })).await, [""; 0]);
}
