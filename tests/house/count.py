"""Adds up the tests of all languages: `count.py LOGS BROKEN`.

LOGS is the folder of the logs, and BROKEN the number of parts that failed. Prints a line for each part and then the
sum. Fails if a test or a part failed, or if a part of `PASSED_FAILED` ran no test.
"""

import re
import sys
from pathlib import Path

# For each part: a pattern for the lines in which cargo test, pytest, node --test (TAP or spec) and XCTest print their
# counts, and how `count` combines the counts of several lines. XCTest's suites are nested, so the pattern matches only
# the outermost suite of each process.
PASSED_FAILED = {
    "test-core": (r"test result: \w+\. (\d+) passed; (\d+) failed", "sum"),
    "test-limit": (r"test result: \w+\. (\d+) passed; (\d+) failed", "sum"),
    "test-sandbox": (r"test result: \w+\. (\d+) passed; (\d+) failed", "sum"),
    "test-python": (r"^(?:=+ )?(?:(\d+) failed, )?(\d+) passed.* in ", "failed-first"),
    "test-node": (r"^(?:#|ℹ) (pass|fail) (\d+)", "named"),
    "test-loom": (r"test result: \w+\. (\d+) passed; (\d+) failed", "sum"),
    "test-tokens": (r"^tokens: (\d+) passed, (\d+) failed", "sum"),
    "test-swift": (
        r"^Test Suite '(?:All|Selected) tests' .*\n\s*Executed (\d+) tests?, with (?:\d+ tests? skipped and )?(\d+) fail",
        "executed",
    ),
}
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def count(text: str, pattern: str, how: str) -> tuple[int, int]:
    found = re.findall(pattern, COLOUR.sub("", text), re.MULTILINE)
    if how == "sum":
        return sum(int(passed) for passed, _ in found), sum(int(failed) for _, failed in found)
    if how == "failed-first":
        return sum(int(passed) for _, passed in found), sum(int(failed or 0) for failed, _ in found)
    if how == "named":
        by_name = {name: sum(int(number) for kind, number in found if kind == name) for name in ("pass", "fail")}
        return by_name["pass"], by_name["fail"]
    failed = sum(int(number) for _, number in found)
    return sum(int(number) for number, _ in found) - failed, failed


def main(logs: Path, broken: int) -> int:
    passed_all = failed_all = 0
    empty = []
    for part, (pattern, how) in PASSED_FAILED.items():
        log = logs / f"{part}.log"
        passed, failed = count(log.read_text(errors="replace"), pattern, how) if log.exists() else (0, 0)
        print(f"{part}: {passed} passed, {failed} failed")
        if passed + failed == 0:
            empty.append(part)
        passed_all += passed
        failed_all += failed
    if empty:
        print(f"These parts ran no tests: {', '.join(empty)}.")
    # A part such as a linter or a build can fail although no test fails. The sum then counts at least one failure.
    failed_all = max(failed_all, broken, len(empty))
    print(f"{passed_all} passed, {failed_all} failed")
    return 1 if failed_all else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
