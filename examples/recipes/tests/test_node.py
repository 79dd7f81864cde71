"""Tests the Express app and the bundlers of docs/bundlers.md, in a folder in which npm has installed the package."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from conftest import RECIPES, environment, triggers
from programs import WEB_WORLD, running, starts_runs_and_looks_at_them
from sandbox import World, until

APP = Path(os.environ["HIGHTOUCH_NODE_APP"])


def test_express_starts_each_run_once_and_looks_at_it(new_world: Callable[..., World], tmp_path: Path) -> None:
    world = new_world(**WEB_WORLD)
    # Node looks for packages in a program's folder and in the folders above, so the program must be in APP.
    program = APP / "express_app.mjs"
    program.write_text((RECIPES / "express_app.mjs").read_text())
    with running(["node", str(program)], environment(world, PORT="0"), tmp_path) as process:
        output = tmp_path / "output"
        until(lambda: "listening on" in output.read_text() or process.poll() is not None)
        found = re.search(r"listening on (\d+)", output.read_text())
        assert found, output.read_text()
        url = f"http://127.0.0.1:{found[1]}"
        starts_runs_and_looks_at_them(url)
        process.terminate()
        assert process.wait(30) == 0
    assert triggers(world) == 2
    assert world.log()["left"]["script"] == [0]  # the first answer was lost


JOB = """\
import { Hightouch } from 'hightouch-sdk'
const ht = new Hightouch()
const run = await ht.syncs.trigger('orders-to-salesforce')
console.log((await run.wait()).status)
await ht.close()
"""
BUNDLERS = {
    "webpack": (
        "webpack.config.cjs",
        "module.exports = { mode: 'production', target: 'node', entry: './job.mjs',"
        " externals: { 'hightouch-sdk': 'commonjs hightouch-sdk' },"
        " output: { path: __dirname, filename: 'webpack-out.cjs' } }",
        ["npx", "webpack", "--config", "webpack.config.cjs"],
        "webpack-out.cjs",
    ),
    "rollup": (
        "rollup.config.mjs",
        "export default { input: 'job.mjs', external: ['hightouch-sdk'],"
        " output: { file: 'rollup-out.mjs', format: 'es' } }",
        ["npx", "rollup", "--config", "rollup.config.mjs"],
        "rollup-out.mjs",
    ),
}


def test_a_bundle_of_webpack_and_of_rollup_runs_beside_the_package(new_world: Callable[..., World]) -> None:
    (APP / "job.mjs").write_text(JOB)
    for name, (config, text, command, bundle) in BUNDLERS.items():
        (APP / config).write_text(text)
        built = subprocess.run(command, cwd=APP, capture_output=True, text=True, check=False)
        assert built.returncode == 0, f"{name}: {built.stdout}{built.stderr}"
        # The bundle contains the program, but not the package.
        assert "prebuilt" not in (APP / bundle).read_text()
        world = new_world()
        done = subprocess.run(
            ["node", bundle], cwd=APP, env=environment(world), capture_output=True, text=True, check=False
        )
        assert (done.stdout.strip(), done.returncode) == ("success", 0), f"{name}: {done.stderr}"
        assert triggers(world) == 1
