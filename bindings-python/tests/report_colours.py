"""Measures the colours of a report."""

from __future__ import annotations

import re
from importlib import resources

# Each matrix simulates a form of colour blindness on linear RGB: Machado, Oliveira and Fernandes (2009), severity 1.
SIGHTS = {
    "usual": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
XYZ = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
WHITE = (0.9505, 1.0, 1.089)


def themes() -> list[dict[str, str]]:
    """Returns the colours (`#rrggbb`) of the light and of the dark theme, by the names of the colours."""
    css = resources.files("hightouch_sdk.report").joinpath("templates/report.css").read_text("utf-8")
    blocks = re.findall(r":root \{([^}]*--card[^}]*)\}", css)
    assert len(blocks) == 2
    return [dict(re.findall(r"--(\w+): (#\w{6});", block)) for block in blocks]


def contrast(one: str, two: str) -> float:
    """Returns the contrast ratio of two colours as WCAG 2.2 defines it."""
    dark, light = sorted(_times(XYZ, _linear(colour))[1] for colour in (one, two))
    return (light + 0.05) / (dark + 0.05)


def distance(one: str, two: str, sight: str) -> float:
    """Returns the distance of two colours in CIELAB, as seen with `sight`. A distance of 2 is just visible."""
    pairs = zip(_lab(one, sight), _lab(two, sight), strict=True)
    total: float = sum((left - right) ** 2 for left, right in pairs) ** 0.5
    return total


def _linear(colour: str) -> list[float]:
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]


def _times(matrix: tuple[tuple[float, ...], ...], vector: list[float]) -> list[float]:
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]


def _lab(colour: str, sight: str) -> tuple[float, float, float]:
    seen = _times(XYZ, _times(SIGHTS[sight], _linear(colour)))
    shares = [max(0.0, value) / white for value, white in zip(seen, WHITE, strict=True)]
    x, y, z = (share ** (1 / 3) if share > 0.008856 else 7.787 * share + 16 / 116 for share in shares)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)
