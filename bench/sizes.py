"""Prints the size of each package beside the goal for packages: ``sizes.py FILE...``."""

from __future__ import annotations

import sys
from pathlib import Path

from goals import LARGEST_PACKAGE

print(f"\n  {'package of one platform':<70}{'MB':>9}")
for name in sys.argv[1:]:
    size = Path(name).stat().st_size
    met = "met" if size <= LARGEST_PACKAGE else "not met"
    print(f"  {Path(name).name:<70}{size / 1e6:>9.2f}   goal {LARGEST_PACKAGE / 1e6:.2f}: {met}")
