"""Clients in forked processes and at the end of a process."""

from __future__ import annotations

from collections.abc import Callable

from sandbox import World, gone
from scripts import run

HANG = [{"when": {"operation": "ListSync"}, "answer": {"hang": True}, "times": 50}]


def test_a_forked_child_uses_the_inherited_client_and_the_parent_goes_on(world: World) -> None:
    out, _ = run(
        world,
        """
        ht = Hightouch(**settings)
        before = len(list(ht.syncs.list()))
        child = os.fork()
        if child == 0:
            os._exit(len(list(ht.syncs.list())))
        print(before, end_of(child), len(list(ht.syncs.list())))
        """,
    )
    assert out.split() == ["3", "3", "3"]


def test_a_grandchild_works_too(world: World) -> None:
    out, _ = run(
        world,
        """
        ht = Hightouch(**settings)
        list(ht.syncs.list())
        child = os.fork()
        if child == 0:
            list(ht.syncs.list())
            grandchild = os.fork()
            if grandchild == 0:
                os._exit(len(list(ht.syncs.list())))
            os._exit(end_of(grandchild))
        print(end_of(child))
        """,
    )
    assert out.split() == ["3"]


def test_a_child_imports_no_module_for_its_calls(world: World) -> None:
    """Incident: the first call of a child hung if another thread of the parent was importing a module at the fork."""
    out, _ = run(
        world,
        """
        ht = Hightouch(**settings)
        child = os.fork()
        if child == 0:
            before = {*sys.modules}
            sync, *_ = ht.syncs.list().first_page()
            ht.run(ht.syncs.trigger(1).token).wait()
            ht.syncs.run_many([2, 3]).wait()
            ht.syncs.with_raw_response.get(1)
            ht.add_hooks(on_end=print)
            ht.stats(), ht.diagnose()
            try:
                ht.syncs.get(10**9)
            except NotFoundError as error:
                error.to_dict()
            new = {name for name in {*sys.modules} - before if name.startswith("hightouch_sdk")}
            print("new:", *new, flush=True)
            os._exit(0)
        print(end_of(child))
        """,
    )
    assert out.splitlines()[-2:] == ["new:", "0"], out


def test_a_child_imports_no_module_for_its_calls_of_asyncio_either(world: World) -> None:
    out, _ = run(
        world,
        """
        async def calls():
            await ht.syncs.list()
            await ht.run((await ht.syncs.trigger(1)).token).wait()
            await (await ht.syncs.run_many([2, 3])).wait()
            ht.stats()
            await ht.diagnose()

        ht = AsyncHightouch(**settings)
        child = os.fork()
        if child == 0:
            before = {*sys.modules}
            asyncio.run(calls())
            new = {name for name in {*sys.modules} - before if name.startswith("hightouch_sdk")}
            print("new:", *new, flush=True)
            os._exit(0)
        print(end_of(child))
        """,
    )
    assert out.splitlines() == ["new:", "0"], out


def test_a_fork_pool_shares_the_parents_client_while_its_threads_are_busy(world: World) -> None:
    out, _ = run(
        world,
        """
        import multiprocessing
        ht = Hightouch(**settings)
        def count(_):
            return len(list(ht.syncs.list()))
        stop = threading.Event()
        def busy():
            while not stop.is_set():
                count(0)
        threads = [threading.Thread(target=busy) for _ in range(4)]
        for thread in threads:
            thread.start()
        with multiprocessing.get_context("fork").Pool(4) as pool:
            print(sum(pool.map(count, range(12))))
        stop.set()
        for thread in threads:
            thread.join()
        print(count(0))
        """,
    )
    assert out.split() == ["36", "3"]


def test_a_fork_with_calls_in_flight_leaves_them_to_the_parent(new_world: Callable[..., World]) -> None:
    world = new_world(script=[{"when": {"nth": 1}, "answer": {"delayMs": 3000}}])
    out, _ = run(
        world,
        """
        ht = Hightouch(**settings)
        found = []
        thread = threading.Thread(target=lambda: found.append(len(list(ht.syncs.list()))))
        thread.start()
        input()
        child = os.fork()
        if child == 0:
            os._exit(len(list(ht.syncs.list())))
        print(end_of(child))
        thread.join()
        print(found[0])
        """,
        when=lambda requests: len(requests) == 1,
    )
    assert out.split() == ["3", "3"]


def test_a_call_during_which_a_signal_handler_forks_goes_on_in_the_parent_alone(
    new_world: Callable[..., World],
) -> None:
    world = new_world(script=[{"when": {"nth": 1}, "answer": {"delayMs": 3000}}])
    out, _ = run(
        world,
        """
        parent, children = os.getpid(), []
        signal.signal(signal.SIGALRM, lambda *_: children.append(os.fork()))
        ht = Hightouch(**settings)
        main = threading.get_ident()
        threading.Thread(target=lambda: (input(), signal.pthread_kill(main, signal.SIGALRM)), daemon=True).start()
        try:
            print(len(list(ht.syncs.list())), end_of(children[0]))
        except RuntimeError as error:
            assert os.getpid() != parent, error
            os._exit(len(list(ht.syncs.list())) if "goes on in the parent" in str(error) else 99)
        """,
        when=lambda requests: len(requests) == 1,
    )
    assert out.split() == ["3", "3"]


