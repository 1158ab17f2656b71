"""The manifest: one row for each input, in the order of keys; what is new, changed, gone since it was written.

A row begins with what decides whether its input must be cleaned again (``path``, ``size``, ``mtime_ns``, ``output_size``,
``config``, ``status``, ``failed``), always in this order: an unchanged input is recognised by the bytes its row begins with,
without parsing it.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from json.encoder import encode_basestring
from pathlib import Path
from typing import Any

from cleaner.errors import CleanerError
from cleaner.sources import Source, order, part_of, unread
from cleaner.spool import encoded, file_digest
from cleaner.task import GONE, Settings

MANIFEST = "manifest.jsonl"
TIMES = ("seconds", "at")
"""The columns of a row that differ between two runs over the same input."""

_DONE = b'"cleaned","failed":0,'
_DECODER = json.JSONDecoder()


@dataclass(slots=True)
class Comparison:
    """What `changes` has met so far."""

    unchanged: int = 0
    failed_before: int = 0
    vanished: int = 0
    vanished_names: list[str] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Rules:
    """What counts as changed: failures (``retry_failed``), content (``checksum``), rows of inputs that are gone (``prune``)."""

    retry_failed: bool = False
    checksum: bool = False
    prune: bool = False
    lost_parts: frozenset[int] = frozenset()
    parts: int = 1


def key_of(line: bytes) -> str:
    """The key of a row of the manifest, the audit or the failures: each begins with its path.

    >>> key_of(b'{"path":"a/b.txt","size":1}')
    'a/b.txt'
    """
    for length in (512, len(line)):  # a row may be long, its path is short
        try:
            key: str = _DECODER.raw_decode(line[:length].decode("utf-8", "replace"), 8)[0]
        except ValueError:
            continue
        return key
    raise CleanerError(f"a row that does not begin with its path ({line[:60]!r}); remove the .cleaner folder and run again.")


def order_of(line: bytes) -> str:
    """What rows are sorted by."""
    return order(key_of(line))


def changes(
    sources: Iterable[Source], manifest: Path, *, root: str, settings: Settings, rules: Rules, seen: Comparison
) -> Iterator[Source]:
    """The inputs that must be cleaned, in the order of keys; with ``prune``, those that vanished among them as `GONE`."""
    rows = _Rows(manifest)
    plain = not (rules.lost_parts or rules.checksum)
    for source in sources:
        if not rows.line:
            yield source
            continue
        begin = _beginning(source, settings)
        known = rows.line.startswith(begin)
        if known and plain and rows.line.startswith(_DONE, len(begin)):
            seen.unchanged += 1
            rows.next()
            continue
        at = order(source.key)
        while rows.line and not known and rows.order < at:
            yield from _missing(rows, root, settings, rules, seen)
            rows.next()
            known = rows.line.startswith(begin)
        rest = rows.line[len(begin) : len(begin) + 24]
        row = rows.line if known or (rows.line and rows.order == at) else b""
        if row:
            rows.next()
        if rules.lost_parts and part_of(source.key, rules.parts) in rules.lost_parts:
            known = False
        if known and rest.startswith(b'"failed"') and rules.retry_failed:
            known = False
        if row and rules.checksum:
            known = _same_content(source, json.loads(row), begin, rules)
        if not known:
            yield source
            continue
        seen.unchanged += 1
        if not rest.startswith(_DONE):
            _count(json.loads(row), seen)
    while rows.line:
        yield from _missing(rows, root, settings, rules, seen)
        rows.next()


def _beginning(source: Source, settings: Settings) -> bytes:
    """How the row of this input begins if nothing has changed, its output included."""
    size: int | str = "null"
    if not settings.sharded and not source.problem and source.kind:
        try:
            size = os.stat(f"{settings.out}/{settings.output_of(source)}").st_size
        except (OSError, ValueError):
            size = "null"
    return encoded(
        f'{{"path":{encode_basestring(source.key)},"size":{source.size},"mtime_ns":{source.mtime_ns},'
        f'"output_size":{size},"config":"{settings.config}","status":'
    )


def _same_content(source: Source, row: dict[str, Any], begin: bytes, rules: Rules) -> bool:
    """With ``--checksum``: is the content that of the row, whatever its time says?"""
    same = row["size"] == source.size and f'"config":"{row["config"]}"'.encode() in begin
    output = b"null" if row["output_size"] is None else str(row["output_size"]).encode()
    if not same or b'"output_size":' + output + b"," not in begin or (row["status"] == "failed" and rules.retry_failed):
        return False
    try:
        return row.get("digest") is None or bool(file_digest(source.path) == row["digest"])
    except OSError:
        return False


def _count(row: dict[str, Any], seen: Comparison) -> None:
    if row["status"] == "failed" or row["failed"]:
        seen.failed_before += max(1, row["failed"])


def _missing(rows: _Rows, root: str, settings: Settings, rules: Rules, seen: Comparison) -> Iterator[Source]:
    """A row whose input was not met: gone, or only not part of this run."""
    key = key_of(rows.line)
    if os.path.lexists(os.path.join(root, key)):
        return
    seen.vanished += 1
    if len(seen.vanished_names) < 5:
        seen.vanished_names.append(key)
    if rules.prune:
        output = json.loads(rows.line).get("output")
        yield unread(key, f"{settings.out}/{output}" if output else "", GONE)


def lines_of(path: Path) -> Iterator[bytes]:
    """The lines of a file; none if there is no file."""
    try:
        file = path.open("rb", buffering=1 << 20)
    except FileNotFoundError:
        return
    with file:
        yield from file


class _Rows:
    """The rows of an earlier manifest, one at a time; ``line`` is empty at the end."""

    def __init__(self, path: Path) -> None:
        self._lines = lines_of(path)
        self.next()

    def next(self) -> None:
        """Go to the next row."""
        self.line = next(self._lines, b"")
        self._order: str | None = None

    @property
    def order(self) -> str:
        """Where the present row stands among all."""
        if self._order is None:
            self._order = order_of(self.line)
        return self._order
