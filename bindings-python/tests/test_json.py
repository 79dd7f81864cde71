"""A `Json` cannot be changed by accident, and an edit keeps the digits of all values that it does not change."""

from __future__ import annotations

import copy
import json
import math
import pickle
import textwrap
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import strategies
from hightouch_sdk import (
    Hightouch,
    InvalidRequestError,
    Json,
    JsonArray,
    JsonEdit,
    JsonObject,
    ProtocolError,
    Schedule,
    Sync,
    UnknownScheduleRule,
)
from hightouch_sdk._calls import rows_decoder
from hightouch_sdk._door import decoded
from hightouch_sdk._errors import failure
from sandbox import World

LONG = "123456789012345678901234567890.10"
TEXT = f'{{"big": {LONG}, "mappings": [ {{"from": "a", "to":"b", "w": 1e400}}, 2 ], "old": null, "name": "caf\\u00e9"}}'


@pytest.fixture
def config() -> Json:
    return Json.from_raw(TEXT.encode())


def test_an_integer_that_python_refuses_leaves_the_other_numbers_exact() -> None:
    read = Json.from_raw(b"[9007199254740993, " + b"9" * 5000 + b"]").to_python()
    assert read == [9007199254740993, math.inf]
    assert type(read[0]) is int


class Echo:
    """A server that records the body of each request and answers with the same body."""

    def __init__(self) -> None:
        self.bodies: list[str] = []
        bodies = self.bodies

        class Handler(BaseHTTPRequestHandler):
            def do_PATCH(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                bodies.append(body)
                answer = f'{{"id":1,"slug":"a",{body[1:]}'.encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Logs nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/api/v1"

    def last(self) -> str:
        return self.bodies[-1].removeprefix('{"configuration":').removesuffix("}")


@pytest.fixture
def echo() -> Iterator[Echo]:
    server = Echo()
    yield server
    server.server.shutdown()
    server.server.server_close()


@pytest.fixture
def mirrored(echo: Echo) -> Iterator[Hightouch]:
    with Hightouch(api_key="k", base_url=echo.url, _internal={"environment": {}}) as client:
        yield client


def test_a_json_that_was_read_refuses_changes(client: Hightouch) -> None:
    read = client.syncs.update(2, configuration={"mappings": [{"to": "a"}]}).configuration
    assert read is not None
    changes: list[Callable[[], None]] = [
        lambda: operator_set(read, "mappings", []),
        lambda: operator_set(read["mappings"], 0, {}),
        lambda: operator_set(read["mappings"][0], "to", "X"),
        lambda: operator_set(read.value, "to", "X"),
        lambda: operator_del(read["mappings"][0], "to"),
        lambda: operator_del(read["mappings"], 0),
    ]
    for change in changes:
        with pytest.raises(TypeError, match=r"`edit\(\)`"):
            change()
    for name in ("append", "extend", "insert", "pop", "clear", "sort", "update", "setdefault", "__ior__"):
        assert not hasattr(read["mappings"], name)
        assert not hasattr(read.value, name)
    assert not hasattr(read.value, "__dict__")
    with pytest.raises(AttributeError, match=r"`edit\(\)`"):
        read["mappings"].mappings = []
    assert read["mappings"] == [{"to": "a"}]
    assert not read["mappings"] != [{"to": "a"}]  # noqa: SIM202


def operator_set(value: Any, key: object, to: object) -> None:
    value[key] = to


def operator_del(value: Any, key: object) -> None:
    del value[key]


def test_an_edit_sends_its_changes_and_keeps_the_text_of_everything_else(
    mirrored: Hightouch, echo: Echo, config: Json
) -> None:
    with config.edit() as edit:
        edit["mappings"][0]["to"] = "email"
        edit["mappings"].append({"from": "name", "to": "full_name"})
        del edit["old"]
    mirrored.syncs.update(1, configuration=edit.json)
    changed = TEXT.replace('"to":"b"', '"to":"email"').replace(", 2 ]", ', 2, {"from":"name","to":"full_name"} ]')
    assert edit.json.text == echo.last() == changed.replace(' "old": null,', "")
    assert config.raw.decode() == TEXT


def test_one_value_is_changed_by_its_path(config: Json) -> None:
    changed = config.with_(["mappings", 0, "to"], {"deep": [1]})
    assert changed.text == TEXT.replace('"to":"b"', '"to":{"deep":[1]}')
    assert config.with_("new", 1)["new"] == 1
    assert list(config.with_("big", 1)) == list(config)
    assert Json([1, 2]).with_(-1, 3) == [1, 3]
    assert config.with_([], 7) == 7
    nowhere: list[tuple[list[str | int], type[Exception]]] = [
        (["nowhere", "to"], KeyError),
        (["mappings", 9], IndexError),
        (["mappings", "to"], TypeError),
        (["name", "to"], TypeError),
        ([1], TypeError),
    ]
    for path, error in nowhere:
        with pytest.raises(error):
            config.with_(path, 1)
    with pytest.raises(TypeError):
        config.with_("new", object())


def test_an_edit_behaves_like_dicts_and_lists(config: Json) -> None:
    with config.edit() as edit:
        mappings = edit["mappings"]
        assert edit["mappings"] is mappings
        assert (len(edit), "old" in edit, list(edit)) == (4, True, ["big", "mappings", "old", "name"])
        assert mappings == [{"from": "a", "to": "b", "w": float("inf")}, 2]
        edit["tags"] = []
        edit["tags"] += ["x", "y", "z"]
        edit["tags"][1:] = ["q"]
        edit["tags"].insert(0, None)
        edit["tags"].reverse()
        mappings[1] += 1
        mappings[0].update(to="c", more={"a": 1})
        mappings[0]["more"].setdefault("b", 2)
        assert mappings[0].pop("w") == float("inf")
        edit["copy"] = mappings[0]
        edit["copy"]["to"] = "d"
        edit["one"], edit["one"] = 1, "1"
    assert edit.json == {
        "big": float(LONG),
        "mappings": [{"from": "a", "to": "c", "more": {"a": 1, "b": 2}}, 3],
        "old": None,
        "name": "café",
        "tags": ["q", "x", None],
        "copy": {"from": "a", "to": "d", "more": {"a": 1, "b": 2}},
        "one": "1",
    }
    with Json([1]).edit() as items:
        items.append(2)
        items[0] = 0
    assert items.json == [0, 2]


def test_a_change_of_a_replaced_part_or_after_the_end_of_the_edit_is_an_error(config: Json) -> None:
    with config.edit() as edit:
        with pytest.raises(RuntimeError, match="result only after"):
            print(edit.json)
        mapping = edit["mappings"][0]
        edit["mappings"] = []
        with pytest.raises(RuntimeError, match="replaced or removed"):
            mapping["to"] = "lost"
        tags = edit["tags"] = [1]
        with pytest.raises(TypeError, match="append"):
            edit.append(1)
    tags.append(2)
    assert edit.json["tags"] == [1]
    for change in (
        lambda: operator_set(edit, "a", 1),
        lambda: edit["tags"].append(1),
        lambda: operator_del(edit, "big"),
    ):
        with pytest.raises(RuntimeError, match="ended"):
            change()


def test_the_example_in_the_documentation_does_what_it_says(mirrored: Hightouch, echo: Echo) -> None:
    sync = mirrored.syncs.update(1, configuration={"mappings": [{"to": "a"}], "old": 1, "mode": "all"})
    example = textwrap.dedent((JsonEdit.__doc__ or "").partition("::\n")[2])
    exec(example, {"ht": mirrored, "sync": sync})
    mappings = [{"to": "email"}, {"from": "name", "to": "full_name"}]
    assert json.loads(echo.last()) == {"mappings": mappings, "syncMode": "all"}


def test_an_edit_that_raised_has_no_result(config: Json) -> None:
    edit = config.edit()
    with pytest.raises(LookupError), edit:
        edit["name"] = "half"
        raise LookupError
    with pytest.raises(RuntimeError):
        print(edit.json)


def test_a_part_that_is_given_as_an_argument_keeps_its_digits_at_any_depth(
    mirrored: Hightouch, echo: Echo, config: Json
) -> None:
    read = mirrored.syncs.update(1, configuration=config).configuration
    assert read is not None
    assert read.raw.decode() == echo.last() == TEXT
    mappings = read["mappings"]
    text = mappings.text
    given: list[tuple[Any, str]] = [
        (read.value, TEXT),
        ({"a": [read.value]}, f'{{"a":[{TEXT}]}}'),
        ({"l": [mappings]}, f'{{"l":[{text}]}}'),
        ({**read.value, "big": 1}, TEXT.replace(LONG, "1")),
        (Json({"b": mappings}), f'{{"b":{text}}}'),
        ({"b": read.with_("big", mappings).value["big"]}, f'{{"b":{text}}}'),
    ]
    for value, expected in given:
        mirrored.syncs.update(1, configuration=value)
        assert json.loads(echo.last(), parse_float=str) == json.loads(expected, parse_float=str)
    schedule = Schedule(type="odd", schedule=UnknownScheduleRule(raw=Json({"kept": mappings})))
    mirrored.syncs.update(1, schedule=schedule)
    assert text in echo.bodies[-1]


def test_objects_and_arrays_behave_like_mappings_and_sequences(config: Json) -> None:
    value: Any = config.value
    items: Any = config.value["mappings"]
    assert isinstance(value, JsonObject)
    assert isinstance(value, Mapping)
    assert isinstance(items, JsonArray)
    assert isinstance(items, Sequence)
    assert value == config.to_python() == value
    assert config.to_python()["mappings"] == items
    assert items != tuple(config.to_python()["mappings"])
    assert (value["name"], value.get("none", 7), len(value), "old" in value) == ("café", 7, 4, True)
    assert next(iter(value.items())) == ("big", float(LONG))
    assert [items[-1], items[:1], next(reversed(items)), items.index(2), items.count(2)] == [2, [items[0]], 2, 1, 1]
    assert items[0] is items[0]
    assert repr(value) == repr(config.to_python())
    match value:
        case {"mappings": [{"to": to, **rest}, *others]}:
            assert (to, rest["from"], others) == ("b", "a", [2])
        case _:
            pytest.fail("no match")
    for part in (value, items):
        assert pickle.loads(pickle.dumps(part)) == part
        assert copy.deepcopy(part) == copy.copy(part) == part
        with pytest.raises(TypeError):
            hash(part)
    with pytest.raises(TypeError, match="JsonObject"):
        json.dumps(value)
    assert json.loads(json.dumps(value, default=lambda part: part.to_python())) == config
    assert msgspec.to_builtins({"c": value}, enc_hook=lambda part: part.to_python()) == {"c": config.to_python()}


def test_a_change_of_a_plain_copy_does_not_change_the_json(config: Json) -> None:
    first = config.to_python()
    first["mappings"][0]["to"] = "X"
    assert config["mappings"][0]["to"] == "b"
    assert config.to_python() != first


PAIRS = [
    ('{"a":1,"b":[2]}', '{ "b" : [2.0], "a" : 10e-1 }', True),
    ('{"a":1,"a":2}', '{"a":2}', True),
    ('"\\u00e9\\/"', '"é/"', True),
    ("[0.1]", "[0.10]", True),
    ("0", "-0.00", True),
    ("9" * 5000, "9" * 5000, True),
    ("[9007199254740992]", "[9007199254740993]", False),
    ("[1,2]", "[2,1]", False),
    ('{"a":1}', '{"a":1,"b":null}', False),
    ("1", '"1"', False),
    ("[]", "{}", False),
]


@pytest.mark.parametrize(("one", "other", "equal"), PAIRS)
def test_two_values_are_equal_if_their_texts_or_their_plain_values_are_equal(one: str, other: str, equal: bool) -> None:
    first, second = Json.from_raw(one.encode()), Json.from_raw(other.encode())
    pairs = [(first, second), (first.value, second), (first, second.value), (first, second.to_python())]
    assert [a == b for a, b in pairs + [(b, a) for a, b in pairs]] == [equal] * 8


def test_a_part_of_an_edit_equals_its_json_and_its_plain_value(config: Json) -> None:
    with config.edit() as edit:
        mappings = edit["mappings"]
        assert mappings == config["mappings"] == mappings
        mappings[1] = 3
        assert mappings != config["mappings"]
        assert mappings == [config["mappings"][0], 3]
    assert edit.json["mappings"] == mappings


def test_a_json_with_lone_surrogates_and_very_long_numbers_can_be_read_and_changed() -> None:
    odd = Json.from_raw(b'{"cut": "\\ud83d", "\\ud83d": 1, "long": ' + b"9" * 5000 + b', "ok": {"a": 1}}')
    assert (odd["ok"], odd["cut"], odd["\ud83d"], odd["long"]) == ({"a": 1}, "\ud83d", 1, float("inf"))
    assert odd.with_(["ok", "a"], 2).text == odd.text.replace('"a": 1', '"a": 2')


def test_an_answer_keeps_lone_surrogates_in_opaque_json() -> None:
    opaque = rb'{"cut":"\ud83d","whole":"\ud83d\ude00","slash":"\\ud83d","low":"\uDE00\ud83d","\udfff":1.50}'
    body = b'[{"id":1,"slug":"a\\u00e9","configuration":' + opaque + b'},{"id":2,"slug":"b","configuration":{"a":1}}]'
    first, second = decoded(rows_decoder(Sync), body)
    assert first.slug == "a\u00e9"
    assert second.configuration == {"a": 1}
    assert first.configuration is not None
    assert first.configuration.raw == opaque
    assert first.configuration["whole"] == "\U0001f600"
    assert first.configuration["low"] == "\ude00\ud83d"
    error = failure(b'{"kind":"server","message":"m","details":' + opaque + b"}")
    assert error.details == first.configuration.to_python()
    for broken in (b'[{"id":1,"slug":"\\ud83d"', b'[{"id":"\\ud83d","slug":"a"}]'):
        with pytest.raises(ProtocolError):
            decoded(rows_decoder(Sync), broken)


@pytest.mark.parametrize("text", [b"", b"{", b"1 2", b"{},{}", b'{"a":NaN}', b"\xff", b"nul", b'{"a":1}}'])
def test_text_that_is_not_json_is_an_error_when_it_is_read_or_sent(
    client: Hightouch, world: World, text: bytes
) -> None:
    wrapped = Json.from_raw(text)
    for look in (lambda: wrapped.value, lambda: wrapped.text, wrapped.edit, lambda: Json([wrapped])):
        with pytest.raises(ValueError, match=r"JSON|decode|Extra|Expecting"):
            look()
    for configuration in (wrapped, [wrapped], {"a": wrapped}):
        with pytest.raises(InvalidRequestError):
            client.syncs.update(1, configuration=configuration)
    assert world.requests() == []


def paths(value: Any, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Returns the paths to all parts of a value."""
    parts: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        parts = [*value.items()]
    elif isinstance(value, list):
        parts = [*enumerate(value)]
    return [at, *(path for key, part in parts for path in paths(part, (*at, key)))]


@settings(max_examples=200, deadline=None, database=None)
@given(value=strategies.json, data=st.data())
def test_with_changes_the_value_at_any_path_and_no_other(value: Any, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(paths(value)))
    mark = {"changed": [None, "here"]}
    expected: Any = {"": copy.deepcopy(value)}
    place: Any = expected
    for step in ("", *path)[:-1]:
        place = place[step]
    place[("", *path)[-1]] = mark
    whole = Json(value)
    assert whole.with_(path, mark).to_python() == expected[""]
    assert whole.to_python() == value
