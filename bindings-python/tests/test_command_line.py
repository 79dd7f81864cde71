"""The command line ``hightouch-sdk``: lists, requests, exit statuses and completion."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from command import COMMAND, command, environment, finished, seen_on_terminal, start
from hightouch_sdk._cli._status import Status, status_of
from hightouch_sdk._cli._values import duration, names_in
from hightouch_sdk._error_classes import BY_KIND
from sandbox import ROOT, World

SYNC_COLUMNS = "id,slug,status,disabled,model_id,destination_id,schedule,last_run_at,tags"
RUN_COLUMNS = (
    "id,status,created_at,started_at,finished_at,seconds,planned_added,planned_changed,planned_removed,"
    "successful_added,successful_changed,successful_removed,failed_added,failed_changed,failed_removed,query_size,"
    "completion_ratio,error"
)


def scripted(new_world: Callable[..., World], operation: str, answer: dict[str, Any], times: int = 9) -> World:
    return new_world(script=[{"when": {"operation": operation}, "answer": answer, "times": times}])


def test_syncs_are_selected_by_tags_model_and_status(new_world: Callable[..., World]) -> None:
    world = new_world(syncs=12)
    everything = command(world, "syncs", "--json").rows
    assert [row["id"] for row in everything] == list(range(1, 13))
    tagged = command(world, "syncs", "--json", "--tag", "team=growth", "--tag", "tier=1").rows
    assert [row["id"] for row in tagged] == [3, 6, 9, 12]
    assert all(row["tags"] == {"team": "growth", "tier": "1"} for row in tagged)
    assert command(world, "syncs", "--json", "--tag", "team=growth", "--tag", "tier=2").rows == []
    of_model = command(world, "syncs", "--json", "--model", str(everything[0]["model_id"])).rows
    assert of_model == [row for row in everything if row["model_id"] == everything[0]["model_id"]]
    status = everything[0]["status"]
    assert command(world, "syncs", "--json", "--status", status).rows == [
        row for row in everything if row["status"] == status
    ]


def test_a_pipe_gets_csv_with_stable_columns(world: World) -> None:
    for command_line, columns in ((["syncs"], SYNC_COLUMNS), (["runs", "3"], RUN_COLUMNS)):
        out = command(world, *command_line).out
        assert out.splitlines()[0] == columns
        rows = list(csv.DictReader(io.StringIO(out)))
        assert rows
        assert out == command(world, *command_line, "--csv").out
        as_json = command(world, *command_line, "--json").rows
        assert [row["id"] for row in rows] == [str(row["id"]) for row in as_json]
        assert list(as_json[0]) == columns.split(",")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", rows[0]["started_at"])


def test_a_terminal_gets_a_table(world: World) -> None:
    seen = seen_on_terminal(world, "syncs")
    assert seen.status == 0
    head, line, *rows = seen.screen
    assert head.split() == ["id", "slug", "status", "disabled", "schedule", "last", "run", "at", "tags"]
    assert set(line) == {"─"}
    assert len(rows) == 3
    assert rows[2].startswith("3 ")
    assert rows[2].endswith("team=growth, tier=1")
    assert command(world, "syncs", "--table").out.splitlines()[0].split() == head.split()


def test_an_empty_list_has_its_header_or_is_an_empty_array(new_world: Callable[..., World]) -> None:
    world = new_world(syncs=1, pastRuns=0)
    assert command(world, "runs", "1").out == f"{RUN_COLUMNS}\n"
    assert command(world, "runs", "1", "--json").out == "[]\n"


def test_runs_are_the_newest_first_since_a_time(new_world: Callable[..., World]) -> None:
    world = new_world(syncs=1, pastRuns=9)
    rows = command(world, "runs", "1", "--json", "--since", "52w").rows
    assert len(rows) == 9
    starts = [row["started_at"] for row in rows]
    assert starts == sorted(starts, reverse=True)
    some = command(world, "runs", "1", "--json", "--since", starts[4]).rows
    assert [row["id"] for row in some] == [row["id"] for row in rows[:4]]
    assert command(world, "runs", "1", "--json", "--since", "1s").rows == []


def test_a_list_that_cannot_be_read_prints_nothing_but_the_error(world: World) -> None:
    done = command(world, "syncs", HIGHTOUCH_API_KEY=world.keys.invalid)
    assert (done.status, done.out) == (Status.KEY, "")
    first, hint, request = done.err.splitlines()
    assert first.startswith("error: syncs.list(): the server answered 401")
    assert hint.startswith("  The key may be mistyped")
    assert request.startswith("  request id: ")


def test_a_refused_key_has_a_status_of_its_own(world: World) -> None:
    for key in ("", "two words", world.keys.invalid, world.keys.orphaned):
        assert command(world, "syncs", HIGHTOUCH_API_KEY=key).status == Status.KEY
        assert command(world, "limit", "--probe", HIGHTOUCH_API_KEY=key).status == Status.KEY
    done = command(
        world, "request", "PATCH", "/syncs/1", "--data", '{"disabled": true}', HIGHTOUCH_API_KEY=world.keys.readOnly
    )
    assert done.status == Status.KEY


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        ["frobnicate"],
        ["syncs", "--frobnicate"],
        ["syncs", "--tag", "team"],
        ["syncs", "--model", "x"],
        ["runs"],
        ["runs", "1", "--since", "yesterday"],
        ["run"],
        ["run", "1", "--timeout", "soon"],
        ["run", "1", "--at-once", "0"],
        ["run", "--file", "/no/such/file"],
        ["run", "1", "no slug"],
        ["follow"],
        ["follow", "no-token"],
        ["request", "FETCH", "/syncs"],
        ["request", "GET", "syncs"],
        ["request", "POST", "/syncs", "--data", "{"],
        ["syncs", "--base-url", "http://example.com"],
        ["completion", "csh"],
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_sends_nothing(world: World, wrong: list[str]) -> None:
    done = command(world, *wrong)
    assert (done.status, done.out) == (Status.USAGE, "")
    assert done.err
    assert world.requests() == []


def test_a_limit_that_is_used_up_has_a_status_of_its_own(new_world: Callable[..., World]) -> None:
    world = scripted(new_world, "ListSync", {"status": 429, "body": {"error": "slow down"}})
    done = command(world, "limit", "--probe")
    assert (done.status, done.out) == (Status.LIMIT, "")
    assert command(world, "syncs", "--max-wait", "0.1").status == Status.LIMIT


def test_the_limit_is_shown(world: World) -> None:
    [row] = command(world, "limit", "--json", HIGHTOUCH_SHARE="0.5").rows
    assert (row["limit"], row["allowed"], row["granted"]) == (200, 100, 0)
    assert world.requests() == []
    [row] = command(world, "limit", "--json", "--probe").rows
    assert (row["granted"], row["refused"]) == (1, 0)


def test_an_api_that_cannot_be_reached_has_a_status_of_its_own(new_world: Callable[..., World]) -> None:
    world = new_world()
    closed = f"https://{world.sandbox.line['closed']}/api/v1"
    assert command(world, "syncs", HIGHTOUCH_BASE_URL=closed).status == Status.UNREACHABLE
    tls = world.answer["baseUrl"]
    proxied = command(world, "syncs", "--base-url", tls, "--proxy", f"http://{world.sandbox.line['closed']}")
    assert proxied.status == Status.UNREACHABLE
    untrusted = command(world, "syncs", HIGHTOUCH_BASE_URL=tls)
    assert untrusted.status == Status.UNREACHABLE
    assert command(world, "syncs", "--base-url", tls, "--ca-bundle", world.sandbox.line["ca"]).out
    failing = scripted(new_world, "ListSync", {"status": 503})
    assert command(failing, "syncs").status == Status.UNREACHABLE


def test_what_does_not_exist_has_a_status_of_its_own(world: World) -> None:
    done = command(world, "runs", "no-such-sync")
    assert (done.status, done.out) == (Status.NOT_FOUND, "")
    assert done.err.startswith('error: syncs.runs("no-such-sync"): no sync has this slug.\n  Check the spelling')
    assert command(world, "request", "GET", "/syncs/99").status == Status.NOT_FOUND


@pytest.mark.parametrize("status", [400, 409, 422])
def test_what_the_server_refuses_has_a_status_of_its_own(new_world: Callable[..., World], status: int) -> None:
    world = scripted(new_world, "CreateSource", {"status": status, "body": {"message": "no", "details": {}}})
    assert command(world, "request", "POST", "/sources", "--data", "{}").status == Status.REFUSED


def test_a_change_that_may_have_happened_has_a_status_of_its_own(new_world: Callable[..., World]) -> None:
    world = scripted(new_world, "CreateSource", {"reset": "before-headers"})
    assert command(world, "request", "POST", "/sources", "--data", "{}").status == Status.UNKNOWN


def test_an_answer_that_the_api_does_not_document_has_a_status_of_its_own(new_world: Callable[..., World]) -> None:
    world = scripted(new_world, "ListSync", {"status": 200, "body": {"rows": 1}})
    assert command(world, "syncs").status == Status.UNEXPECTED


def test_a_reader_that_goes_away_ends_the_command_quietly(new_world: Callable[..., World]) -> None:
    world = new_world(syncs=3000)
    process = start(world, "syncs")
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    assert (process.stderr.read(), process.wait(60)) == ("", Status.PIPE)


def test_the_docs_list_every_status_with_its_kinds_of_errors() -> None:
    page = (ROOT / "docs" / "command-line.md").read_text()
    rows = re.findall(r"^\| (\d+) \| [^|]* \|(.*)\|$", page, re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(Status)
    listed = {kind: int(number) for number, kinds in rows for kind in re.findall(r"`(\w+)`(?! with a status)", kinds)}
    every = {kind: status_of(error("")) for kind, error in BY_KIND.items()}
    assert listed == {kind: status for kind, status in every.items() if status != Status.UNEXPECTED}


def test_data_are_in_utf_8_whatever_the_locale_is(new_world: Callable[..., World]) -> None:
    world = scripted(new_world, "ListSync", {"edit": [{"at": "/data/*/tags", "set": {"team": "größer"}}]})
    for form in ("--csv", "--json", "--table"):
        assert "größer" in command(world, "syncs", form, PYTHONIOENCODING="ascii").out


def test_a_request_prints_the_text_of_the_answer_with_all_its_digits(new_world: Callable[..., World]) -> None:
    text = '{"data":[{"n":0.1234567890123456789012345,"m":12345678901234567890123}]}'
    world = scripted(new_world, "ListSource", {"text": text, "headers": {"content-type": "application/json"}})
    done = command(world, "request", "get", "/sources", "--query", "limit=5", "--query", "name=a=b")
    assert (done.status, done.out) == (0, f"{text}\n")
    assert world.requests()[0]["query"] == {"limit": "5", "name": "a=b"}
    seen = seen_on_terminal(world, "request", "GET", "/sources")
    assert '      "n": 0.1234567890123456789012345,' in seen.screen


def test_the_body_of_a_request_comes_from_an_argument_a_file_or_standard_input(
    new_world: Callable[..., World], tmp_path: Path
) -> None:
    world = scripted(new_world, "UpdateSource", {"status": 200, "body": {}})
    text = '{"configuration": {"n": 0.12345678901234567890}}'
    file = tmp_path / "body.json"
    file.write_text(text)
    for data, stdin in ((text, None), (f"@{file}", None), ("@-", text)):
        assert command(world, "request", "PATCH", "/sources/1", "--data", data, stdin=stdin).status == 0
    assert [request["body"]["configuration"]["n"] for request in world.requests()] == [0.12345678901234567890] * 3
    assert command(world, "request", "PATCH", "/sources/1", "--data", "@/no/such").status == Status.USAGE


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="only Linux has /proc")
def test_a_list_of_processes_never_shows_the_key(new_world: Callable[..., World], tmp_path: Path) -> None:
    world = new_world(script=[{"when": {"operation": "ListSync"}, "answer": {"hang": True}}])
    key = world.answer["apiKey"]
    file = tmp_path / "key"
    file.write_text(f"{key}\n")
    process = start(world, "syncs", "--api-key-file", str(file), HIGHTOUCH_API_KEY="")
    world.wait_for(lambda requests: len(requests) == 1)
    assert world.requests()[0]["headers"]["authorization"] == f"Bearer {key}"
    command_lines: list[bytes] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # the process may have ended
            command_lines.append(path.read_bytes())
    assert any(str(file).encode() in line for line in command_lines)
    assert not any(key.encode() in line for line in command_lines)
    process.terminate()
    finished(process)


def test_no_option_takes_the_key() -> None:
    for name in ("syncs", "runs", "run", "follow", "limit", "request", "doctor"):
        text = subprocess.run([*COMMAND, name, "--help"], capture_output=True, text=True, check=True).stdout
        assert re.findall(r"--\S*key\S*", text) == ["--api-key-file"]


def test_a_key_in_place_of_a_file_or_an_option_is_not_repeated(world: World) -> None:
    key = world.answer["apiKey"]
    for arguments in (["--api-key", key], [f"--api-key={key}"], ["--api-key-file", key]):
        # `command` fails if the output contains the key.
        assert command(world, "syncs", *arguments).status == Status.USAGE


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_for_completion_are_printed(world: World, shell: str) -> None:
    script = command(world, "completion", shell).out
    assert f"_HIGHTOUCH_SDK_COMPLETE={shell}_complete" in script
    assert "hightouch-sdk" in script


def test_bash_completes_commands_and_options(world: World, tmp_path: Path) -> None:
    program = tmp_path / "hightouch-sdk"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m hightouch_sdk "$@"\n')
    program.chmod(0o755)
    completes = """
    eval "$(hightouch-sdk completion bash)"
    for words in "hightouch-sdk r" "hightouch-sdk run --on-warning "; do
        COMP_WORDS=($words ${words##*[! ]}) COMP_LINE=$words
        [ "${words% }" = "$words" ] || COMP_WORDS+=("")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
        _hightouch_sdk_completion hightouch-sdk
        echo "${COMPREPLY[@]}"
    done
    """
    env = environment(world, PATH=f"{tmp_path}:{environment(world)['PATH']}")
    done = subprocess.run(["bash", "--norc", "-c", completes], env=env, capture_output=True, text=True, check=True)
    assert done.stdout == "report request run runs\nok fail\n"
    assert world.requests() == []


def test_without_the_extra_the_doctor_works_and_the_rest_names_it(world: World) -> None:
    script = "import sys; sys.modules[sys.argv.pop(1)] = None; from hightouch_sdk._cli import main; main()"

    def run(missing: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-c", script, missing, *arguments]
        return subprocess.run(line, env=environment(world), capture_output=True, text=True, check=False)

    for missing in ("click", "rich"):
        done = run(missing, "doctor", "--json")
        assert (done.returncode, json.loads(done.stdout)["ok"]) == (0, True)
        done = run(missing, "syncs")
        assert (done.returncode, done.stdout) == (2, "")
        assert "pip install 'hightouch-sdk[cli]'" in done.stderr
        key = world.answer["apiKey"]
        done = run(missing, "doctor", "--api-key", key)
        assert (done.returncode, key in done.stderr) == (2, False)


def test_a_byte_order_mark_is_no_part_of_the_first_name(world: World, tmp_path: Path) -> None:
    text = b"\xef\xbb\xbforders\r\n7\r\n"
    (tmp_path / "syncs.txt").write_bytes(text)
    assert command(world, "run", "--dry-run", "--file", str(tmp_path / "syncs.txt")).out == "orders\n7\n"
    (tmp_path / "body.json").write_bytes(b'\xef\xbb\xbf{"disabled": true}')
    line = ["request", "PATCH", "/syncs/1", "--data", f"@{tmp_path / 'body.json'}"]
    assert json.loads(command(world, *line).out)["disabled"] is True
    for encoding in ("utf-8", "ascii"):
        line = [*COMMAND, "run", "--dry-run", "--file", "-"]
        given = environment(world, PYTHONIOENCODING=encoding)
        done = subprocess.run(line, input=text, env=given, capture_output=True, check=True)
        assert done.stdout == b"orders\n7\n"


def test_a_list_that_is_no_text_says_so(world: World) -> None:
    done = subprocess.run(
        [*COMMAND, "run", "--file", "-"],
        input=b"\xff\xfe7\x00",
        env=environment(world),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, b"it is not text in UTF-8" in done.stderr) == (Status.USAGE, True)


def test_durations_and_lists_of_names_are_read() -> None:
    read = {
        text: found and found.total_seconds()
        for text in ("90", "1.5m", "1h30m", "7d", "1w")
        if (found := duration(text))
    }
    assert read == {"90": 90, "1.5m": 90, "1h30m": 5400, "7d": 604_800, "1w": 604_800}
    assert [duration(text) for text in ("", "m", "1x", "-1s", "1h 3m", "9" * 99 + "d")] == [None] * 6
    assert names_in("# first\norders\n\n 7 # the seventh\n") == ["orders", "7"]
