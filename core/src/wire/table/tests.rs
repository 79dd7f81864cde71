//! Checks which calls are created from the arguments that Python, Node.js and Swift pass.

use std::collections::BTreeSet;

use super::*;
use crate::message::Style;

/// `args` is one flat object, so two values with the same name would overwrite each other.
#[test]
fn no_operation_takes_two_values_of_one_name() {
    for entry in TABLE.iter() {
        let (ids, fields) = (entry.operation.ids, entry.operation.arguments);
        let names = ids.iter().map(|id| id.argument.wire).chain(fields.iter().map(|field| field.wire));
        let mut seen = BTreeSet::from(["next"]);
        for name in names {
            assert!(seen.insert(name), "{:?} takes {name} twice", entry.operation);
        }
    }
}

#[test]
fn every_operation_has_its_own_name_and_its_parameters_in_its_path() {
    let mut ops = BTreeSet::new();
    for operation in TABLE.iter().map(|entry| entry.operation).chain(INNER.iter().copied()) {
        assert!(ops.insert(operation.id), "{operation:?} is there twice");
        let placeholders: Vec<&str> =
            operation.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        let named: Vec<&str> = operation.ids.iter().map(|id| id.at).collect();
        assert_eq!(placeholders, named, "{operation:?}");
    }
}

fn members(args: &Value) -> Members {
    serde_json::from_value(args.clone()).unwrap()
}

/// Visits the operations, and creates the call of the operation `op`. Nothing is sent.
struct Making<'a> {
    op: &'a str,
    args: Members,
    made: Option<Result<Call, Error>>,
}

impl Making<'_> {
    fn by<E: Endpoint>(&mut self, make: impl FnOnce(Members) -> Result<Call, Error>) {
        if E::OPERATION.op == self.op {
            self.made = Some(make(std::mem::take(&mut self.args)));
        }
    }
}

impl Visitor for Making<'_> {
    fn page<E: Endpoint<Answer = Page<T>>, T: Row + Serialize>(&mut self) {
        self.by::<E>(|args| place(E::OPERATION, prepared::<E>, args).map(|(call, _)| call));
    }

    fn value<E: Endpoint<Answer: Send + Serialize>>(&mut self) {
        self.by::<E>(prepared::<E>);
    }

    fn run<E: Endpoint<Answer = S::Started, Fields: Default>, S: RunState>(&mut self) {
        self.by::<E>(prepared::<E>);
    }

    fn lookup<E: Endpoint<Answer = Page<S>, Fields: Default>, S: Listed>(&mut self) {
        self.by::<E>(prepared::<E>);
    }

    fn latest<E: Endpoint<Answer = Page<S>, Fields: Default>, S: Listed>(&mut self) {
        self.by::<E>(prepared::<E>);
    }

    fn inner<E: Endpoint>(&mut self) {}
}

fn call_of(op: &str, args: Members) -> Result<Call, Error> {
    if op == TRIGGER_SYNC.operation.op {
        let (sync, how) = trigger_arguments(args)?;
        return api::trigger_call(&sync, &how);
    }
    let mut making = Making { op, args, made: None };
    api::operations(&mut making);
    making.made.unwrap()
}

/// Returns the query and the body of the call that is created from the arguments.
fn made(op: &str, args: &Value) -> (Vec<(String, String)>, Option<Value>) {
    let call = call_of(op, members(args)).unwrap();
    let query = call.query().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    (query, call.body().map(|body| serde_json::from_str(body).unwrap()))
}

fn refused(op: &str, args: &Value) -> String {
    let error = call_of(op, members(args)).unwrap_err();
    assert_eq!(error.kind(), Kind::InvalidRequest, "{op} {args}");
    let message = error.to_string();
    for foreign in ["arguments.", "u64", "i64", "invalid type", "unknown variant", "unknown field"] {
        assert!(!message.contains(foreign), "{message}");
    }
    message[..1].to_lowercase() + &message[1..]
}

