"""The parts of the sharded formats: which rows stand in which file, and how a run changes them.

A row's part follows from the key of its input and the number of parts alone; inside a part, rows stand in the order of keys. So
parts do not depend on the number of workers or machines, and only those that a changed input falls in are written again.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from cleaner.errors import CleanerError
from cleaner.journal import RUNS, Finished, replace, without
from cleaner.manifest import key_of, lines_of, order_of
from cleaner.recordfiles import pyarrow
from cleaner.sources import part_of
from cleaner.spool import json_line

COLUMNS = ("path", "record", "id", "url", "title", "author", "date", "language", "text", "extra")
"""What a row holds: the key of its input; the number of the record in it, if it is a file of records; the id; what is known of
the page; the clean text; and what else a record held (in Parquet as JSON)."""

_ROWS = 2000
_GROUP_CHARACTERS = 16 << 20


def part_name(number: int, parts: int, format: str) -> str:
    """The name of a part below OUT, counted from 0.

    >>> part_name(3, 16, "jsonl")
    'part-00003-of-00016.jsonl'
    """
    return f"part-{number:05d}-of-{parts:05d}.{format}"


def part_lines(path: Path) -> Iterator[bytes]:
    """The rows of a part as JSON Lines, whatever its format; none if there is no such file."""
    if path.suffix != ".parquet":
        yield from lines_of(path)
    elif path.exists():
        arrow = pyarrow()
        try:
            with arrow.parquet.ParquetFile(path) as file:
                for batch in file.iter_batches(batch_size=256):
                    for row in batch.to_pylist():
                        yield json_line({**row, "extra": json.loads(row["extra"]) if row["extra"] else None})
        except (arrow.ArrowException, OSError) as error:
            raise CleanerError(f"{path}: cannot be read ({error}); remove it and run the same command again.") from None


def merge_parts(finished: Finished, out: Path) -> None:
    """Merge the rows of finished tasks into the parts of OUT."""
    parts, format = finished.about["parts"], finished.about["format"]
    folder = finished.state / RUNS / "parts"
    folder.mkdir(parents=True, exist_ok=True)
    touched = _distribute(finished.rows(), folder, "keys", parts)
    _distribute(finished.lines("records"), folder, "rows", parts)
    for number in sorted(touched):
        path = out / part_name(number, parts, format)
        old = without(part_lines(path), lines_of(folder / f"{number}.keys"))
        lines = heapq.merge(old, lines_of(folder / f"{number}.rows"), key=order_of)
        if format == "jsonl":
            replace(path, lines, finished.state)
        else:
            write_parquet(folder / "whole", lines)
            (folder / "whole").replace(path)


def _distribute(lines: Iterable[bytes], folder: Path, kind: str, parts: int) -> set[int]:
    """Deal lines out to one file for each part; the parts that got some."""
    touched: set[int] = set()
    with ExitStack() as stack:
        files = [stack.enter_context((folder / f"{number}.{kind}").open("wb")) for number in range(parts)]
        for line in lines:
            key = key_of(line)
            number = part_of(key, parts)
            touched.add(number)
            files[number].write(line if kind == "rows" else json_line({"path": key}))
    return touched


def write_parquet(path: Path, lines: Iterable[bytes]) -> None:
    """Write rows as Parquet, compressed with Zstandard, in row groups that fit the memory."""
    arrow = pyarrow()
    kinds = {"record": arrow.int64()}
    schema = arrow.schema([(name, kinds.get(name, arrow.string())) for name in COLUMNS])
    with arrow.parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        rows: list[dict[str, Any]] = []
        characters = 0
        for line in lines:
            row = json.loads(line)
            rows.append({name: _clean(row.get(name)) for name in COLUMNS} | {"extra": _extra(row.get("extra"))})
            characters += len(line)
            if len(rows) >= _ROWS or characters > _GROUP_CHARACTERS:
                writer.write_table(arrow.Table.from_pylist(rows, schema=schema))
                rows, characters = [], 0
        if rows:
            writer.write_table(arrow.Table.from_pylist(rows, schema=schema))


def _extra(value: Any) -> str | None:
    return None if value is None else json.dumps(value)


def _clean(value: Any) -> Any:
    """Parquet holds UTF-8: a lone surrogate becomes the replacement character."""
    return value.encode("utf-8", "surrogatepass").decode("utf-8", "replace") if isinstance(value, str) else value
