"""What a user sees of the package: tracebacks, reprs and help."""

from __future__ import annotations

import asyncio
import io
import pydoc
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

import hightouch_sdk
from hightouch_sdk import AsyncHightouch, CallEnd, Hightouch, HightouchError, RunFailedError
from sandbox import World

PACKAGE = str(Path(hightouch_sdk.__file__).parent)


def private_frames(error: BaseException) -> int:
    return sum(frame.filename.startswith(PACKAGE) for frame in traceback.extract_tb(error.__traceback__))


def test_a_traceback_shows_the_public_name_of_the_error_and_few_private_frames(client: Hightouch, world: World) -> None:
    with pytest.raises(HightouchError) as raised:
        client.syncs.get(99_999)
    assert traceback.format_exception_only(raised.type, raised.value)[0].startswith("hightouch_sdk.NotFoundError: ")
    assert private_frames(raised.value) <= 3

    async def main() -> BaseException:
        async with AsyncHightouch(**world.settings()) as client:
            with pytest.raises(HightouchError) as raised:
                await client.syncs.get(99_999)
            return raised.value

    assert private_frames(asyncio.run(main())) <= 3


def test_classes_say_that_they_are_of_the_package_and_not_of_a_private_module() -> None:
    for name in hightouch_sdk.__all__:
        it = getattr(hightouch_sdk, name)
        if isinstance(it, type) and (issubclass(it, Exception) or not hasattr(it, "__struct_fields__")):
            assert it.__module__ in ("hightouch_sdk", "msgspec"), name


def test_the_repr_of_a_client_shows_its_settings_but_no_secrets() -> None:
    settings = {"proxy": "http://user:canary@127.0.0.1:1", "headers": {"x": "canary"}}
    with Hightouch("canary", share=0.5, timeout=10, **settings) as client:  # type: ignore[arg-type]
        assert repr(client) == "Hightouch(share=0.5, timeout=10)"


def test_the_reprs_of_resources_and_lists_name_their_operations(client: Hightouch) -> None:
    names = "create, delete, estimate_many, get, latest_run, list, run, run_many, runs, trigger, update"
    assert repr(client.syncs) == f"<Syncs: {names}>"
    assert repr(client.sync_sequences.with_raw_response) == "<SyncSequencesWithRawResponse: run, trigger>"
    assert repr(client.syncs.list(model_id=7, slug=None)) == "<Listing of syncs.list(model_id=7)>"


def test_a_handle_keeps_the_slug_that_the_run_was_triggered_with(client: Hightouch, world: World) -> None:
    sync = client.syncs.get(1)
    run = client.syncs.trigger(sync.slug)
    assert repr(run) == f"SyncRunHandle(id={run.id}, sync_id=1, slug={sync.slug!r})"
    assert (run.slug, client.syncs.trigger(1).slug, client.run(run.token).sync_id) == (sync.slug, None, 1)  # type: ignore[union-attr]
    raw = client.syncs.with_raw_response.trigger(sync.slug).parse()
    assert raw.slug == sync.slug

    async def main() -> str | None:
        async with AsyncHightouch(**world.settings()) as client:
            return (await client.syncs.trigger(sync.slug)).slug

    assert asyncio.run(main()) == sync.slug


def test_a_failed_run_names_the_slug_of_its_sync(new_world: Callable[..., World]) -> None:
    world = new_world(runs={"seconds": 1, "status": "failed"})
    with Hightouch(**world.settings()) as client:
        slug = client.syncs.get(1).slug
        with pytest.raises(RunFailedError) as raised:
            client.syncs.trigger(slug).wait()
        assert getattr(raised.value, "__notes__", None) == [f"The run is of the sync {slug!r}."]
        with pytest.raises(RunFailedError) as raised:
            client.syncs.trigger(1).wait()
        assert not hasattr(raised.value, "__notes__")


def test_an_error_names_the_method_and_beside_it_the_operation_of_the_api(client: Hightouch, world: World) -> None:
    with pytest.raises(HightouchError) as raised:
        client.syncs.get(99_999)
    error = raised.value
    assert error.meta is not None
    assert (error.operation, error.operation_id) == ("syncs.get", "GetSync")
    assert (error.meta.operation, error.meta.operation_id) == ("syncs.get", "GetSync")
    with pytest.raises(HightouchError) as raised:
        client.request("GET", "/nothing")
    assert raised.value.operation_id is None
    ends: list[CallEnd] = []
    with Hightouch(**world.settings(on_end=ends.append)) as hooked:
        list(hooked.syncs.list())
    assert ends[0].meta is not None
    assert (ends[0].operation, ends[0].operation_id) == ("syncs.list", "ListSync")
    assert (ends[0].meta.operation, ends[0].meta.operation_id) == ("syncs.list", "ListSync")


def test_help_on_the_package_is_short() -> None:
    out = io.StringIO()
    pydoc.Helper(output=out).help(hightouch_sdk)
    text = out.getvalue()
    assert "with Hightouch() as ht:" in text
    assert len(text.splitlines()) < 800


def test_help_on_a_status_shows_its_values() -> None:
    assert "querying" in str(hightouch_sdk.SyncRunStatus)


def test_every_public_name_can_be_imported_though_it_is_not_listed() -> None:
    assert "RunFailedError" not in dir(hightouch_sdk)
    assert hightouch_sdk.RunFailedError is RunFailedError
    assert all(hasattr(hightouch_sdk, name) for name in hightouch_sdk.__all__)