/// Hazard: if a misspelt or ill-typed option were dropped silently, the call would do something that the caller did not
/// mean.
#[test]
fn what_is_misspelt_ill_typed_or_missing_is_an_error_with_its_path() {
    for (op, args, path) in [
        (
            "sources.create",
            json!({"name": "a", "slug": "b", "type": "c"}),
            "the argument `configuration` is missing",
        ),
        (
            "sources.create",
            json!({"name": "a", "slug": "b", "type": "c", "configuration": []}),
            "the argument `configuration`",
        ),
        ("sources.get", json!({}), "the argument `source_id` is missing"),
        ("sources.get", json!({"sourceId": "7"}), "the argument `source_id`"),
        ("sources.get", json!({"sourceId": 7.5}), "the argument `source_id`"),
        ("sources.get", json!({"sourceId": 7, "name": "x"}), "unknown argument `name`"),
        ("sources.list", json!({"orderBy": "created_at"}), "the argument `order_by`"),
        ("identity_graphs.runs", json!({"graphId": "g", "orderBy": "createdAt"}), "the argument `order_by`"),
        ("identity_graphs.runs", json!({"graphId": 7}), "the argument `graph_id`"),
        (
            "models.create",
            json!({"name": "a", "slug": "b", "queryType": "raw_sql", "sourceId": 1, "isSchema": false}),
            "`primary_key` is missing",
        ),
        (
            "models.update",
            json!({"modelId": 1, "raw": {"sql": "x", "sqll": "y"}}),
            "unknown member `sqll` of the argument `raw`; did you mean `sql`?",
        ),
        (
            "models.update",
            json!({"modelId": 1, "visual": {"filter": {}}}),
            "the argument `visual.parent_id` is missing",
        ),
        (
            "models.update",
            json!({"modelId": 1, "dbt": {"modelId": 3, "sql": "x"}}),
            "unknown member `sql` of the argument `dbt`",
        ),
        (
            "syncs.update",
            json!({"sync": 1, "schedule": {"type": "x", "schedule": {"kind": "lunar"}}}),
            "the argument `schedule.schedule.kind` must be one of `interval`, ",
        ),
        (
            "syncs.update",
            json!({"sync": 1, "schedule": {"type": "x", "schedule": {"kind": "interval", "interval": {"unit": "day"}}}}),
            "the argument `schedule.schedule.interval.quantity` is missing",
        ),
        (
            "syncs.update",
            json!({"sync": 1, "schedule": {"schedule": {"kind": "cron", "expression": "* * * * *"}}}),
            "the argument `schedule.type` is missing",
        ),
        ("syncs.trigger", json!({"sync": 1, "fullResync": "false"}), "the argument `full_resync`"),
        ("syncs.runs", json!({"sync": 1, "runId": "9001"}), "the argument `run_id`"),
        ("syncs.runs", json!({"sync": 1, "after": "yesterday"}), "the argument `after`"),
        ("decision_engine.get_message", json!({"flowId": "f"}), "the argument `message_id` is missing"),
        (
            "decision_engine.update_message",
            json!({"flowId": "f", "messageId": "m", "variables": [{"name": "n", "variants": [{"val": "x"}]}]}),
            "unknown member `val` of the argument `variables[0].variants[0]`; did you mean `value`?",
        ),
        (
            "identity_graphs.queue_for_reprocessing",
            json!({"graphId": "g"}),
            "the argument `identifiers` is missing",
        ),
        (
            "event_domains.update",
            json!({"domainId": "d", "components": [{"schema": {}}]}),
            "the argument `components[0].name` is missing",
        ),
    ] {
        let message = refused(op, &args);
        assert!(
            message.contains(path) && message.ends_with("Nothing was sent."),
            "{op}: {path:?} is not in {message}"
        );
    }
}

/// Hazard: absent and null differ in a PATCH. Null has a meaning only for a schedule and a primary key.
#[test]
fn null_clears_a_schedule_and_a_primary_key_and_is_an_error_elsewhere() {
    assert_eq!(
        made("syncs.update", &json!({"sync": 1, "schedule": null})).1,
        Some(json!({"schedule": null}))
    );
    assert_eq!(
        made("models.update", &json!({"modelId": 1, "primaryKey": null})).1,
        Some(json!({"primaryKey": null}))
    );
    for (op, args, path) in [
        ("syncs.update", json!({"sync": 1, "disabled": null}), "the argument `disabled`"),
        ("syncs.update", json!({"sync": 1, "configuration": null}), "the argument `configuration`"),
        ("models.update", json!({"modelId": 1, "name": null}), "the argument `name`"),
        ("models.update", json!({"modelId": 1, "table": null}), "the argument `table`"),
        ("sources.update", json!({"sourceId": 1, "configuration": null}), "the argument `configuration`"),
        ("destinations.update", json!({"destinationId": 1, "name": null}), "the argument `name`"),
        (
            "event_contracts.update",
            json!({"contractId": "c", "description": null}),
            "the argument `description`",
        ),
        ("event_domains.update", json!({"domainId": "d", "events": null}), "the argument `events`"),
        (
            "decision_engine.update_message",
            json!({"flowId": "f", "messageId": "m", "guardrails": null}),
            "the argument `guardrails`",
        ),
        ("sources.list", json!({"name": null}), "the argument `name`"),
    ] {
        let message = refused(op, &args);
        assert!(message.contains(path), "{op}: {path} is not in {message}");
    }
}

