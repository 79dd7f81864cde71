//! Tests that requests send values unchanged: values from an answer, and values that a caller builds.
//!
//! The values are generated from the catalogue, so a new type or member is covered as soon as it is declared. A new
//! resource needs one line in `resources!` below.

use std::fmt::Debug;
use std::path::Path;
use std::sync::LazyLock;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::model::strict::{self, Given};
use crate::model::{Bare, Mended, Outgoing, Readable, read};
use crate::operation::Fields;

/// The members that may hold any opaque JSON. All other opaque members hold an object.
const ANY_JSON: [&str; 4] = ["filter", "query", "schema", "userAudienceFilter"];
/// Opaque members that are sent as null if they are absent.
const NULLED: [&str; 2] = ["filter", "query"];

static CATALOGUE: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(&crate::wire::catalogue()).unwrap());

fn type_named(name: &str) -> &'static Value {
    list(&CATALOGUE, "types").iter().find(|of| of["name"] == name).unwrap_or_else(|| panic!("no type {name}"))
}

fn list<'a>(of: &'a Value, name: &str) -> &'a [Value] {
    of[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text<'a>(of: &'a Value, name: &str) -> &'a str {
    of[name].as_str().unwrap_or_default()
}

fn tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no infinities", |number| number.is_finite()).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(any::<String>(), inner, 0..4)
                .prop_map(|members| members.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

/// Generates an object with members that no type of the API has.
fn strange() -> BoxedStrategy<Value> {
    btree_map("[A-Z]{1,5}", tree(), 1..3)
        .prop_map(|members| members.into_iter().collect::<Map<_, _>>().into())
        .boxed()
}

/// Generates a value of a type, in the JSON that crosses the door between the core and a host.
fn value(of: &Value, wire: &str) -> BoxedStrategy<Value> {
    if let Some(name) = of["ref"].as_str() {
        return named(type_named(name));
    }
    if let Some(inner) = of.get("list") {
        return vec(value(inner, wire), 0..3).prop_map(Value::from).boxed();
    }
    if of.get("map").is_some() {
        return btree_map(any::<String>(), any::<String>(), 0..3).prop_map(|map| json!(map)).boxed();
    }
    match of.as_str().unwrap() {
        "int" => any::<i64>().prop_map(Value::from).boxed(),
        "float" => any::<i32>().prop_map(|number| json!(f64::from(number))).boxed(),
        "bool" => any::<bool>().prop_map(Value::from).boxed(),
        "string" => any::<String>().prop_map(Value::from).boxed(),
        "timestamp" => Just(json!("2026-01-31T08:00:00.123Z")).boxed(),
        "json" if ANY_JSON.contains(&wire) => {
            tree().prop_filter("null is no value", |value| !value.is_null()).boxed()
        }
        "json" => strange(),
        other => panic!("no values of the type {other}"),
    }
}

fn named(of: &Value) -> BoxedStrategy<Value> {
    match text(of, "shape") {
        "enum" => {
            let known: Vec<Value> = list(of, "values").iter().map(|value| value["wire"].clone()).collect();
            proptest::sample::select(known).boxed()
        }
        "union" => {
            let variants: Vec<BoxedStrategy<Value>> = list(of, "variants").iter().map(variant).collect();
            proptest::strategy::Union::new(variants).boxed()
        }
        _ => list(of, "fields").iter().fold(Just(json!({})).boxed(), |object, field| {
            let (wire, is_needed) = (text(field, "wire").to_owned(), field["needed"] == true);
            let may_lack = field["presence"] == "optional" && (!is_needed || NULLED.contains(&wire.as_str()));
            (object, value(&field["type"], &wire), any::<bool>())
                .prop_map(move |(mut object, value, there)| {
                    if there || !may_lack {
                        object[wire.as_str()] = value;
                    }
                    object
                })
                .boxed()
        }),
    }
}

fn variant(of: &Value) -> BoxedStrategy<Value> {
    let tag = of["tag"].clone();
    let Some(name) = of["type"].as_str() else {
        return strange().prop_map(move |raw| json!({ "kind": tag, "raw": raw })).boxed();
    };
    named(type_named(name))
        .prop_map(move |mut object| {
            object["kind"] = tag.clone();
            object
        })
        .boxed()
}

/// Converts a value from the JSON that crosses the door between the core and a host to the server's JSON. With `nulls`,
/// absent members become null. With `sent`, returns the JSON of a request: read-only members are left out, and some
/// absent members become null.
fn at_server(of: &Value, door: &Value, nulls: bool, sent: bool) -> Value {
    if let Some(name) = of["ref"].as_str() {
        return at_server(type_named(name), door, nulls, sent);
    }
    if let (Some(inner), Some(items)) = (of.get("list"), door.as_array()) {
        return items.iter().map(|item| at_server(inner, item, nulls, sent)).collect();
    }
    match text(of, "shape") {
        "union" => {
            let variant = list(of, "variants").iter().find(|variant| variant["tag"] == door["kind"]).unwrap();
            match variant["type"].as_str() {
                Some(name) => at_server(type_named(name), door, nulls, sent),
                None => door["raw"].clone(),
            }
        }
        "object" => {
            let mut object = door["otherMembers"].as_object().cloned().unwrap_or_default();
            for field in list(of, "fields") {
                let wire = text(field, "wire");
                if wire == "otherMembers" || sent && field["readOnly"] == true {
                    continue;
                }
                if let Some(value) = door.get(wire) {
                    object.insert(wire.to_owned(), at_server(&field["type"], value, nulls, sent));
                } else if nulls || sent && NULLED.contains(&wire) && field["needed"] == true {
                    object.insert(wire.to_owned(), Value::Null);
                }
            }
            object.into()
        }
        _ => door.clone(),
    }
}

fn through_text(value: &impl serde::Serialize) -> Value {
    serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
}

/// Reads a value from a host's JSON. Checks what a request sends for the value, and that the value is the same when
/// read from the server's JSON.
fn survives<T>(of: &Value, door: &Value)
where
    T: Readable + serde::Serialize + Outgoing + serde::de::DeserializeOwned + PartialEq + Debug,
{
    let built: T = serde_json::from_str(&door.to_string()).unwrap();
    assert_eq!(through_text(&built), through_text(door), "at the door");
    assert_eq!(through_text(&Bare(&built)), through_text(&at_server(of, door, false, true)), "sent");
    let mut mended = Mended::default();
    let back = read::<T>(at_server(of, door, true, false).to_string().as_bytes(), &mut mended).unwrap();
    assert_eq!(back, built, "from the server");
    assert_eq!(mended.into_paths(), Vec::<String>::new());
}

/// Reads a value from the server's JSON and passes its members to a request. The request must send each accepted member
/// as the server wrote it. Returns `None` if the value lacks a member that the request requires.
fn writes_back<R: Readable + serde::Serialize, F: Fields>(of: &Value, server: &Value) -> Option<()> {
    let canonical = through_text(&read::<R>(server.to_string().as_bytes(), &mut Mended::default()).unwrap());
    let (mut args, mut expected) = (Map::new(), Map::new());
    for argument in F::ARGUMENTS.iter().filter(|argument| argument.place == "body") {
        let field = list(of, "fields").iter().find(|field| field["wire"] == argument.wire);
        match (field, canonical.get(argument.wire)) {
            (Some(field), Some(value)) => {
                args.insert(argument.wire.to_owned(), value.clone());
                let sent = at_server(&field["type"], value, false, true);
                expected.insert(argument.wire.to_owned(), sent);
            }
            _ if argument.nullable && argument.required => {
                args.insert(argument.wire.to_owned(), Value::Null);
            }
            _ if argument.required => return None,
            _ => {}
        }
    }
    let fields: F = strict::read(Given::Arguments, &Value::from(args).to_string()).unwrap();
    let body: Value =
        fields.place().body.map(|body| serde_json::from_str(body.get()).unwrap()).unwrap_or_default();
    for (name, value) in expected {
        assert_eq!(body[&name], through_text(&value), "{name} of {server}");
    }
    Some(())
}

/// The name of a resource's type, and a check of the requests that create and change the resource. The check panics if
/// such a request alters a value of the type. The check returns whether the value has all members for a create request.
struct Resource {
    of: &'static str,
    writes_back: fn(&Value, &Value) -> bool,
}

macro_rules! resources {
    ($($of:ident => $create:ident, $update:ident;)*) => {
        const RESOURCES: &[Resource] = &[$(Resource {
            of: stringify!($of),
            writes_back: |of, server| {
                writes_back::<$of, $update>(of, server);
                writes_back::<$of, $create>(of, server).is_some()
            },
        }),*];
    };
}

resources! {
    Source => SourceCreate, SourceUpdate;
    Destination => DestinationCreate, DestinationUpdate;
    Model => ModelCreate, ModelUpdate;
    Sync => SyncCreate, SyncUpdate;
    EventContract => EventContractCreate, EventContractUpdate;
    EventDomain => EventDomainCreate, EventDomainUpdate;
    DecisionEngineMessage => DecisionEngineMessageCreate, DecisionEngineMessageUpdate;
}

fn runner() -> proptest::test_runner::TestRunner {
    let config = ProptestConfig {
        cases: 24,
        max_shrink_iters: 20,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest::test_runner::TestRunner::new(config)
}

macro_rules! survive {
    ($($of:ident)*) => {
        #[test]
        fn every_value_that_a_caller_can_build_survives() {
            $({
                let of = type_named(stringify!($of));
                runner().run(&named(of), |door| { survives::<$of>(of, &door); Ok(()) }).unwrap();
            })*
        }
    };
}

survive! {
    Schedule MessageVariable MessageGuardrails EventSchema EventDomainComponent CampaignRecipient Identifier VisualQuery
    CustomQuery TableQuery RawQuery
}

/// In some test values, absent members are left out; in other test values, they are null. Unknown members, such as the
/// time zone of a schedule, must be sent back.
#[test]
fn everything_that_a_get_returns_can_be_written_back_with_its_unknown_members() {
    for resource in RESOURCES {
        let of = type_named(resource.of);
        runner()
            .run(&(named(of), any::<bool>()), |(door, nulls)| {
                (resource.writes_back)(of, &at_server(of, &door, nulls, false));
                Ok(())
            })
            .unwrap();
    }
}

#[test]
fn every_recorded_answer_can_be_written_back() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures");
    let load = |file: &str| -> Value {
        serde_json::from_str(&std::fs::read_to_string(folder.join(file)).unwrap()).unwrap()
    };
    let (mut rows, mut created) = (0, 0);
    for entry in load("index.json").as_array().unwrap() {
        let operation = text(entry, "operation");
        let noun = ["Get", "List", "Create", "Update"].iter().find_map(|verb| operation.strip_prefix(verb));
        let Some(noun) = noun.map(|noun| noun.trim_end_matches('s').replace("Contract", "EventContract"))
        else {
            continue;
        };
        let Some(resource) = RESOURCES.iter().find(|resource| resource.of == noun) else { continue };
        if entry["expect"].get("error").is_some() || text(entry, "file").contains("datahub_ListSync") {
            continue;
        }
        let answer = load(text(entry, "file"));
        let found = answer["data"].as_array().cloned().unwrap_or_else(|| vec![answer.clone()]);
        for row in found {
            created += usize::from((resource.writes_back)(type_named(resource.of), &row));
            rows += 1;
        }
    }
    assert!(rows >= 40 && created >= 30, "{rows} rows, {created} of them as new ones");
}

/// Hightouch's OpenAPI document does not name these members of a schedule, but the API has accepted them.
#[test]
fn a_schedule_is_sent_back_with_its_time_zone_and_its_start() {
    let server = json!({ "id": 1, "slug": "a", "schedule": {
        "type": "visual", "timezone": "Europe/Berlin", "startAt": null,
        "schedule": { "expressions": [{ "days": { "monday": true }, "time": "10:00", "zone": "UTC" }] },
    } });
    writes_back::<Sync, SyncUpdate>(type_named("Sync"), &server);
    let sync: Sync = read(server.to_string().as_bytes(), &mut Mended::default()).unwrap();
    assert_eq!(through_text(&Bare(&sync.schedule.unwrap())), server["schedule"]);
}

#[test]
fn an_audience_without_conditions_is_sent_back_with_null_for_them() {
    let server = json!({ "filter": null, "parentId": 3 });
    let visual: VisualQuery = read(server.to_string().as_bytes(), &mut Mended::default()).unwrap();
    let host: VisualQuery = serde_json::from_str(&serde_json::to_string(&visual).unwrap()).unwrap();
    assert_eq!(through_text(&Bare(&host)), server);
}
