//! Generates values that conform to a schema of Hightouch's OpenAPI document.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

pub(crate) struct Document(Value);

impl Document {
    pub(crate) fn read() -> Self {
        Self(serde_json::from_str(include_str!("../../../tests/sandbox/openapi.json")).unwrap())
    }

    fn each(&self) -> impl Iterator<Item = &Value> {
        let paths = self.0["paths"].as_object().unwrap();
        paths.values().flat_map(|methods| methods.as_object().unwrap().values())
    }

    pub(crate) fn operations(&self) -> impl Iterator<Item = Value> {
        self.each().map(|operation| operation["operationId"].clone())
    }

    fn good(&self, id: &str) -> Option<&Value> {
        self.each()
            .find(|operation| operation["operationId"] == id)
            .map(|operation| &operation["responses"]["200"]["content"]["application/json"]["schema"])
    }

    /// Returns the schema of the value that an operation returns; `None` if the document does not have the operation.
    /// In a union, the first member is the value, and the other members are errors.
    pub(crate) fn answer(&self, id: &str) -> Option<Value> {
        let schema = self.good(id)?;
        Some(schema["anyOf"].as_array().map_or(schema, |members| &members[0]).clone())
    }

    /// Whether the document declares that an operation may answer 200 with an error of this shape.
    pub(crate) fn declares(&self, id: &str, shape: &str) -> bool {
        let wanted = format!("#/components/schemas/{shape}");
        let members = self.good(id).and_then(|schema| schema["anyOf"].as_array());
        members.into_iter().flatten().any(|member| member.to_string().contains(&wanted))
    }

    fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            None => schema,
            Some(to) => self.resolved(&self.0["components"]["schemas"][to.rsplit('/').next().unwrap()]),
        }
    }
}

/// Generates answers of an operation. The document allows any number or text as an id, but the SDK cannot use every id
/// in a request. So numeric ids are whole numbers here, `syncs.trigger` returns a whole number as text, and the ids of
/// all other started runs are not empty.
pub(crate) fn answer(document: &Document, schema: &Value, op: &str) -> BoxedStrategy<Value> {
    if op == "syncs.trigger" {
        return (1_u32..).prop_map(|id| json!({"id": id.to_string()})).boxed();
    }
    let answers = fitting(document, schema, "");
    if op.contains(".trigger") && op != "campaigns.trigger" {
        return answers.prop_filter("a run has an id", |answer| answer["id"] != "").boxed();
    }
    answers
}

fn fitting(document: &Document, schema: &Value, name: &str) -> BoxedStrategy<Value> {
    let schema = document.resolved(schema);
    let value = if let Some(values) = schema["enum"].as_array() {
        proptest::sample::select(values.clone()).boxed()
    } else if let Some(members) = schema["anyOf"].as_array() {
        let members: Vec<_> = members.iter().map(|member| fitting(document, member, name)).collect();
        proptest::strategy::Union::new(members).boxed()
    } else {
        match schema["type"].as_str() {
            Some("string") => text(schema["format"].as_str()),
            Some("number") => number(name),
            Some("boolean") => any::<bool>().prop_map(Value::from).boxed(),
            Some("array") => {
                vec(fitting(document, &schema["items"], name), 0..4).prop_map(Value::from).boxed()
            }
            Some("object") => object(document, schema),
            _ => anything(),
        }
    };
    if schema["nullable"] == true { prop_oneof![1 => Just(Value::Null), 3 => value].boxed() } else { value }
}

fn object(document: &Document, schema: &Value) -> BoxedStrategy<Value> {
    let required = |name: &str| {
        schema["required"].as_array().is_some_and(|required| required.iter().any(|known| known == name))
    };
    let mut members = Vec::new();
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        let name = name.clone();
        let value = fitting(document, member, &name);
        members.push(if required(&name) {
            value.prop_map(move |value| Some((name.clone(), value))).boxed()
        } else {
            option::of(value).prop_map(move |value| value.map(|value| (name.clone(), value))).boxed()
        });
    }
    let open = match &schema["additionalProperties"] {
        Value::Object(of) if of.is_empty() => anything(),
        of @ Value::Object(_) => fitting(document, of, ""),
        Value::Bool(true) => anything(),
        _ => {
            return members
                .prop_map(|members| members.into_iter().flatten().collect::<Map<_, _>>().into())
                .boxed();
        }
    };
    (members, btree_map(any::<String>(), open, 0..3))
        .prop_map(|(members, more)| {
            more.into_iter().chain(members.into_iter().flatten()).collect::<Map<_, _>>().into()
        })
        .boxed()
}

fn number(name: &str) -> BoxedStrategy<Value> {
    if name == "id" || name.ends_with("Id") {
        return (0_i64..1 << 53).prop_map(Value::from).boxed();
    }
    prop_oneof![
        any::<i32>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no infinities", |value| value.is_finite()).prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
    ]
    .boxed()
}

fn text(format: Option<&str>) -> BoxedStrategy<Value> {
    match format {
        Some("date-time") => (
            0_u32..10_000,
            1_u32..13,
            1_u32..29,
            0_u32..24,
            0_u32..60,
            0_u32..1000,
            "(Z|[+-](0[0-9]|1[0-4]):[03]0)",
        )
            .prop_map(|(year, month, day, hour, minute, milli, zone)| {
                format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:59.{milli:03}{zone}").into()
            })
            .boxed(),
        _ => any::<String>().prop_map(Value::from).boxed(),
    }
}

fn anything() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no infinities", |value| value.is_finite()).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(any::<String>(), inner, 0..4)
                .prop_map(|members| members.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
    .boxed()
}
