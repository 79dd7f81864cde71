"""Checks of the arguments that describe a world and its faults.

The sandbox itself accepts more: a status that the API may add one day, for example. A program under test waits for ever
for the end of a run with a misspelt status.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias, cast, get_args

LastStatus: TypeAlias = Literal["success", "warning", "failed", "cancelled", "interrupted"]
"""How a run of a sync can end."""

_LAST = {
    "runs": get_args(LastStatus),
    "sequences": ("done", "failed", "cancelled"),
    "graphs": ("SUCCESS", "FAILURE", "CANCELLED"),
}
"""How runs can end, by the setting of the world that plans them."""


def near(wrong: str, names: Iterable[str]) -> str:
    """Returns a question that names the most similar name, after a space; or nothing if no name is similar."""
    by_lower = {name.lower(): name for name in names}
    found = difflib.get_close_matches(wrong.lower(), by_lower, 1)
    return f" Did you mean {by_lower[found[0]]!r}?" if found else ""


def check_whole(name: str, value: object, least: int, most: int | None = None) -> None:
    """Checks that an argument is a whole number in a range.

    Raises:
        ValueError: It is not.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < least or (most is not None and value > most):
        bounds = f"of at least {least}" if most is None else f"from {least} to {most:,}"
        raise ValueError(f"`{name}` must be a whole number {bounds}, not {value!r}.")


def check_number(name: str, value: object, least: float, most: float) -> None:
    """Checks that an argument is a number in a range.

    Raises:
        ValueError: It is not.
    """
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"`{name}` must be a number from {least:g} to {most:,}, not {value!r}.")


def check_text(name: str, value: object) -> None:
    """Checks that an argument is a string that UTF-8 can encode.

    Raises:
        ValueError: It is not.
    """
    if not isinstance(value, str):
        raise ValueError(f"`{name}` must be a string, not {value!r}.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"`{name}` has a character that UTF-8 cannot encode, {value[error.start]!r}.") from None


def check_status(name: str, value: object, of: str = "runs") -> None:
    """Checks that a status ends a run.

    Args:
        name: The name of the argument.
        value: The status.
        of: What is run: ``runs`` of syncs, ``sequences`` or ``graphs``.

    Raises:
        ValueError: A run cannot end with this status.
    """
    names = _LAST[of]
    if value not in names:
        listed = f"{', '.join(map(repr, names[:-1]))} or {names[-1]!r}"
        raise ValueError(f"`{name}` must be {listed}, not {value!r}.{near(str(value), names)}")


def check_slugs(slugs: object, syncs: int | None) -> None:
    """Checks that slugs are different strings, and not more than there are syncs.

    Raises:
        ValueError: They are not.
    """
    named: Any = slugs
    if isinstance(slugs, (str, bytes)) or not isinstance(slugs, Sequence):
        raise ValueError(f"`slugs` must be a list of slugs, such as ['orders-to-salesforce'], not {slugs!r}.")
    for index, slug in enumerate(named):
        check_text(f"slugs[{index}]", slug)
        if slug in named[:index]:
            raise ValueError(f"`slugs` has {slug!r} twice. The slugs of a workspace are different.")
    if syncs is not None and len(named) > syncs:
        raise ValueError(f"`slugs` names {len(named)} syncs, and `syncs` is {syncs}. Leave out `syncs`.")


def check_limit(limit: object) -> None:
    """Checks that a limit is a pair of a number of requests and a number of seconds.

    Raises:
        ValueError: It is not.
    """
    if not isinstance(limit, (tuple, list)) or len(pair := list[Any](limit)) != 2:  # pyright: ignore[reportUnknownArgumentType]
        raise ValueError(
            f"`limit` must be a number of requests and a number of seconds, as in (200, 10), not {limit!r}."
        )
    check_whole("limit[0]", pair[0], 1)
    check_number("limit[1]", pair[1], 0.001, 1_000_000)


def check_settings(settings: Mapping[str, Any]) -> None:
    """Checks the last statuses of runs in the settings of a world.

    Raises:
        ValueError: A run cannot end with one of these statuses.
    """
    for of in _LAST:
        _check_plan(f"settings[{of!r}]", settings.get(of), of)


def _check_plan(name: str, plan: Any, of: str) -> None:
    if not isinstance(plan, Mapping):
        return
    parts = cast("Mapping[str, Any]", plan)
    if parts.get("status") is not None:
        check_status(f"{name}['status']", parts["status"], of)
    own = parts.get("bySlug")
    if isinstance(own, Mapping):
        plans = cast("Mapping[str, Any]", own)
        for slug in plans:
            _check_plan(f"{name}['bySlug'][{slug!r}]", plans[slug], of)
