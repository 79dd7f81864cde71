"""What the import of the package and the first call import. Each import makes the start of a program slower."""

from __future__ import annotations

import pickle
import subprocess
import sys

import pytest

import hightouch_sdk
from hightouch_sdk import RowCounts, _models
from hightouch_sdk._handles import Handle
from hightouch_sdk._resources import Resources
from sandbox import World

FIRST_LIST = """
import os, sys
# msgspec imports this package if it is installed, and with it modules that a program without it would not import.
sys.modules["typing_extensions"] = None
import msgspec
before = {*sys.modules}
from hightouch_sdk import Hightouch
ht = Hightouch(ca_bundle=os.environ["HIGHTOUCH_DEMO_CA"])
imported = {*sys.modules} - before
assert len(ht.syncs.list().first_page()) == 3
print(*imported)
print(*({*sys.modules} - before))
"""

NEEDED = {"_answers", "_base", "_bridge", "_calls", "_client", "_datetimes", "_door", "_encoding", "_error_base",
          "_error_classes", "_errors", "_forks", "_handles", "_json", "_json_plain", "_json_text", "_json_views",
          "_log", "_names", "_native", "_public", "_resources", "_surrogates", "_threads", "_unset", "_value",
          "_waiting"}  # fmt: skip
"""The modules of this package that the import imports."""

NEEDED_BY_A_LIST = {"_arguments", "_facts", "_fields", "_models", "_models.syncs", "_pages", "_problem",
                    "_resources.syncs", "_run_many", "_schedules"}  # fmt: skip
"""The further modules of this package that the first list imports. None is of another resource."""


def test_the_start_of_a_program_imports_only_what_it_needs(world: World) -> None:
    """A module that is missing here may need more time than it is worth. Measure it with ``python -X importtime``."""
    done = subprocess.run(
        [sys.executable, "-c", FIRST_LIST], capture_output=True, text=True, check=True, env=world.environment()
    )
    # msgspec itself imports most modules of the standard library that the package needs.
    standard = {"__future__", "_json", "contextlib", "json", "json.decoder", "json.encoder", "json.scanner", "math"}
    for line, needed in zip(done.stdout.splitlines(), (NEEDED, NEEDED | NEEDED_BY_A_LIST), strict=True):
        modules = {*line.split()} - {"hightouch_sdk"}
        own = {name for name in modules if name.startswith("hightouch_sdk.")}
        assert {name.removeprefix("hightouch_sdk.") for name in own} == needed
        assert modules - own <= standard


RESOURCES = [name for name, it in vars(Resources).items() if isinstance(it, Handle)]


@pytest.mark.parametrize("client", ["Hightouch", "AsyncHightouch"])
@pytest.mark.parametrize("resource", RESOURCES)
def test_a_resource_imports_no_other_resource(client: str, resource: str) -> None:
    code = f"import sys; from hightouch_sdk import {client}; {client}.{resource}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    folders = ("_models.", "_resources.", "_async_resources.")
    names = {name.removeprefix("hightouch_sdk.") for name in done.stdout.split()}
    own = {name for name in names if name.startswith(folders)} - {"_models.shared"}
    assert own == {f"_models.{resource}", f"{'_async' if client == 'AsyncHightouch' else ''}_resources.{resource}"}


@pytest.mark.parametrize("client", ["Hightouch", "AsyncHightouch"])
def test_the_operations_of_syncs_import_no_batches_and_no_runs(client: str) -> None:
    code = f"import sys; from hightouch_sdk import {client}; {client}.syncs.run_many; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names = {name.removeprefix("hightouch_sdk.") for name in done.stdout.split()}
    assert not names & {"_async_batch", "_async_runs", "_batch", "_batch_items", "_runs", "_told"}


def test_a_pickled_value_names_no_module_of_a_resource() -> None:
    """A type that a second resource begins to use moves to another module. Older pickles must stay readable."""
    pickled = pickle.dumps(RowCounts(added_count=1))
    assert b"hightouch_sdk._models\x94" in pickled
    code = f"import pickle; print(pickle.loads({pickled!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("RowCounts(added_count=1")
    models = [getattr(hightouch_sdk, name) for name in _models.__all__]
    assert {it.__module__ for it in models if isinstance(it, type)} == {"hightouch_sdk._models"}


def test_a_misspelt_name_is_an_error_also_for_type_checkers() -> None:
    """mypy would report an unused ``type: ignore`` if it accepted the name."""
    with pytest.raises(AttributeError, match="'hightouch_sdk' has no attribute 'Hightuoch'"):
        _ = hightouch_sdk.Hightuoch  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match="no attribute 'Snyc'"):
        _ = _models.Snyc  # type: ignore[attr-defined]