def test_a_child_that_drops_the_inherited_client_leaves_the_parents_connection_open(world: World) -> None:
    out, _ = run(
        world,
        """
        import gc
        ht = Hightouch(**settings)
        list(ht.syncs.list())
        child = os.fork()
        if child == 0:
            del ht
            gc.collect()
            sys.exit(0)
        print(end_of(child), len(list(ht.syncs.list(max_retries=0))))
        """,
    )
    assert out.split() == ["0", "3"]


def test_an_asynchronous_client_works_in_a_forked_child(world: World) -> None:
    out, _ = run(
        world,
        """
        ht = AsyncHightouch(**settings)
        async def count():
            return len([sync async for sync in ht.syncs.list()])
        before = asyncio.run(count())
        child = os.fork()
        if child == 0:
            os._exit(asyncio.run(count()))
        print(before, end_of(child), asyncio.run(count()))
        """,
    )
    assert out.split() == ["3", "3", "3"]


def test_a_child_knows_the_key_that_was_set_and_that_a_client_was_closed(world: World) -> None:
    out, _ = run(
        world,
        """
        key = os.environ["HIGHTOUCH_API_KEY"]
        ht = Hightouch(api_key="not-this-one", **settings)
        ht.set_api_key(key)
        shut = Hightouch(**settings)
        shut.close()
        child = os.fork()
        if child == 0:
            assert len(list(ht.syncs.list())) == 3
            try:
                list(shut.syncs.list())
            except ClientClosedError:
                os._exit(7)
            os._exit(8)
        print(end_of(child))
        """,
    )
    assert out.split() == ["7"]


def test_a_child_uses_the_settings_of_its_client_even_if_the_environment_has_changed(world: World) -> None:
    out, _ = run(
        world,
        """
        ht = Hightouch(**settings)
        os.environ["HIGHTOUCH_API_KEY"] = "another"
        os.environ["HIGHTOUCH_BASE_URL"] = "https://127.0.0.1:9/api/v1"
        child = os.fork()
        if child == 0:
            os._exit(len(list(ht.syncs.list())))
        print(end_of(child))
        """,
    )
    assert out.split() == ["3"]


def test_the_process_ends_with_a_call_in_flight_in_a_daemon_thread(new_world: Callable[..., World]) -> None:
    world = new_world(script=HANG)
    out, err = run(
        world,
        """
        ht = Hightouch(**settings)
        for _ in range(4):
            threading.Thread(target=lambda: list(ht.syncs.list()), daemon=True).start()
        input()
        print("over")
        """,
        when=lambda requests: len(requests) == 4,
    )
    assert out.split() == ["over"]
    assert err == ""
    world.wait_for(lambda requests: gone(requests, 4))


def test_the_process_ends_with_tasks_in_flight(new_world: Callable[..., World]) -> None:
    world = new_world(script=HANG)
    out, err = run(
        world,
        """
        async def main():
            ht = AsyncHightouch(**settings)
            tasks = [asyncio.create_task(ht.request("GET", "/syncs")) for _ in range(4)]
            await asyncio.to_thread(input)
            print(sum(task.done() for task in tasks))
        asyncio.run(main())
        """,
        when=lambda requests: len(requests) == 4,
    )
    assert out.split() == ["0"]
    assert err == ""
    world.wait_for(lambda requests: gone(requests, 4))


def test_the_process_ends_with_an_event_loop_that_was_never_closed(new_world: Callable[..., World]) -> None:
    world = new_world(script=HANG)
    out, err = run(
        world,
        """
        ht = AsyncHightouch(**settings)
        loop = asyncio.new_event_loop()
        task = loop.create_task(ht.request("GET", "/syncs"))
        loop.run_until_complete(asyncio.to_thread(input))
        print("over")
        """,
        when=lambda requests: len(requests) == 1,
    )
    assert out.split() == ["over"]
    assert "Traceback" not in err


def test_the_first_call_starts_one_thread(world: World) -> None:
    out, _ = run(
        world,
        """
        def threads():
            return len(os.listdir("/proc/self/task"))
        def settled(count):
            # A thread that has ended stays in the folder for a moment.
            end = time.monotonic() + 30
            while threads() - before != count and time.monotonic() < end:
                time.sleep(0.01)
            return threads() - before
        before = threads()
        ht = Hightouch(**settings)
        made = settled(0)
        list(ht.syncs.list())
        print(made, settled(1))
        """,
    )
    assert out.split() == ["0", "1"]


def test_the_blocking_client_needs_neither_asyncio_nor_logging(world: World) -> None:
    out, _ = run(
        world,
        """
        import subprocess
        code = "import hightouch_sdk, sys; print([m for m in ('asyncio', 'logging') if m in sys.modules])"
        print(subprocess.check_output([sys.executable, "-c", code], text=True))
        """,
    )
    assert out.split() == ["[]"]
