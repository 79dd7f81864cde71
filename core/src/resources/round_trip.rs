//! Whatever a caller can build arrives as it was built: at the door, and from the server that gives it back.

use std::collections::BTreeMap;
use std::fmt::Debug;

use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use serde_json::{Map, Value};

use super::*;
use crate::json::Json;
use crate::model::{Bare, Mended, Model as Reading, Outgoing, read};

/// Through the door as a host writes it, and back from a server that keeps what goes out.
fn survives<T>(value: &T)
where
    T: Reading + Outgoing + serde::de::DeserializeOwned + PartialEq + Debug,
{
    let written = serde_json::to_string(value).unwrap();
    assert_eq!(&serde_json::from_str::<T>(&written).unwrap(), value, "at the door: {written}");
    let sent = serde_json::to_string(&Bare(value)).unwrap();
    let mut mended = Mended::default();
    assert_eq!(&read::<T>(sent.as_bytes(), &mut mended).unwrap(), value, "from the server: {sent}");
    assert_eq!(mended.into_paths(), Vec::<String>::new(), "{sent}");
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
    leaf.prop_recursive(5, 32, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(any::<String>(), inner, 0..4)
                .prop_map(|members| members.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

/// JSON that is not null by itself: that would be no value at all where a member may be left out.
fn json() -> impl Strategy<Value = Json> {
    tree().prop_filter("null is no value", |value| !value.is_null()).prop_map(Json::from)
}

fn object() -> impl Strategy<Value = crate::JsonObject> {
    btree_map(any::<String>(), tree(), 0..4)
        .prop_map(|members| members.into_iter().collect::<Map<_, _>>().into())
}

fn rule() -> impl Strategy<Value = ScheduleRule> {
    let unit = prop_oneof!["minute|hour|day|week", any::<String>()];
    let days = proptest::array::uniform7(of(any::<bool>()));
    prop_oneof![
        (unit, any::<i64>()).prop_map(|(unit, quantity)| {
            let interval = Interval { unit: Some(unit.as_str().into()), quantity: Some(quantity) };
            ScheduleRule::Interval(IntervalRule { interval: Some(interval) })
        }),
        any::<String>().prop_map(|text| ScheduleRule::Cron(CronRule { expression: Some(text) })),
        vec((days, any::<String>()), 0..3).prop_map(|all| {
            let expressions = all.into_iter().map(|(days, time)| {
                let [monday, tuesday, wednesday, thursday, friday, saturday, sunday] = days;
                let days = VisualDays { monday, tuesday, wednesday, thursday, friday, saturday, sunday };
                VisualExpression { days: Some(days), time: Some(time) }
            });
            ScheduleRule::Visual(VisualRule { expressions: expressions.collect() })
        }),
        any::<(String, String)>().prop_map(|(account, job)| {
            ScheduleRule::Dbt(DbtRule {
                account: Some(DbtAccount { id: Some(account) }),
                job: Some(DbtJob { id: Some(job) }),
            })
        }),
        // A member that only one kind has would make it that kind.
        btree_map("[A-Z][a-z]{0,8}", tree(), 0..3).prop_map(|members| {
            ScheduleRule::Unknown(Json::from(Value::from(members.into_iter().collect::<Map<_, _>>())))
        }),
    ]
}

fn texts() -> impl Strategy<Value = Option<BTreeMap<String, String>>> {
    of(btree_map(any::<String>(), any::<String>(), 0..3))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_schedule_survives(type_ in any::<String>(), rule in of(rule())) {
        survives(&Schedule { type_: Some(type_), schedule: rule });
    }

    #[test]
    fn any_variable_of_a_message_survives(
        name in any::<String>(),
        config in of((of(any::<bool>()), of(any::<i64>()), of(any::<i64>()))),
        variants in vec((any::<String>(), texts(), of(any::<String>()), of(json()), texts()), 0..3),
    ) {
        let config = config.map(|(localization_enabled, max_sends_per_user_window_days, max_sends_per_user)| {
            MessageVariableConfig { localization_enabled, max_sends_per_user_window_days, max_sends_per_user }
        });
        let variants = variants.into_iter().map(|(value, tags, first, filter, locale_values)| MessageVariant {
            value: Some(value),
            tags,
            first_eligible_send_date: first,
            last_eligible_send_date: None,
            user_audience_filter: filter,
            locale_values,
        });
        survives(&MessageVariable { name: Some(name), config, variants: variants.collect() });
    }

    #[test]
    fn any_schema_of_an_event_survives(schema in json(), name in of(any::<String>()), kind in any::<String>(), policy in of(any::<String>())) {
        survives(&EventSchema {
            schema: Some(schema),
            on_undeclared_fields: policy.as_deref().map(FieldPolicy::from),
            on_schema_violation: policy.as_deref().map(EventPolicy::from),
            version: name.clone(),
            slug: None,
            name,
            type_: Some(kind.as_str().into()),
        });
    }

    #[test]
    fn any_recipient_survives(handle in of(any::<String>()), id in of(any::<String>()), properties in of(object())) {
        survives(&CampaignRecipient { handle, id, properties });
    }

    #[test]
    fn any_query_of_an_audience_survives(filter in json(), parent in any::<i64>(), label in of(any::<String>())) {
        let query = VisualQuery {
            secondary_label: label,
            primary_label: None,
            filter: Some(filter),
            parent_id: Some(parent),
        };
        survives(&query);
    }
}
