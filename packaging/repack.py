#!/usr/bin/env python3
"""Compresses wheels again, with zopfli: `repack.py WHEEL...`. The files inside, their hashes and their modes stay.

zopfli writes deflate, which every installer reads, and takes half a minute where the usual compressor takes a second.
"""

from __future__ import annotations

import copy
import sys
import zipfile
from pathlib import Path

import zopfli.zlib  # type: ignore[import-untyped,import-not-found]


class Compressor:
    """What `zipfile` asks to compress a file: `compress` for each part, then `flush`."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def compress(self, part: bytes) -> bytes:
        self._parts.append(part)
        return b""

    def flush(self) -> bytes:
        # Without zlib's header of two bytes and its checksum of four, this is what a ZIP file contains.
        packed: bytes = zopfli.zlib.compress(b"".join(self._parts), numiterations=5)[2:-4]
        return packed


def repack(wheel: Path) -> None:
    part = wheel.with_suffix(".part")
    # The only way to give `zipfile` another compressor. The comparison below finds out if it stops working.
    zipfile._get_compressor = lambda *_: Compressor()  # type: ignore[attr-defined]
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            new.writestr(copy.copy(entry), old.read(entry), zipfile.ZIP_DEFLATED)
    before = wheel.stat().st_size
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(part) as new:
        for one, other in zip(old.infolist(), new.infolist(), strict=True):
            same = (one.filename, one.CRC, one.external_attr) == (other.filename, other.CRC, other.external_attr)
            if not same or old.read(one) != new.read(other):
                raise SystemExit(f"{wheel.name}: {one.filename} has changed")
    part.replace(wheel)
    print(f"{wheel.name}: {before:,} bytes, {wheel.stat().st_size:,} packed by zopfli")


for argument in sys.argv[1:]:
    repack(Path(argument))
