"""Reads a JSON list of examples from standard input, runs the examples one by one, and prints the failures."""

from __future__ import annotations

import json
import os
import sys
import traceback


def main() -> None:
    for name, code, environment in json.load(sys.stdin):
        os.environ.update(environment)
        print(f"--- {name}", flush=True)
        try:
            exec(compile(code, name, "exec"), {"__name__": "__main__"})
        except BaseException:
            print(f"FAILED {name}\n{traceback.format_exc()}", file=sys.stderr, flush=True)


main()
