"""``python -m hightouch_sdk doctor`` and ``diagnose``."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hightouch_sdk import Hightouch, diagnose
from sandbox import World

# Runs `python -m hightouch_sdk` as if the libraries of the extra `cli` were not installed.
WITHOUT_EXTRA = "import runpy, sys; sys.modules['click'] = None; runpy.run_module('hightouch_sdk', run_name='__main__')"
COMMANDS = {"with the extra": ["-m", "hightouch_sdk"], "without the extra": ["-c", WITHOUT_EXTRA]}


@pytest.fixture(autouse=True, params=COMMANDS)
def _program(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COMMANDS, "now", COMMANDS[request.param])


def doctor(world: World, *arguments: str, **environment: str) -> tuple[int, str, str]:
    """Returns the exit status, standard output and standard error of the doctor."""
    ended = subprocess.run(
        [sys.executable, *COMMANDS["now"], "doctor", "--ca-bundle", world.sandbox.line["ca"], *arguments],
        env={**world.environment(), **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    return ended.returncode, ended.stdout, ended.stderr


@pytest.mark.parametrize(
    ("key", "status", "said"),
    [
        (lambda world: world.answer["apiKey"], 0, ["\nok: A read with this key", "\nThe API answers.\n"]),
        (lambda _: "", 1, ["\nno_key: No API key was given", "\n    Set HIGHTOUCH_API_KEY"]),
        (lambda _: "canary in two", 1, ["\nmalformed_key: The API key has a space", "\n    Copy the key again"]),
        (
            lambda world: world.keys.invalid,
            1,
            ["\nbad_token: syncs.list(): the server answered 401", "\n    The key may be mistyped"],
        ),
        (
            lambda world: world.keys.orphaned,
            1,
            ["\norphaned_creator: syncs.list(): ", "\n    The creator of the key must be"],
        ),
    ],
    ids=["ok", "no key", "malformed key", "bad token", "orphaned creator"],
)
def test_the_doctor_prints_findings_and_advice_and_its_exit_status_tells_success(
    world: World, key: Callable[[World], str], status: int, said: list[str]
) -> None:
    given = key(world)
    ended, out, err = doctor(world, HIGHTOUCH_API_KEY=given)
    assert (ended, err) == (status, "")
    assert out.startswith("hightouch-sdk ")
    assert f"\nbase URL: {world.answer['baseUrl']}\n" in out
    for text in said:
        assert text in out
    assert not given or given not in out
    assert status == 0 or out.endswith("The API does not answer.\n")


def test_the_doctor_prints_the_result_of_the_tls_handshake(world: World) -> None:
    _, out, _ = doctor(world)
    assert "\nprotocol: TLS 1.3, h2\n" in out
    assert "\nkey exchange: X25519MLKEM768\n" in out


def test_the_doctor_prints_the_same_as_json(world: World) -> None:
    status, out, _ = doctor(world, "--json", HIGHTOUCH_API_KEY=world.keys.invalid)
    diagnosis = json.loads(out)
    assert (status, diagnosis["ok"]) == (1, False)
    assert [finding["code"] for finding in diagnosis["findings"]] == ["bad_token"]
    assert world.keys.invalid not in out


def test_command_line_options_take_precedence_over_the_environment(world: World, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(world.answer["apiKey"] + "\n")
    given = ("--api-key-file", str(file), "--base-url", world.answer["baseUrl"])
    assert doctor(world, *given, HIGHTOUCH_API_KEY="wrong", HIGHTOUCH_BASE_URL="https://x.invalid/api/v1")[0] == 0
    status, out, _ = doctor(world, "--proxy", f"http://{world.sandbox.line['closed']}")
    assert (status, "\nproxy: " in out) == (1, True)


@pytest.mark.parametrize("wrong", [["--frobnicate"], ["now"]])
def test_a_wrong_command_line_has_a_status_of_its_own(world: World, wrong: list[str]) -> None:
    status, out, err = doctor(world, *wrong)
    assert (status, out) == (2, "")
    assert "usage: " in err.lower()


def test_settings_from_which_no_client_can_be_created_are_diagnosed_and_not_raised(world: World) -> None:
    diagnosis = diagnose(api_key="canary in two", base_url=world.answer["baseUrl"])
    assert not diagnosis.ok
    [finding] = diagnosis.findings
    assert finding.code == "malformed_key"
    assert finding.message in str(diagnosis) == diagnosis.text
    assert finding.advice is not None
    assert finding.advice in diagnosis.text
    assert diagnosis.base_url == world.answer["baseUrl"]
    assert "canary" not in repr(diagnosis)


def test_a_diagnosis_calls_the_key_function_again_if_the_key_is_refused(world: World) -> None:
    keys = iter([world.keys.invalid, world.answer["apiKey"]])
    with Hightouch(**world.settings(api_key=lambda: next(keys))) as client:
        assert [finding.code for finding in client.diagnose().findings] == ["ok"]
    assert next(keys, None) is None
