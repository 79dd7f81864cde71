#!/usr/bin/env python3
"""Compresses wheels again, with zopfli: `repack.py WHEEL...`. The files inside keep their hashes and modes.

zopfli writes deflate, which every installer reads. zopfli takes half a minute; the usual compressor takes a second.
"""

from __future__ import annotations

import copy
import sys
import zipfile
from pathlib import Path

import zopfli.zlib  # type: ignore[import-untyped,import-not-found]


class Compressor:
    """A compressor for `zipfile`: `zipfile` calls `compress` for each part of a file, and then `flush`."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def compress(self, part: bytes) -> bytes:
        self._parts.append(part)
        return b""

    def flush(self) -> bytes:
        # A ZIP file contains the stream without zlib's header of two bytes and without its checksum of four bytes.
        packed: bytes = zopfli.zlib.compress(b"".join(self._parts), numiterations=5)[2:-4]
        return packed


def repack(wheel: Path) -> None:
    part = wheel.with_suffix(".part")
    # `zipfile` has no public way to set another compressor. The comparison below fails if a later version of `zipfile`
    # writes broken files with this compressor.
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
