//! Tests of the feature `tracing`: the spans that calls create, as a subscriber of `tracing` sees them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};

use hightouch_sdk::resources::TriggerSync;
use hightouch_sdk::{Kind, RunMany, WaitMany};
use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Dispatch, Event, Instrument as _, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

use crate::support::sandbox::sandbox;

type Fields = BTreeMap<String, String>;

/// A span as the subscriber saw it: its fields, the name of its parent, the fields of its events, and whether it was
/// closed.
#[derive(Clone, Debug, Default)]
struct Seen {
    fields: Fields,
    parent: Option<String>,
    events: Vec<Fields>,
    closed: bool,
}

#[derive(Clone, Default)]
struct Collect(Arc<Mutex<BTreeMap<u64, Seen>>>);

struct Into<'a>(&'a mut Fields);

impl Visit for Into<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Collect {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if attributes.metadata().target().starts_with("hightouch_sdk") {
            let mut all = self.0.lock().unwrap();
            let seen = all.entry(id.into_u64()).or_default();
            attributes.record(&mut Into(&mut seen.fields));
            let parent = context.span(id).and_then(|span| span.parent());
            seen.parent = parent.map(|parent| parent.name().to_owned());
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        if let Some(seen) = self.0.lock().unwrap().get_mut(&id.into_u64()) {
            values.record(&mut Into(&mut seen.fields));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let Some(span) = context.event_span(event) else { return };
        if let Some(seen) = self.0.lock().unwrap().get_mut(&span.id().into_u64())
            && event.metadata().target().starts_with("hightouch_sdk")
        {
            let mut fields = Fields::new();
            event.record(&mut Into(&mut fields));
            seen.events.push(fields);
        }
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        if let Some(seen) = self.0.lock().unwrap().get_mut(&id.into_u64()) {
            seen.closed = true;
        }
    }
}

impl Collect {
    /// Returns all spans. Panics if a span has not ended.
    fn spans(&self) -> Vec<Seen> {
        let all = self.0.lock().unwrap();
        let spans: Vec<Seen> = all.values().cloned().collect();
        assert!(spans.iter().all(|span| span.closed), "{spans:?}");
        spans
    }
}

/// Collects the spans of this thread until the guard is dropped.
fn collected() -> (Collect, DefaultGuard) {
    /// As long as there is only one dispatcher, tracing asks only the current thread whether it wants a span or an
    /// event, and remembers the answer for all threads. So a thread without a subscriber could turn them off.
    static KEPT: OnceLock<[Dispatch; 2]> = OnceLock::new();
    KEPT.get_or_init(|| std::array::from_fn(|_| Dispatch::new(tracing_subscriber::registry())));
    let collect = Collect::default();
    let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(collect.clone()));
    (collect, guard)
}

fn named<'a>(spans: &'a [Seen], operation_id: &str) -> &'a Seen {
    let found: Vec<&Seen> = spans.iter().filter(|span| span.fields["operation_id"] == operation_id).collect();
    assert_eq!(found.len(), 1, "{operation_id}: {spans:?}");
    found[0]
}

fn text<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.get(name).map_or("", String::as_str)
}

#[tokio::test]
async fn a_request_is_a_span_with_its_attempts_and_events() {
    let script = json!([{"when": {"nth": 1}, "answer": {"status": 503}}]);
    // Time passes as in reality, because a long wait for the limit would be an event of its own.
    let world = sandbox().world(&json!({"timeScale": 1, "script": script}));
    let (collect, guard) = collected();
    let (_, meta) = world.client().syncs().get(1).with_meta().await.unwrap();
    drop(guard);
    let spans = collect.spans();
    let span = named(&spans, "GetSync");
    for (name, value) in [
        ("otel.name", "syncs.get"),
        ("otel.kind", "client"),
        ("operation", "syncs.get"),
        ("resource", "sync 1"),
        ("sync", "1"),
        ("call_id", &meta.call_id),
        ("request_id", &meta.request_id),
        ("http.request.method", "GET"),
        ("url.template", "/syncs/{syncId}"),
        ("server.address", "127.0.0.1"),
        ("http.response.status_code", "200"),
        ("http.request.resend_count", "1"),
        ("error.type", ""),
    ] {
        assert_eq!(text(&span.fields, name), value, "{name}");
    }
    let told: Vec<(&str, &str, &str)> = span
        .events
        .iter()
        .map(|event| (text(event, "message"), text(event, "event"), text(event, "http.response.status_code")))
        .collect();
    assert_eq!((told[0], told[2]), (("attempt", "", "503"), ("attempt", "", "200")));
    assert_eq!((told[1].1, told.len()), ("retry", 3));
    world.delete();
}

#[tokio::test]
async fn an_error_is_recorded_and_the_requests_of_one_call_share_its_id() {
    let world = sandbox().world(&json!({"slugs": ["orders"]}));
    let client = world.client();
    let inside = Arc::new(Mutex::new(Vec::new()));
    let hook = Arc::clone(&inside);
    // A hook runs inside the span, so that it can send the span's context along.
    client
        .on_start(move |_| hook.lock().unwrap().push(tracing::Span::current().id().map(|id| id.into_u64())));
    let (collect, guard) = collected();
    client.syncs().trigger("orders", &TriggerSync::default()).await.unwrap();
    let error = client.syncs().get(999).await.unwrap_err();
    drop(guard);
    assert_eq!(error.kind(), Kind::NotFound);
    let spans = collect.spans();
    assert_eq!(spans.len(), 3);
    let (look_up, trigger) = (named(&spans, "ListSync"), named(&spans, "TriggerRunCustom"));
    assert_eq!(look_up.fields["call_id"], trigger.fields["call_id"]);
    assert_ne!(look_up.fields["request_id"], trigger.fields["request_id"]);
    let failed = &named(&spans, "GetSync").fields;
    assert_eq!((text(failed, "error.type"), text(failed, "otel.status_code")), ("not_found", "ERROR"));
    assert_eq!(text(failed, "http.response.status_code"), "404");
    let ids: Vec<u64> = collect.0.lock().unwrap().keys().copied().collect();
    assert!(inside.lock().unwrap().iter().all(|id| id.is_some_and(|id| ids.contains(&id))));
    world.delete();
}

#[tokio::test]
async fn the_spans_of_a_batch_are_children_of_the_span_in_which_it_was_started() {
    let world =
        sandbox().world(&json!({"syncs": 2, "pastRuns": 0, "timeScale": 50.0, "runs": {"seconds": 1}}));
    let client = world.client();
    let (collect, guard) = collected();
    let batch = async { client.syncs().run_many([1, 2], &RunMany::new()).await.unwrap() };
    let batch = batch.instrument(tracing::info_span!("nightly")).await;
    batch.wait(&WaitMany::new()).await.unwrap();
    drop(guard);
    let spans = collect.spans();
    assert!(spans.len() >= 4, "{spans:?}");
    assert!(spans.iter().all(|span| span.parent.as_deref() == Some("nightly")), "{spans:?}");
    world.delete();
}
