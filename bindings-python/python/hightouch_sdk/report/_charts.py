"""The charts of a report, as SVG. Vega-Lite draws the charts, through vl-convert.

Colours are custom properties of the page's CSS, so that a chart follows the theme. No chart contains text of a user.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, final

import vl_convert
from markupsafe import Markup, escape

from ._figures import RunFigures
from ._period import Period

SUCCEEDED, WARNED, FAILED, QUIET, MUTED, GRID = (
    f"var(--{name})" for name in ("succeeded", "warned", "failed", "quiet", "muted", "grid")
)
SPARK = (124, 26)
WIDE = (264, 120)
VEGA_LITE = "6.1"
Parts = Sequence[tuple[str, Callable[[RunFigures], float]]]
OUTCOMES: Parts = (
    (FAILED, lambda it: it.failed),
    (WARNED, lambda it: it.warned),
    (SUCCEEDED, lambda it: it.succeeded),
)
TROUBLES = OUTCOMES[:2]
ROWS: Parts = ((FAILED, lambda it: it.rejected_rows), (QUIET, lambda it: it.accepted_rows))


@final
class Charts:
    """Draws the charts of one report."""

    def __init__(self, period: Period) -> None:
        self._count = len(period.starts)
        self._labels = [period.label(index) for index in range(self._count)]

    def outcomes(self, buckets: Mapping[int, RunFigures], alternative: str) -> Markup:
        """Draws a small chart of how runs ended: the shares of the outcomes in each bucket."""
        return self._drawn(self._bars(buckets, OUTCOMES, stack="normalize"), SPARK, alternative)

    def rows(self, buckets: Mapping[int, RunFigures], alternative: str) -> Markup:
        """Draws a small chart of the rows in each bucket."""
        return self._drawn(self._bars(buckets, ROWS), SPARK, alternative)

    def durations(self, buckets: Mapping[int, RunFigures], alternative: str) -> Markup:
        """Draws a small chart of how long runs took on average in each bucket."""
        return self._drawn(self._line(buckets, 1), SPARK, alternative)

    def wide_outcomes(self, buckets: Mapping[int, RunFigures], alternative: str) -> Markup:
        """Draws a larger chart with axes: how many runs ended in each way, in each bucket."""
        return self._drawn(self._axes(self._bars(buckets, OUTCOMES), "s"), WIDE, alternative)

    def wide_troubles(self, buckets: Mapping[int, RunFigures], alternative: str) -> Markup:
        """Draws a larger chart with axes: how many runs failed or ended with warnings, in each bucket."""
        return self._drawn(self._axes(self._bars(buckets, TROUBLES), "d"), WIDE, alternative)

    def wide_rows(self, buckets: Mapping[int, RunFigures], alternative: str) -> Markup:
        """Draws a larger chart with axes: the rows in each bucket."""
        return self._drawn(self._axes(self._bars(buckets, ROWS), "s"), WIDE, alternative)

    def wide_durations(self, buckets: Mapping[int, RunFigures], alternative: str) -> Markup:
        """Draws a larger chart with axes: how long runs took on average in each bucket, in h, min or s."""
        longest = max((it.mean_seconds or 0 for it in buckets.values()), default=0)
        unit, name = (3600, "h") if longest >= 7200 else (60, "min") if longest >= 120 else (1, "s")
        return self._drawn(self._axes(self._line(buckets, unit), f"~r|{name}"), WIDE, alternative)

    def _bars(self, buckets: Mapping[int, RunFigures], parts: Parts, stack: str = "zero") -> dict[str, Any]:
        values = [
            {"x": index, "y": value, "c": colour, "o": order}
            for index, figures in sorted(buckets.items())
            for order, (colour, of) in enumerate(parts)
            if (value := of(figures))
        ]
        return {
            "data": {"values": values},
            "mark": {"type": "bar"},
            "encoding": {
                "x": self._x({"paddingInner": 0.2, "paddingOuter": 0}),
                "y": {"field": "y", "type": "quantitative", "stack": stack, "axis": None},
                "color": {"field": "c", "type": "nominal", "scale": None},
                "order": {"field": "o"},
            },
        }

    def _line(self, buckets: Mapping[int, RunFigures], unit: int) -> dict[str, Any]:
        means = ((index, figures.mean_seconds) for index, figures in sorted(buckets.items()))
        values = [{"x": index, "y": mean / unit} for index, mean in means if mean is not None]
        return {
            "data": {"values": values},
            "mark": {"type": "line", "stroke": QUIET, "strokeWidth": 1.5, "strokeJoin": "round"},
            "encoding": {
                "x": self._x({"paddingInner": 0.2, "paddingOuter": 0}),
                "y": {"field": "y", "type": "quantitative", "scale": {"zero": True}, "axis": None},
            },
        } | ({"mark": {"type": "point", "filled": True, "color": QUIET, "size": 14}} if len(values) < 3 else {})

    def _x(self, padding: dict[str, float]) -> dict[str, Any]:
        return {
            "field": "x",
            "type": "ordinal",
            "axis": None,
            "scale": {"type": "band", "domain": list(range(self._count)), **padding},
        }

    def _axes(self, spec: dict[str, Any], form: str) -> dict[str, Any]:
        """Adds axes with labels for the first bucket, about three more buckets, and about three values."""
        every = max(1, -(-self._count // 4))
        ticks = list(range(0, self._count, every))
        form, _, unit = form.partition("|")
        names = {str(tick): self._labels[tick] for tick in ticks}
        quiet = {"domain": False, "ticks": False, "title": None, "labelFontSize": 11, "labelColor": MUTED}
        spec["encoding"]["x"]["axis"] = {
            **quiet,
            "values": ticks,
            "labelExpr": f"{names}[datum.value]",
            "labelAngle": 0,
            "labelAlign": "left",
            "labelPadding": 6,
            "labelFlush": False,
        }
        spec["encoding"]["y"]["axis"] = {
            **quiet,
            "tickCount": 3,
            "labelExpr": f"format(datum.value, '{form}') + '{' ' + unit if unit else ''}'",
            "gridColor": GRID,
            "labelPadding": 6,
        }
        return spec

    @staticmethod
    def _drawn(spec: dict[str, Any], size: tuple[int, int], alternative: str) -> Markup:
        width, height = size
        if not spec["data"]["values"]:
            return Markup('<span class="none">\N{EN DASH}</span>')
        drawn = vl_convert.vegalite_to_svg(
            {
                "width": width,
                "height": height,
                "padding": 0,
                "autosize": {"type": "fit", "contains": "padding"},
                "background": None,
                "config": {"view": {"stroke": None}, "aria": False, "font": "system-ui, sans-serif"},
                **spec,
            },
            vl_version=VEGA_LITE,
            allowed_base_urls=[],
        )
        return tidy(drawn, width, height, alternative)


NUMBER = re.compile(r"-?\d+\.\d{2,}(?:e-?\d+)?")
ROOT = re.compile(r"^<svg[^>]*>")
NEEDLESS = re.compile(
    r' (?:class|role|aria-hidden|aria-roledescription|stroke-miterlimit)="[^"]*"'
    r'|<path class="(?:background|foreground)"[^>]*/>'
)


def tidy(svg: str, width: int, height: int, alternative: str) -> Markup:
    """Rounds the coordinates, removes needless attributes, and adds a description for screen readers."""
    svg = NEEDLESS.sub("", svg)
    svg = NUMBER.sub(lambda found: f"{float(found[0]):.1f}".removesuffix(".0"), svg)
    root = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        f' role="img" aria-label="{escape(alternative)}">'
    )
    # The result is safe: Vega has escaped every value in its SVG, and `escape` has escaped the added text.
    return Markup(ROOT.sub(lambda _: root, svg))  # noqa: S704
