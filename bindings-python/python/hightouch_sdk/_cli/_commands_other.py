"""The commands that are not about runs."""

from __future__ import annotations

import json as plain_json
import sys
from datetime import timedelta
from time import sleep
from typing import Any

import click
from click.shell_completion import get_completion_class
from msgspec.json import format as format_json

from hightouch_sdk import UNSET, Hightouch, Json, Stats
from hightouch_sdk._base import request_args

from . import _doctor
from ._columns import LIMIT
from ._options import client, client_options, connection, output
from ._output import write
from ._values import Pair, read_text


@click.command(help=_doctor.ABOUT, epilog=_doctor.STATUS, short_help="Check the settings, the connection and the key.")
@click.option("--json", is_flag=True, help="Print the diagnosis as JSON.")
@connection
def doctor(json: bool, **settings: Any) -> int:
    """Checks the settings, the connection and the key."""
    return _doctor.examine(json=json, **settings)


@click.command()
@click.option("--probe", is_flag=True, help="Send one request first, to see whether the server refuses it.")
@output
@client_options
def limit(probe: bool, form: str | None, **settings: Any) -> None:
    """Show the rate limit, who shares it, and how much of it may be used.

    HIGHTOUCH_LIMIT_SCOPE says which programs count their requests together. Hightouch also counts the requests of
    other programs with keys of the workspace, which this command does not see. With --probe, it sends one request to
    find out whether the limit is used up. If it is, the exit status is 5, at the latest after --max-wait.
    """
    if probe and settings["max_wait"] is None:
        settings["max_wait"] = timedelta(0)
    with client(**settings) as ht:
        if probe:
            ht.syncs.list(limit=1).first_page()
        write([_standing(ht)], LIMIT, form)


def _standing(ht: Hightouch) -> Stats:
    """Returns the state of the rate limit.

    If a Redis or Valkey server keeps the limit, waits until this server has answered or failed.
    """
    stats = ht.stats()
    while stats.scope == "fleet" and stats.members is None:
        sleep(0.01)
        stats = ht.stats()
    return stats


@click.command(short_help="Send any request and print the answer.")
@click.argument("method", type=click.Choice(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"], case_sensitive=False))
@click.argument("path")
@click.option("--data", help="The body: JSON, or @FILE to read it from a file, or @- from standard input.")
@click.option("--query", type=Pair(), multiple=True, help="A parameter of the query, such as limit=5.")
@client_options
def request(method: str, path: str, data: str | None, query: tuple[tuple[str, str], ...], **settings: Any) -> None:
    """Send a request with METHOD to PATH, such as GET /syncs, and print the JSON of the answer.

    The request has the same key, rate limit, retries and errors as every other command.
    """
    body = UNSET if data is None else _body(data)
    parameters: dict[str, list[str]] = {}
    for name, value in query:
        parameters.setdefault(name, []).append(value)
    with client(**settings) as ht:
        # `Hightouch.request` returns decoded values, which may lose digits. The text of the answer has all digits.
        args = request_args(method.upper(), path, parameters or None, body)
        answer = ht._local.call("request", args)[1]  # pyright: ignore[reportPrivateUsage]
    if answer.strip():
        text = format_json(answer, indent=2) if sys.stdout.isatty() else answer
        sys.stdout.write(f"{text.decode()}\n")


def _body(data: str) -> Json:
    text = read_text(data[1:]) if data.startswith("@") else data
    try:
        plain_json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"It is not JSON: {error}.", param_hint="--data") from None
    return Json.from_raw(text.encode())


@click.command(
    epilog='For example, in ~/.bashrc: eval "$(hightouch-sdk completion bash)". For fish: hightouch-sdk completion fish'
    " > ~/.config/fish/completions/hightouch-sdk.fish"
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print a script that completes commands and options in SHELL."""
    program = ctx.find_root()
    script = get_completion_class(shell)
    # click has a class for each shell that the argument accepts.
    assert script is not None  # noqa: S101
    name = "hightouch-sdk"
    click.echo(script(program.command, {}, name, "_HIGHTOUCH_SDK_COMPLETE").source())
