"""Clean text and audit -> the source text again, exact up to white space.

A document that lost nothing is its clean text; one that lost something stands whole in the audit. Where the clean text is no
longer what the audit kept, somebody has changed it since: that is said, and nothing is written for it.
"""

from __future__ import annotations

import heapq
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from cleaner.batch import AUDIT, read_run
from cleaner.errors import CleanerError, ReadError, UsageError
from cleaner.fields import get, put
from cleaner.manifest import MANIFEST, lines_of
from cleaner.parts import part_lines, part_name, write_parquet
from cleaner.read import kind_of
from cleaner.recordfiles import open_reader, open_writer
from cleaner.report import shown
from cleaner.sinks import SHARDED
from cleaner.sources import STATE, order, part_of
from cleaner.spool import encoded, json_line
from cleaner.unpack import pack, unpack

_CHANGED = "its clean text was changed since it was cleaned; clean it again, or take the source from the audit."
_NO_LIMIT = 1 << 40


def command(out: str, to: str | None, only: str | None) -> int:
    """Run ``cleaner restore``; the exit status."""
    if to is None and only is None:
        raise UsageError("name the folder to write to with -o, or one input with --only.")
    with tempfile.TemporaryDirectory() as folder:
        done = failed = 0
        for key, problem in restore(out, to or folder, only):
            done += 1
            if problem:
                failed += 1
                print(f"cleaner: {shown(key)}: {problem}", file=sys.stderr)
        if only and not done:
            raise ReadError(f"{only}: no such input in {out}; its manifest lists them.")
        if to is None:
            for path in sorted(Path(folder).rglob("*")):
                if path.is_file():
                    with path.open("rb") as file:
                        shutil.copyfileobj(file, sys.stdout.buffer)
        else:
            print(f"cleaner: {done - failed:,} inputs restored, {failed:,} failed.", file=sys.stderr)
    return 1 if failed else 0


def restore(out: str | Path, to: str | Path, only: str | None = None) -> Iterator[tuple[str, str]]:
    """Restore what a run wrote into `out`, below `to`; for each input its key, and what went wrong or nothing.

    Files have the names that they have in `out`. With `only`, that input alone. `UsageError` if no run wrote into `out`.
    """
    source, target = Path(out), Path(to)
    states = [state for state in [source / STATE, *sorted((source / STATE).glob("shard-*"))] if (state / MANIFEST).exists()]
    if not states:
        raise UsageError(f"{out}: holds no manifest; name a folder that `cleaner clean` wrote.")
    if target.resolve() == source.resolve():
        raise UsageError(f"{to}: is the folder with the clean text; name another with -o.")
    for state in states:
        about = read_run(state)
        one = _restore_parts if about.get("format") in SHARDED else _restore_files
        yield from one(source, target, state, about, only)


def _restore_files(out: Path, to: Path, state: Path, about: dict[str, Any], only: str | None) -> Iterator[tuple[str, str]]:
    audit = _Audit(lines_of(state / AUDIT))
    for row in map(json.loads, lines_of(state / MANIFEST)):
        if not row.get("output") or (only is not None and row["path"] != only):
            continue
        try:
            _restore_file(out, to, row, audit.of(row["path"]), about)
        except (CleanerError, OSError, ValueError) as error:
            yield row["path"], str(error)
        else:
            yield row["path"], ""


def _restore_file(out: Path, to: Path, row: dict[str, Any], audit: Iterator[dict[str, Any]], about: dict[str, Any]) -> None:
    name = row["output"]
    target = to / name
    target.parent.mkdir(parents=True, exist_ok=True)
    kind = kind_of(row["path"])
    if kind not in ("text", "page"):
        _restore_records(out / name, target, "records" if kind == "warc" else str(kind), about["field"], audit)
        return
    text = unpack((out / name).read_bytes(), name).decode("utf-8")
    if about["format"] == "markdown":
        text = without_front_matter(text)
    target.write_bytes(pack(encoded(_whole(text, next(audit, None))), name))


