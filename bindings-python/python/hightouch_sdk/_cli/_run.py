"""Runs a command, and turns its result or its error into an exit status."""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import Any, NoReturn

import click

from hightouch_sdk import HightouchError, __version__

from ._commands_lists import runs, syncs
from ._commands_other import completion, doctor, limit, request
from ._commands_report import report
from ._commands_runs import follow, run_syncs
from ._message import PROGRAM, explain, say, say_error
from ._status import Status, status_of
from ._stdout import OutputError, discard

ABOUT = """Work with a Hightouch workspace.

The API key comes from the variable HIGHTOUCH_API_KEY or from the file that --api-key-file names.

\b
Exit statuses:
    0  done                       7  not found
    1  a run failed               8  the server refused the request
    2  wrong command line         9  a change may have taken effect
    3  the time is over          10  an unexpected answer, or a bug
    4  the key is refused        11  the output cannot be written
    5  the rate limit           130  interrupted, or answered with no
    6  the API is unreachable or failed
"""


class Terminated(BaseException):
    """Raised when SIGTERM asks the process to end."""


class App(click.Group):
    """Turns the result or the error of each command into an exit status."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            status = super().invoke(ctx)
            # Without this flush, Python would write the rest of the output at exit, where no `except` catches an error.
            sys.stdout.flush()
        except HightouchError as error:
            explain(error)
            return status_of(error)
        except KeyboardInterrupt as raised:
            return _interrupted(raised, "interrupted", Status.INTERRUPTED)
        except Terminated as raised:
            return _interrupted(raised, "terminated", Status.TERMINATED)
        return status


def _interrupted(raised: BaseException, how: str, status: Status) -> Status:
    if sys.stderr is not None and sys.stderr.isatty():
        say("")  # Ends the line on which the terminal has echoed ^C.
    say_error(f"{how}.", *getattr(raised, "__notes__", []))
    return status


app = App(
    name=PROGRAM,
    help=ABOUT,
    commands=[completion, doctor, follow, limit, report, request, run_syncs, runs, syncs],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
click.version_option(__version__, prog_name=PROGRAM)(app)


def run(args: list[str]) -> int:
    """Runs the command line and returns its exit status."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        status = app.main(args, prog_name=PROGRAM, standalone_mode=False)
    except click.Abort:
        return Status.INTERRUPTED
    except click.ClickException as error:
        error.show()
        return Status.USAGE
    except OutputError as error:
        discard()
        if error.is_closed_pipe:
            return Status.PIPE
        say_error(str(error), *error.hints)
        return Status.OUTPUT
    return int(status or 0)


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise Terminated