/// Hazard: creating a sync requires `schedule` and `disabled`, so both are sent even if the caller leaves them out.
#[test]
fn a_new_sync_says_that_it_has_no_schedule_and_is_not_disabled() {
    let args = json!({"slug": "a", "configuration": {}, "destinationId": 1, "modelId": 2});
    let wanted = json!({"slug": "a", "configuration": {}, "destinationId": 1, "modelId": 2, "schedule": null, "disabled": false});
    assert_eq!(made("syncs.create", &args).1, Some(wanted));
}

/// Hazard: Hightouch's document declares the strings "false" and "true" as defaults of these flags. The SDK must not
/// rely on these defaults, because the flags are destructive.
#[test]
fn every_destructive_flag_is_sent_as_false_unless_asked_for() {
    for (op, args, flags) in [
        (
            "syncs.trigger",
            json!({"sync": 1}),
            json!({"fullResync": false, "resetCDC": false, "clearAndFill": false}),
        ),
        ("identity_graphs.trigger", json!({"graphId": "g"}), json!({"fullRerun": false})),
        ("identity_graphs.trigger_legacy", json!({"graphId": "g"}), json!({"fullRerun": false})),
        (
            "identity_graphs.queue_for_reprocessing",
            json!({"graphId": "g", "identifiers": []}),
            json!({"identifiers": [], "block": false}),
        ),
        (
            "campaigns.trigger",
            json!({"campaignId": "c", "recipients": []}),
            json!({"recipients": [], "draft": false}),
        ),
    ] {
        assert_eq!(made(op, &args).1, Some(flags), "{op}");
    }
}

/// Hazard: a schedule has no discriminator in the API. The tag `kind` exists only in the SDK and must not be sent.
#[test]
fn schedules_of_every_kind_go_out_without_the_tag() {
    for (kind, rule) in [
        ("interval", json!({"interval": {"unit": "fortnight", "quantity": 2}})),
        ("cron", json!({"expression": "0 * * * *"})),
        ("visual", json!({"expressions": [{"days": {"monday": true}, "time": "10:00"}]})),
        ("dbt", json!({"account": {"id": "5"}, "job": {"id": "9"}})),
    ] {
        let mut tagged = rule.clone();
        tagged["kind"] = kind.into();
        for given in [&tagged, &rule] {
            let args = json!({"sync": 1, "schedule": {"type": kind, "schedule": given}});
            let wanted = json!({"schedule": {"type": kind, "schedule": rule}});
            assert_eq!(made("syncs.update", &args).1, Some(wanted), "{kind}");
        }
    }
    let unknown = json!({"kind": "unknown", "raw": {"moonPhase": "full", "kind": "mine"}});
    let (_, body) = made("syncs.update", &json!({"sync": 1, "schedule": {"type": "x", "schedule": unknown}}));
    assert_eq!(body.unwrap()["schedule"]["schedule"], json!({"moonPhase": "full", "kind": "mine"}));
    let (_, body) = made("syncs.update", &json!({"sync": 1, "schedule": {"type": "match_booster"}}));
    assert_eq!(body, Some(json!({"schedule": {"type": "match_booster"}})));
}

#[test]
fn opaque_json_goes_out_to_the_letter() {
    let text =
        r#"{"sourceId":1,"configuration":{ "big": 123456789012345678901234567890, "f": 1.50, "e": 1e400 }}"#;
    let args: Members = serde_json::from_str(text).unwrap();
    let call = call_of("sources.update", args).unwrap();
    let wanted = r#"{"configuration":{ "big": 123456789012345678901234567890, "f": 1.50, "e": 1e400 }}"#;
    assert_eq!(call.body(), Some(wanted));
}

