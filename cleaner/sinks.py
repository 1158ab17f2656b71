"""What a run writes: names that lead back to their inputs, text and Markdown, files that appear whole or not at all."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Mapping
from typing import Any

from cleaner.recordfiles import Record, numbered
from cleaner.records import Document
from cleaner.unpack import packing, plain_name

MIRRORED, SHARDED = ("text", "markdown"), ("jsonl", "parquet")
FORMATS = MIRRORED + SHARDED
METADATA = ("title", "author", "date", "language")


def output_name(key: str, path: str, kind: str | None, markdown: bool = False) -> str:
    """The name below OUT for an input: text and records keep theirs, a page gets ``.txt``, a WARC ``.jsonl``.

    Markdown adds ``.md`` to what is not Markdown yet. Packed stays packed. Where the folder of `path` already has an input of
    that name, the ending is repeated.

    >>> output_name("a/b.html.gz", "/in/a/b.html.gz", "page"), output_name("b.txt", "/in/b.txt", "text")
    ('a/b.html.txt.gz', 'b.txt')
    """
    if kind == "warc":
        ending = ".jsonl"
    elif kind == "page":
        ending = ".md" if markdown else ".txt"
    elif kind == "text" and markdown and not plain_name(key).lower().endswith(".md"):
        ending = ".md"
    else:
        return key
    suffix = packing(key)
    tail = ending + key[len(key) - len(suffix) :]
    base, base_path = key[: len(key) - len(suffix)], path[: len(path) - len(suffix)]
    while os.path.lexists(base_path + tail):
        tail = ending + tail
    return base + tail


def front_matter(fields: Mapping[str, Any]) -> str:
    """YAML front matter; every value is written as JSON, which YAML reads.

    >>> print(front_matter({"title": "A: b", "date": None}), end="")
    ---
    title: "A: b"
    ---
    <BLANKLINE>
    """
    lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in fields.items() if value not in (None, "")]
    return "\n".join(["---", *lines, "---", "", ""])


def metadata(document: Document) -> dict[str, Any]:
    """What is known of a page: title, author, date, language."""
    return {name: getattr(document, name) for name in METADATA}


def sharded_row(key: str, record: Record, text: str, field: str) -> dict[str, Any]:
    """A document as a row of the sharded formats: the columns that all inputs share, and what else a record held as ``extra``."""
    fields = numbered(record)
    found = metadata(record.content) if isinstance(record.content, Document) else dict.fromkeys(METADATA)
    columns: dict[str, Any] = {"id": str(fields["id"]), "url": fields.get("url")}
    columns |= {name: fields.get(name) or value for name, value in found.items()}
    shared = {name: value if isinstance(value, str) else None for name, value in columns.items()}
    taken = {name for name, value in shared.items() if value is not None or columns[name] is None}
    taken |= {"html", field if field in fields else field.partition(".")[0]}
    extra = {name: value for name, value in fields.items() if name not in taken}
    return {"path": key, "record": record.number, **shared, "text": text, "extra": extra or None}


def temporary(folder: str) -> str:
    """A path in `folder` for a file that is being written: one for each thread of each process of each machine."""
    return f"{folder}/{socket.gethostname()}-{os.getpid()}-{threading.get_ident()}"


def put(temporary_path: str, final: str) -> None:
    """Move a finished file to its place, whose folder may not be there yet."""
    try:
        os.replace(temporary_path, final)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(final), exist_ok=True)
        os.replace(temporary_path, final)


def write_whole(temporary_path: str, final: str, data: bytes) -> None:
    """Write a file so that nobody ever sees a part of it."""
    descriptor = os.open(temporary_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
    finally:
        os.close(descriptor)
    put(temporary_path, final)


def remove(path: str) -> None:
    """Remove an output that no longer stands for its input; nothing happens if there is none."""
    try:
        os.unlink(path)
    except OSError:
        return
