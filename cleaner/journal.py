"""The journal of a run, and how it becomes the manifest, the audit and the failures.

While a run goes on, each finished task is appended to the journal: a head line, then its manifest rows. A run that is killed
leaves the journal and its spool files; whoever comes next merges them first and goes on from there. Merging twice does no
harm, so that it may be killed as well.
"""

from __future__ import annotations

import heapq
import json
import os
import shutil
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from cleaner.manifest import MANIFEST, lines_of, order_of
from cleaner.spool import checksum, from_json_line
from cleaner.task import Done, Settings

JOURNAL = "journal.jsonl"
RUNS = "run"
"""The folder inside the state folder that holds what belongs to one run: spool files, files being written."""

STREAMS = ("audit", "failures")


def boot() -> str:
    """What names this run of the machine; after a power loss it is another. Empty where the system has no such name."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


class Entry(NamedTuple):
    """A finished task in the journal: where its rows stand, and its spool files."""

    number: int
    offset: int
    size: int
    spools: dict[str, Any]


class Journal:
    """The journal while a run writes it."""

    def __init__(self, state: Path, settings: Settings) -> None:
        self._file: IO[bytes] = (state / JOURNAL).open("wb")
        about: dict[str, Any] = {"boot": boot(), "run": Path(settings.run).name, "format": settings.format}
        about["parts"] = settings.parts if settings.sharded else 0
        self._file.write(json.dumps(about).encode() + b"\n")
        self._file.flush()

    def add(self, done: Done) -> None:
        """Append a finished task. From here on it will not be done again."""
        head = {"task": done.number, "size": len(done.rows), "crc": zlib.crc32(done.rows), "spools": done.spools}
        self._file.write(json.dumps(head).encode() + b"\n" + done.rows)
        self._file.flush()

    def close(self) -> None:
        """Close the file; what it holds is still to be merged."""
        self._file.close()


class Finished:
    """The finished tasks of a journal, in the order of their keys, each input once.

    After a power loss, only tasks whose files are there, unharmed.
    """

    def __init__(self, state: Path, out: Path) -> None:
        self.state = state
        self.entries: list[Entry] = []
        self.about: dict[str, Any] = {}
        if (state / JOURNAL).exists():
            self._read(out)

    def _read(self, out: Path) -> None:
        found: dict[int, Entry] = {}
        with (self.state / JOURNAL).open("rb") as file:
            self.about = _head(file)
            trusted = self.about.get("boot") not in (None, "") and self.about["boot"] == boot()
            while head := _head(file):
                offset = file.tell()
                rows = file.read(head["size"])
                if len(rows) != head["size"] or zlib.crc32(rows) != head["crc"]:
                    break  # killed, or cut by a power loss, while this was written
                entry = Entry(head["task"], offset, head["size"], head["spools"])
                if trusted or self._unharmed(rows, entry, out):
                    found[entry.number] = entry
        self.entries = [found[number] for number in sorted(found)]

    def _unharmed(self, rows: bytes, entry: Entry, out: Path) -> bool:
        """Are the outputs and the spool files of a task what the journal says they are?"""
        try:
            for name, size, crc in entry.spools.values():
                if self._spool(name).stat().st_size != size or checksum(str(self._spool(name))) != crc:
                    return False
            made = [row for row in map(from_json_line, rows.splitlines()) if row.get("output")]
            return all(checksum(str(out / row["output"])) == row["output_crc"] for row in made)
        except OSError:
            return False

    def _spool(self, name: str) -> Path:
        return self.state / RUNS / str(self.about.get("run")) / name

    def rows(self) -> Iterator[bytes]:
        """Their manifest rows."""
        with (self.state / JOURNAL).open("rb") as file:
            for entry in self.entries:
                file.seek(entry.offset)
                yield from file.read(entry.size).splitlines(keepends=True)

    def lines(self, stream: str) -> Iterator[bytes]:
        """What they wrote to a stream."""
        for entry in self.entries:
            if stream in entry.spools:
                yield from lines_of(self._spool(entry.spools[stream][0]))


def _head(file: IO[bytes]) -> dict[str, Any]:
    try:
        head = json.loads(file.readline())
    except ValueError:
        return {}
    return head if isinstance(head, dict) else {}


def merge(state: Path, out: Path) -> bool:
    """Merge the journal, if there is one, into the manifest, the audit, the failures and the parts; was there anything?"""
    finished = Finished(state, out)
    if finished.entries:
        if hasattr(os, "sync"):
            os.sync()  # what the manifest calls done must survive a power loss
        if finished.about.get("parts"):
            from cleaner.parts import merge_parts

            merge_parts(finished, out)
        for stream in STREAMS:
            path = state / f"{stream}.jsonl"
            replace(path, _merged(path, finished, finished.lines(stream)), state)
        new = (line for line in finished.rows() if not line.endswith(b'"gone":true}\n'))
        replace(state / MANIFEST, _merged(state / MANIFEST, finished, new), state)
    # The journal goes first: without it, the rest means nothing.
    (state / JOURNAL).unlink(missing_ok=True)
    shutil.rmtree(state / RUNS, ignore_errors=True)
    return bool(finished.entries)


def _merged(old: Path, finished: Finished, new: Iterator[bytes]) -> Iterator[bytes]:
    """The old lines of inputs that were not touched and the new ones of those that were."""
    if not old.exists() or not old.stat().st_size:
        return new
    return heapq.merge(without(lines_of(old), finished.rows()), new, key=order_of)


def replace(path: Path, lines: Iterable[bytes], state: Path) -> None:
    """Write a file of lines so that nobody ever sees a part of it."""
    (state / RUNS).mkdir(exist_ok=True)
    temporary = state / RUNS / path.name
    with temporary.open("wb", buffering=1 << 20) as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def without(lines: Iterator[bytes], touched: Iterator[bytes]) -> Iterator[bytes]:
    """The lines whose input has no row among `touched`; both in the order of keys.

    >>> rows = [b'{"path":"a"}', b'{"path":"b"}', b'{"path":"d"}']
    >>> list(without(iter(rows), iter([b'{"path":"b","size":2}', b'{"path":"c"}'])))
    [b'{"path":"a"}', b'{"path":"d"}']
    """
    marks = map(order_of, touched)
    mark = next(marks, None)
    for line in lines:
        at = order_of(line)
        while mark is not None and mark < at:
            mark = next(marks, None)
        if mark != at:
            yield line