/// Hazard: without an explicit order, the pages of a list could overlap or leave out rows.
#[test]
fn filters_are_query_parameters_and_an_order_is_always_asked_for_where_there_is_one() {
    let pairs = |given: &[(&str, &str)]| -> Vec<(String, String)> {
        given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let (query, body) = made("models.list", &json!({"tags": ["a:1", "b:2"], "name": "x y"}));
    assert_eq!(
        (query, body),
        (pairs(&[("name", "x y"), ("tags", "a:1"), ("tags", "b:2"), ("orderBy", "id")]), None)
    );
    assert_eq!(made("models.list", &json!({"orderBy": "slug"})).0, pairs(&[("orderBy", "slug")]));
    assert_eq!(made("identity_graphs.runs", &json!({"graphId": "g"})).0, pairs(&[("orderBy", "created_at")]));
    assert_eq!(made("decision_engine.list_messages", &json!({"flowId": "f"})).0, pairs(&[]));
    let create = json!({"name": "a", "slug": "b", "queryType": "raw_sql", "sourceId": 1, "isSchema": false, "primaryKey": null, "raw": {"sql": "select 1"}, "skipColumnQuery": true});
    let (query, body) = made("models.create", &create);
    assert_eq!(query, pairs(&[("skipColumnQuery", "true")]));
    let body = body.unwrap();
    assert_eq!((&body["primaryKey"], body.get("skipColumnQuery")), (&Value::Null, None));
}

/// Hazard: an id is a segment of the path. With an id made of dots, the request would call another operation.
#[test]
fn ids_stay_in_their_segment_of_the_path() {
    let url = |id: &str| {
        let args = json!({"contractId": id});
        let call = call_of("event_contracts.get", members(&args)).unwrap();
        call.url(&"https://example.com/api/v1".parse().unwrap()).to_string()
    };
    assert_eq!(
        url("a/../b c?d#e%2f"),
        "https://example.com/api/v1/events/contracts/a%2F..%2Fb%20c%3Fd%23e%252f"
    );
    assert_eq!(url("{domainId}"), "https://example.com/api/v1/events/contracts/%7BdomainId%7D");
    for id in ["", ".", ".."] {
        assert!(
            refused("event_contracts.get", &json!({"contractId": id}))
                .contains("`contract_id` cannot be empty"),
            "{id:?}"
        );
    }
}

#[test]
fn errors_name_what_the_path_names() {
    let call = |op: &str, args: &Value| call_of(op, members(args)).unwrap();
    let message = call("decision_engine.get_message", &json!({"flowId": "f", "messageId": "m"}));
    assert_eq!(message.subject().resource.as_deref(), Some("message m of flow f"));
    assert_eq!(
        call("syncs.get", &json!({"sync": "orders"})).subject().resource.as_deref(),
        Some("sync \"orders\"")
    );
    assert_eq!(call("models.delete", &json!({"modelId": 7})).subject().resource.as_deref(), Some("model 7"));
    assert_eq!(call("sources.list", &json!({})).subject().resource.as_deref(), None);
}

#[test]
fn errors_begin_with_the_call_as_it_was_written() {
    let call = |op: &str, args: &Value| call_of(op, members(args)).unwrap();
    for (op, args, written) in [
        (
            "decision_engine.get_message",
            json!({"flowId": "f", "messageId": "m"}),
            "decision_engine.get_message(\"f\", \"m\")",
        ),
        ("syncs.get", json!({"sync": "orders"}), "syncs.get(\"orders\")"),
        ("syncs.trigger", json!({"sync": "orders"}), "syncs.trigger(\"orders\")"),
        ("syncs.trigger", json!({"sync": 7}), "syncs.trigger(7)"),
        ("sources.list", json!({}), "sources.list()"),
    ] {
        let subject = call(op, &args).subject().clone();
        assert_eq!(subject.written().in_style(Style::Rust), written);
        assert_eq!(subject.method, op);
    }
}

/// Hosts take the names of arguments from the catalogue. Error messages derive the names of arguments from the names in
/// the API. The catalogue and the messages must use the same names.
#[test]
fn messages_name_arguments_and_members_as_the_catalogue_does() {
    let catalogue: Value = serde_json::from_str(&crate::wire::catalogue()).unwrap();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut given = [list(&catalogue["settings"]), list(&catalogue["options"])].concat();
    given.extend(list(&catalogue["operations"]).iter().flat_map(|operation| list(&operation["args"])));
    let sent = |of: &&Value| of["sent"] == true;
    given.extend(list(&catalogue["types"]).iter().filter(sent).flat_map(|of| list(&of["fields"])));
    for one in &given {
        let (name, wire) = (one["name"].as_str().unwrap(), one["wire"].as_str().unwrap());
        assert_eq!(Style::Python.name(wire), name.strip_suffix("_ms").unwrap_or(name));
    }
    assert!(given.len() > 200, "{}", given.len());
}
