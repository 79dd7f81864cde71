"""Edits and differences of JSON. The tests of all languages read the same cases from files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import blocks
import strategies
from hightouch_sdk import Json, JsonChange, JsonDiff

CASES: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parents[2] / "tests" / "json" / "cases.json").read_text(encoding="utf-8")
)


# JSON texts with long numbers and with different white space.
TEXTS = st.builds(
    lambda value, indent, colon: json.dumps(value, ensure_ascii=False, indent=indent, separators=(",", colon)),
    strategies.long_json,
    st.none() | st.integers(0, 2),
    st.sampled_from([":", ": ", " : "]),
)


def read(text: str) -> Json:
    return Json.from_raw(text.encode())


def make(edit: Any, change: dict[str, Any]) -> None:
    """Makes one edit of a case as a user of this package would."""
    path: list[Any] = change["path"]
    last = path[-1] if path else None
    place = edit
    for step in path[:-1]:
        place = place[step]
    match change["do"]:
        case "set":
            place[last] = read(change["value"])
        case "insert":
            place.insert(last, read(change["value"]))
        case "append":
            (place if last is None else place[last]).append(read(change["value"]))
        case "remove":
            del place[last]
        case "rename":
            place.rename(last, change["name"])
        case other:
            pytest.fail(other)


@pytest.mark.parametrize("case", CASES["edits"], ids=lambda case: case["name"])
def test_an_edit_gives_what_the_case_says(case: dict[str, Any]) -> None:
    start = read(case["json"])
    edit: Any = start.edit()
    try:
        with edit as block:
            for change in case["edits"]:
                make(block, change)
    except (LookupError, TypeError, ValueError, AttributeError):
        assert case["gives"] is None
    else:
        assert edit.json.text == case["gives"]
    assert start.text == case["json"]
    first, *more = case["edits"]
    if case["gives"] is not None and not more and first["do"] == "set":
        assert start.with_(first["path"], read(first["value"])).text == case["gives"]
    if case["gives"] is not None and not more and first["do"] == "remove":
        assert start.without(first["path"]).text == case["gives"]


@pytest.mark.parametrize("case", CASES["diffs"], ids=lambda case: case["name"])
def test_a_difference_is_what_the_case_says(case: dict[str, Any]) -> None:
    old, new = read(case["old"]), read(case["new"])
    diff = old.diff(new)
    written = [
        {"path": [*change.path], "kind": change.kind}
        | ({} if change.old is None else {"old": change.old.text})
        | ({} if change.new is None else {"new": change.new.text})
        for change in diff
    ]
    assert written == case["changes"]
    assert str(diff) == "\n".join(case["lines"])
    assert [str(change) for change in diff] == case["lines"]
    assert bool(diff) is bool(case["lines"])
    assert not diff.apply(old).diff(new)
    assert not diff.reversed().apply(new).diff(old)
    assert diff.reversed().reversed() == diff


def test_a_diff_is_a_sequence_of_changes_with_all_digits() -> None:
    diff = read('{"id":12345678901234567890123,"a":[]}').diff({"id": 12345678901234567890124, "a": [None]})
    assert repr(diff) == "<JsonDiff of 2 changes>"
    assert len(diff) == 2
    assert diff[-1] == JsonChange(path=("a", 0), kind="added", new=Json(None))
    assert JsonDiff(diff[:1]).apply({"id": 12345678901234567890123}).text == '{"id":12345678901234567890124}'
    assert diff[0].old is not None
    assert diff[0].old.value == 12345678901234567890123
    assert diff != [*diff]


def test_a_diff_is_not_applied_to_a_value_that_has_changed_since() -> None:
    undo = Json({"to": "A"}).diff({"to": "B"}).reversed()
    assert undo.apply({"to": "B", "more": 1}) == {"to": "A", "more": 1}
    with pytest.raises(ValueError, match=r"The changes do not fit this JSON\. to: the value is not the one that"):
        undo.apply({"to": "C"})


def test_text_that_is_no_json_is_refused() -> None:
    for text in ("{", "[" * 200 + "]" * 200):
        with pytest.raises(ValueError, match=r"."):
            Json([]).diff(read(text))
    with pytest.raises(ValueError, match="The path is empty"):
        Json([]).without([])


def test_a_rename_is_an_edit_like_others() -> None:
    with Json({"a": {"b": [1]}, "c": 2}).edit() as edit:
        items = edit["a"]["b"]
        edit["a"].rename("b", "d")
        items.append(3)
        edit.rename("c", "e")
        edit["e"] += 1
    assert edit.json.text == '{"a":{"d":[1,3]},"e":3}'
    with pytest.raises(RuntimeError, match="ended"):
        edit.rename("e", "f")
    with pytest.raises(TypeError, match="array"):
        Json([]).edit().rename("a", "b")
    with pytest.raises(TypeError, match="object"):
        Json({}).edit().insert(0, "b")


@settings(max_examples=300, deadline=None)
@given(TEXTS, TEXTS)
def test_a_diff_leads_to_the_new_value_and_back(old: str, new: str) -> None:
    diff = read(old).diff(read(new))
    assert not diff.apply(read(old)).diff(read(new))
    assert not diff.reversed().apply(read(new)).diff(read(old))
    assert len(str(diff).splitlines()) == len(diff)


@settings(max_examples=300, deadline=None)
@given(TEXTS, st.data())
def test_a_change_that_is_undone_leaves_every_byte(text: str, data: st.DataObject) -> None:
    start = read(text)
    paths: list[tuple[list[str | int], Any]] = [([], start.value)]
    for path, value in paths:
        keys: Any = value if hasattr(value, "keys") else range(len(value)) if hasattr(value, "index") else ()
        if not isinstance(value, str):
            paths.extend(([*path, key], value[key]) for key in keys)
    path, value = data.draw(st.sampled_from(paths))
    if path:
        assert start.with_(path, "another").with_(path, value).text == start.text


def test_the_text_of_a_difference_is_that_of_the_docs() -> None:
    mappings = ["a", "b"]
    old = {"mappings": [{"from": "email", "to": "Email__c"}, *mappings], "mode": "upsert"}
    new = {"mappings": [{"from": "email", "to": "Email"}, *mappings, {"from": "name", "to": "Name"}]}
    [shown] = blocks.assigned("test_json_diff.py")
    assert f"{read(json.dumps(old)).diff(read(json.dumps(new)))}\n" == shown
