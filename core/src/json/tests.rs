use std::fmt::Write as _;

use proptest::prelude::*;

use super::diff::are_equal;
use super::*;

fn json(text: &str) -> Json {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Generates white space: usually none, sometimes a space or a line feed.
fn blank() -> impl Strategy<Value = &'static str> {
    prop_oneof![6 => Just(""), 1 => Just(" "), 1 => Just("\n  ")]
}

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&[r#""a""#, r#""b""#, r#""\u0061""#, r#""a.b/c""#, r#""""#, r#""é""#, r#""\n""#][..])
}

fn leaf() -> impl Strategy<Value = String> {
    let texts = [
        "null",
        "true",
        "1",
        "1.0",
        "10e-1",
        "1e400",
        "1e401",
        "-0",
        "0",
        "0.1000",
        "12345678901234567890123",
        "12345678901234567890124",
        "\"\"",
        "\"a\"",
        r#""\u0061""#,
        r#""\ud83d""#,
        r#""\ud83d\ude00""#,
    ];
    prop::sample::select(texts.map(str::to_owned).to_vec())
}

/// Generates JSON text in any spelling and spacing, from few values and names, so that two texts have much in common.
fn text() -> impl Strategy<Value = String> {
    leaf().prop_recursive(4, 40, 6, |inner| {
        let item = (blank(), inner.clone(), blank());
        let member = (blank(), name(), blank(), inner, blank());
        prop_oneof![
            prop::collection::vec(item, 0..6).prop_map(|items| {
                let items: Vec<_> =
                    items.iter().map(|(lead, item, trail)| format!("{lead}{item}{trail}")).collect();
                format!("[{}]", items.join(","))
            }),
            prop::collection::vec(member, 0..5).prop_map(|members| {
                let members: Vec<_> = members
                    .iter()
                    .map(|(lead, name, between, value, trail)| {
                        format!("{lead}{name}:{between}{value}{trail}")
                    })
                    .collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

/// Returns every path in a value, including the empty path.
fn paths(json: &Json) -> Vec<JsonPath> {
    fn within(tree: &tree::Tree<'_>, path: JsonPath, found: &mut Vec<JsonPath>) {
        match &tree.shape {
            tree::Shape::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    within(item, path.clone().join(index), found);
                }
            }
            tree::Shape::Object(members) => {
                for member in &members.all {
                    within(&member.tree, path.clone().join(member.name.as_str()), found);
                }
            }
            tree::Shape::Leaf => {}
        }
        found.push(path);
    }
    let mut found = Vec::new();
    within(&tree::Classes::default().tree(json.get()), JsonPath::default(), &mut found);
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn a_diff_leads_from_the_old_value_to_the_new_one_and_back(old in text(), new in text()) {
        let (old, new) = (json(&old), json(&new));
        let diff = old.diff(&new);
        prop_assert_eq!(diff.is_empty(), are_equal(&old, &new));
        prop_assert!(are_equal(&diff.apply(&old).unwrap(), &new), "{diff}");
        prop_assert!(are_equal(&diff.reversed().apply(&new).unwrap(), &old), "{diff}");
        prop_assert_eq!(diff.to_string().lines().count(), diff.changes().len());
        prop_assert_eq!(old.diff(&old).changes().len(), 0);
    }

    #[test]
    fn a_change_of_few_items_is_a_diff_of_few_changes(
        items in prop::collection::vec(text(), 1..12),
        place in any::<prop::sample::Index>(),
        item in text(),
    ) {
        let old = json(&format!("[{}]", items.join(", ")));
        let inserted = old.edit().insert(place.index(items.len() + 1), json(&item)).unwrap().json().unwrap();
        prop_assert_eq!(old.diff(&inserted).changes().len(), 1);
        let removed = old.without(place.index(items.len())).unwrap();
        prop_assert_eq!(old.diff(&removed).changes().len(), 1);
        prop_assert_eq!(old.diff(&removed).changes()[0].kind(), JsonChangeKind::Removed);
    }

    #[test]
    fn an_edit_that_is_undone_leaves_every_byte(of in text(), place in any::<prop::sample::Index>(), value in text()) {
        let of = json(&of);
        let paths = paths(&of);
        let path = &paths[place.index(paths.len())];
        let own = of.at(path).unwrap();
        let changed = of.with(path, json(&value)).unwrap();
        let set = changed.at(path).unwrap();
        prop_assert_eq!(set.get(), value.as_str());
        let restored = changed.with(path, &own).unwrap();
        prop_assert_eq!(restored.get(), of.get());
        if let Some(JsonStep::Index(_)) = path.steps().last() {
            let inserted = of.edit().insert(path, json(&value)).unwrap().json().unwrap();
            let restored = inserted.without(path).unwrap();
            prop_assert_eq!(restored.get(), of.get());
        }
        if let Some((JsonStep::Name(_), way)) = path.steps().split_last() {
            let renamed = of.edit().rename(path, "new").unwrap().json().unwrap();
            prop_assert!(renamed.at(path).is_none());
            let moved = renamed.at(JsonPath::from(way).join("new")).unwrap();
            prop_assert_eq!(moved.get(), own.get());
            let without = of.without(path).unwrap();
            prop_assert!(without.at(path).is_none());
        }
    }
}

#[test]
fn a_large_configuration_is_compared_in_bounded_work() {
    let mapping = |at: usize| format!(r#"{{"from":"column_{at}","to":"Field_{at}__c","type":"standard"}}"#);
    let list = |items: Vec<String>| json(&format!(r#"{{"mappings":[{}]}}"#, items.join(",")));
    let old: Vec<_> = (0..15_000).map(mapping).collect();
    let mut new = old.clone();
    new.insert(7, mapping(20_000));
    new.remove(9_000);
    new[12_000] = r#"{"from":"column_12000","to":"Other","type":"standard"}"#.to_owned();
    assert_eq!(list(old.clone()).diff(&list(new)).changes().len(), 3);
    // No item of one list equals an item of the other, so the items are paired by position. The two items of each pair
    // differ in `from` and in `to`.
    let other: Vec<_> = (20_000..35_000).map(mapping).collect();
    assert_eq!(list(old.clone()).diff(&list(other)).changes().len(), 30_000);
    // The worst case for an alignment: many items are equal, and every item occurs more than once.
    let zeros = |count: usize| json(&format!("[{}0]", "0,1,1,".repeat(count)));
    let (one, other) = (zeros(60_000), zeros(60_001));
    assert!(are_equal(&one.diff(&other).apply(&one).unwrap(), &other));
    let reversed = list(old.iter().rev().cloned().collect());
    let diff = list(old.clone()).diff(&reversed);
    assert!(are_equal(&diff.apply(&list(old)).unwrap(), &reversed));
}

#[test]
fn deep_values_are_compared_and_bounded() {
    let nested = |depth: usize, inner: &str| "[".repeat(depth) + inner + &"]".repeat(depth);
    let diff = json(&nested(127, "1")).diff(&json(&nested(127, "2")));
    assert_eq!(diff.changes().len(), 1);
    assert_eq!(diff.changes()[0].path.steps().len(), 127);
    assert!(json(&nested(127, "")).with(vec![JsonStep::Index(0); 126], json("[]")).is_ok());
    let error = json("[]").with(0, json(&nested(127, ""))).unwrap_err();
    assert_eq!(error.to_string(), "(the whole value): JSON nested deeper than 127.");
    // A value that was built in Rust may nest deeper than an answer of the server.
    let mut built = Value::Null;
    for _ in 0..1_000 {
        built = Value::Array(vec![built]);
    }
    assert_eq!(Json::from(&built).diff(&json("[]")).changes().len(), 1);
}

/// Incident: an edit could not find members with half of a surrogate pair in their names, because it looked up members
/// by their decoded names.
#[test]
fn a_value_with_halves_of_surrogate_pairs_is_compared_and_kept() {
    let (old, new) = (json(r#"{"a":{"\ud83d":1,"x":2},"b":0}"#), json(r#"{"a":{"\ud83d":1,"x":3},"b":0}"#));
    let diff = old.diff(&new);
    assert_eq!(diff.changes()[0].path.to_string(), "a");
    assert_eq!(diff.apply(&old).unwrap().get(), new.get());
    assert!(json(r#""\ud83d""#).diff(&json(r#""\ud83e""#)).changes().len() == 1);
}

#[test]
fn a_change_that_fails_changes_nothing_and_says_where() {
    let of = json(r#"{"list":[1],"a":{}}"#);
    let mut edit = of.edit();
    for (error, expected) in [
        (edit.set(("list", 2), json("1")).err(), "list[2]: the list has no item at this index."),
        (edit.set(("b", "c"), json("1")).err(), "b: there is no member of this name."),
        (edit.set(("list", "x"), json("1")).err(), "list.x: a list has indexes and no names."),
        (edit.set(("a", 0), json("1")).err(), "a[0]: an object has names and no indexes."),
        (edit.set(("list", 0, "x"), json("1")).err(), "list[0]: this is neither an object nor a list."),
        (edit.insert("a", json("1")).err(), "a: an item can be inserted only into a list."),
        (edit.insert(("list", 2), json("1")).err(), "list[2]: the list has no item at this index."),
        (edit.append("a", json("1")).err(), "a: this is not a list."),
        (edit.remove(("list", 1)).err(), "list[1]: the list has no item at this index."),
        (edit.remove(JsonPath::default()).err(), "(the whole value): the path is empty."),
        (edit.rename(("list", 0), "x").err(), "list[0]: only a member of an object has a name."),
        (edit.rename("a", "list").err(), "a: the object has a member of the new name already."),
    ] {
        assert_eq!(error.map(|error| error.to_string()).as_deref(), Some(expected));
    }
    assert_eq!(edit.json().unwrap().get(), of.get());
}

#[test]
fn a_diff_is_not_applied_to_a_value_that_has_changed_since() {
    let (old, new) = (json(r#"{"a":1,"list":[1]}"#), json(r#"{"a":2,"list":[1,2],"b":1}"#));
    let diff = old.diff(&new);
    let elsewhere = json(r#"{"a":1.0,"list":[1],"more":true}"#);
    assert_eq!(diff.apply(&elsewhere).unwrap().get(), r#"{"a":2,"list":[1,2],"more":true,"b":1}"#);
    for (other, expected) in [
        (r#"{"a":3,"list":[1]}"#, "a: the value is not the one that the change starts from."),
        (r#"{"list":[1]}"#, "a: the value that the change concerns does not exist."),
        (r#"{"a":1,"list":[1],"b":1}"#, "b: the value that the change adds exists already."),
        (r#"{"a":1,"list":[]}"#, "list[1]: the list has no item at this index."),
    ] {
        assert_eq!(diff.apply(&json(other)).unwrap_err().to_string(), expected);
    }
}

#[test]
fn a_line_shows_the_difference_of_long_values_and_hides_nothing() {
    let line = |old: &str, new: &str| json(old).diff(&json(new)).to_string();
    let sql = |end: &str| format!("\"select {} from {end}\"", "column, ".repeat(40));
    assert_eq!(line(&sql("a"), &sql("b")), r#"~ (the whole value): ...lumn,  from a" -> ...lumn,  from b""#);
    let mut long = String::new();
    let _ = write!(long, "[\"{}\"]", "x".repeat(200));
    assert_eq!(line("[]", &long), format!("+ [0]: \"{}...", "x".repeat(56)));
    assert_eq!(
        line("{}", "{\"a\\nb\": [ 1,\n 2 ], \"\u{202e}\u{2028}\": \"\u{85}\"}"),
        "+ [\"a\\nb\"]: [1,2]\n+ [\"\\u202e\\u2028\"]: \"\\u0085\""
    );
}