def _restore_records(path: Path, target: Path, kind: str, field: str, audit: Iterator[dict[str, Any]]) -> None:
    lost = next(audit, None)
    with ExitStack() as stack:
        records = stack.enter_context(open_reader(str(path), kind, field, None, _NO_LIMIT))
        writer = stack.enter_context(open_writer(str(target), path.name, kind, str(path), field))
        for at, record in enumerate(records, 1):
            if record.fields is None:
                raise ReadError(f"record {at} cannot be read ({record.content}).")
            if lost is not None and lost["row"] == at:
                put(record.fields, field, _whole(str(get(record.fields, field)), lost))
                lost = next(audit, None)
            writer.write(record)


def _restore_parts(out: Path, to: Path, state: Path, about: dict[str, Any], only: str | None) -> Iterator[tuple[str, str]]:
    parts, format = about["parts"], about["format"]
    names = [part_name(number, parts, format) for number in range(parts)]
    rows = heapq.merge(*(map(json.loads, part_lines(out / name)) for name in names), key=_place)
    if about.get("shard"):
        number, of = about["shard"]
        rows = (row for row in rows if part_of(row["path"], of) == number - 1)
    to.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack, tempfile.TemporaryDirectory(dir=to) as folder:
        files: dict[int, IO[bytes]] = {}
        chosen = (row for row in rows if only is None or row["path"] == only)
        audit = _Audit(lines_of(state / AUDIT))

        def file_for(key: str) -> IO[bytes]:
            number = part_of(key, parts)
            if number not in files:
                files[number] = stack.enter_context((Path(folder) / str(number)).open("wb"))
            return files[number]

        yield from _restored_rows(chosen, audit, file_for)
        stack.close()
        for number in files:
            if format == "parquet":
                write_parquet(to / names[number], lines_of(Path(folder) / str(number)))
            else:
                (Path(folder) / str(number)).replace(to / names[number])


def _restored_rows(rows: Iterable[dict[str, Any]], audit: _Audit, file_for: Callable[[str], IO[bytes]]) -> Iterator[tuple[str, str]]:
    last, problem = None, ""
    for row in rows:
        if last is not None and row["path"] != last:
            yield last, problem
            problem = ""
        last = row["path"]
        try:
            row["text"] = _whole(row["text"], audit.at(row))
        except ReadError as error:
            problem = str(error)
        else:
            file_for(row["path"]).write(json_line(row))
    if last is not None:
        yield last, problem


def _place(row: dict[str, Any]) -> tuple[str, int]:
    return order(row["path"]), row.get("record") or 0


class _Audit:
    """The audit, read once, beside a reader that goes through the documents in the same order."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._rows = map(json.loads, lines)
        self._row = next(self._rows, None)

    def of(self, key: str) -> Iterator[dict[str, Any]]:
        """The rows of one input."""
        at = order(key)
        while self._row is not None and order(self._row["path"]) < at:
            self._row = next(self._rows, None)
        while self._row is not None and self._row["path"] == key:
            yield self._row
            self._row = next(self._rows, None)

    def at(self, row: dict[str, Any]) -> dict[str, Any] | None:
        """The row of one document, if it lost something."""
        while self._row is not None and _place(self._row) < _place(row):
            self._row = next(self._rows, None)
        return self._row if self._row is not None and _place(self._row) == _place(row) else None


def _whole(clean: str, lost: dict[str, Any] | None) -> str:
    """The source text of a document. `ReadError` if its clean text is not what the audit says was kept."""
    if lost is None:
        return clean
    if "".join(kept_text(lost).split()) != "".join(clean.split()):
        raise ReadError(_CHANGED)
    return "\n".join(lost["lines"])


def kept_text(row: dict[str, Any]) -> str:
    """What an audit row says was kept, white space aside.

    >>> kept_text({"lines": ["A story. Buy now!"], "labels": [[[0, "editorial"], [9, "ad"]]], "kept": [[True, False]]})
    'A story. '
    """
    parts = []
    for line, labels, kept in zip(row["lines"], row["labels"], row["kept"]):
        if kept is None:
            continue
        starts = [start for start, _ in labels] if isinstance(labels, list) else [0]
        parts += [line[start:end] for start, end, stays in zip(starts, [*starts[1:], len(line)], kept) if stays]
    return "".join(parts)


def without_front_matter(text: str) -> str:
    """Markdown without the block that `sinks.front_matter` put before it."""
    if not text.startswith("---\n"):
        return text
    return text[text.index("\n---\n") + len("\n---\n\n") :]
