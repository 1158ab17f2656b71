"""What ``cleaner clean`` does: one file or stdin printed, or a batch with its summary on stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from itertools import islice
from typing import TYPE_CHECKING, Any

from cleaner.errors import CleanerError, ReadError, UsageError
from cleaner.sources import Selection

if TYPE_CHECKING:
    from cleaner.batch import Outcome

SHOWN = 10
"""So many failures are listed on stderr; all are in ``failures.jsonl``."""


MakeCleaner = Callable[["str | None", "str | None", "str | None"], Any]


def command(inputs: Sequence[str], out: str | None, make_cleaner: MakeCleaner, options: dict[str, Any]) -> int:
    """Run the command; the exit status."""
    options = {**options, "memory_limit": size(options["memory_limit"]), "max_bytes": size(options["max_bytes"])}
    if "-" in inputs:
        if len(inputs) > 1 or out:
            raise UsageError("`-` stands alone and is printed; leave the other inputs and -o out.")
        return _stdin(make_cleaner(options["model"], options["keep"], options["favor"]), options)
    if options["plain"] or options["segments"]:
        raise UsageError("--text and --segments go with `-`, the records or the text on stdin.")
    if out is None:
        if len(inputs) != 1 or os.path.isdir(inputs[0]) or options["files_from"]:
            raise UsageError("name the folder to write to with -o; only a single file is printed.")
        return _print_one(inputs[0], make_cleaner(options["model"], options["keep"], options["favor"]), options)
    return _batch(inputs, out, options)


def _stdin(cleaner: Any, options: dict[str, Any]) -> int:
    from cleaner.pages import Pages
    from cleaner.pipe import clean_plain, clean_records

    if options["plain"]:
        sys.stdout.buffer.write(_encoded(clean_plain(sys.stdin.buffer.read(), cleaner, options["encoding"])))
        return 0
    failed = clean_records(
        sys.stdin.buffer, sys.stdout.buffer, cleaner, field=options["field"], segments=options["segments"], encoding=options["encoding"],
        format=options["format"] or "jsonl", pages=Pages(options["time_limit"], options["memory_limit"]),
        max_bytes=options["max_bytes"],
    )  # fmt: skip
    return 1 if failed else 0


def _print_one(path: str, cleaner: Any, options: dict[str, Any]) -> int:
    from cleaner.read import kind_of

    kind = kind_of(path)
    try:
        if kind == "records":
            from cleaner.pipe import clean_records
            from cleaner.unpack import open_unpacked

            named = {name: options[name] for name in ("field", "encoding", "max_bytes")}
            with open_unpacked(path) as stream:
                return 1 if clean_records(stream, sys.stdout.buffer, cleaner, **named) else 0
        text = _one_text(path, kind, cleaner, options)
    except (CleanerError, OSError) as error:
        if isinstance(error, UsageError):
            raise
        raise ReadError(f"{path}: {error.strerror if isinstance(error, OSError) else error}") from None
    sys.stdout.buffer.write(_encoded(text))
    return 0


def _one_text(path: str, kind: str | None, cleaner: Any, options: dict[str, Any]) -> str:
    from cleaner.charset import decode
    from cleaner.pages import Pages
    from cleaner.read import read_bytes
    from cleaner.records import Document

    if kind in ("table", "parquet", "warc"):
        raise UsageError(f"{path}: a file of records is not printed; name a folder to write to with -o.")
    pages = Pages(options["time_limit"], options["memory_limit"])
    if kind == "page":
        pages.start()
    try:
        data = read_bytes(path)
        encoding = options["encoding"]
        document = pages.extract(data, None, encoding) if kind == "page" else Document(decode(data, encoding)[0])
    finally:
        pages.close()
    text: str = cleaner.clean_many([document]).__next__().text
    return text if text.endswith("\n") or not text else text + "\n"


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")


def _batch(inputs: Sequence[str], out: str, options: dict[str, Any]) -> int:
    from cleaner.batch import clean_batch
    from cleaner.manifest import Rules
    from cleaner.progress import Progress
    from cleaner.sources import find
    from cleaner.task import keep_memory

    keep_memory()
    keep = options["keep"]
    selection = Selection(tuple(inputs), options["files_from"], options["exclude"], options["root"], _shard(options["shard"]))
    passed = {name: options[name] for name in ("model", "favor", "field", "encoding", "parts", "time_limit", "memory_limit", "max_bytes")}
    passed["format"] = options["format"] or "text"
    passed["keep"] = None if keep is None else [name.strip() for name in keep.split(",") if name.strip()]
    rules = Rules(options["retry_failed"], options["checksum"], options["prune"])
    count = None if selection.files_from == "-" else lambda: sum(1 for _ in find(selection, os.path.abspath(out))[1])
    try:
        with nullcontext() if options["quiet"] else Progress(count) as progress:
            outcome = clean_batch(selection, out, jobs=options["jobs"], rules=rules, progress=progress, **passed)
    except KeyboardInterrupt:
        print("cleaner: stopped; run the same command again, and it goes on from here.", file=sys.stderr)
        return 130
    if not options["quiet"]:
        print(_summary(outcome, options["prune"]), file=sys.stderr)
    failed = outcome.failed + outcome.failed_before
    if failed:
        print(_failures(outcome, failed), file=sys.stderr)
    return 1 if failed else 0


def _summary(outcome: Outcome, pruned: bool) -> str:
    if outcome.inputs:
        line = f"{outcome.inputs:,} inputs with {outcome.documents:,} documents cleaned, {outcome.failed:,} failed"
    else:
        line = "nothing to do"
    if outcome.unchanged:
        line += f", {outcome.unchanged:,} unchanged"
    if outcome.vanished:
        line += f", {outcome.vanished:,} vanished " + ("and removed" if pruned else "(their clean text stays; --prune removes it)")
    return f"cleaner: {line}. Report: {outcome.state / 'report.txt'}"


def _failures(outcome: Outcome, failed: int) -> str:
    """The first failures, and where the others are."""
    import json

    from cleaner.manifest import lines_of
    from cleaner.report import named

    path = outcome.state / "failures.jsonl"
    rows = [json.loads(line) for line in islice(lines_of(path), SHOWN)]
    lines = [f"cleaner: {named(row)}: {row['reason']}" for row in rows]
    rest = failed - len(rows)
    if rest > 0:
        lines.append(f"cleaner: and {rest:,} more, all in {path}.")
    if outcome.failed_before:
        lines.append(f"cleaner: {outcome.failed_before:,} failed in an earlier run and were not tried again; --retry-failed does.")
    return "\n".join(lines)


def size(text: str) -> int:
    """A number of bytes as people write it.

    >>> size("16M"), size("1.5k"), size("200")
    (16777216, 1536, 200)
    """
    units = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    number, unit = text.strip().upper().removesuffix("B").removesuffix("I"), ""
    if number[-1:] in units:
        number, unit = number[:-1], number[-1:]
    try:
        return int(float(number) * units[unit])
    except (ValueError, OverflowError):
        raise UsageError(f"{text!r} is no size; write 16M, 2G or a number of bytes.") from None


def _shard(text: str | None) -> tuple[int, int] | None:
    """`3/16` as numbers."""
    if text is None:
        return None
    number, _, of = text.partition("/")
    if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of) <= 100_000):
        raise UsageError(f"--shard {text}: is not of the form 3/16 (the third of sixteen).")
    return int(number), int(of)
