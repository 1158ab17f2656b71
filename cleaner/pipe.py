"""Records or plain text on stdin -> the same, cleaned, on stdout.

Records are JSON Lines, ``{"id", "text"}`` or ``{"id", "html", "url"?}`` with any other fields. What is there to read is read
at once: a single line is answered at once, a flood of lines is cleaned in batches. Memory holds one read and one batch. Pages
are parsed in a child process that can be killed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

from cleaner.charset import decode, python_encoding
from cleaner.errors import CleanerError, ReadError, UsageError
from cleaner.fields import Page, fill, parse
from cleaner.pages import Pages
from cleaner.pipeline import Cleaner
from cleaner.recordfiles import Record, numbered, record_of
from cleaner.records import CleanArticle, Document
from cleaner.spool import encoded
from cleaner.stream import clean_each

FORMATS = ("jsonl", "bulk")

READ_BYTES = 1 << 20
"""One read takes at most so much; a Linux pipe is widened to hold it, so that a fast writer fills a batch."""

GROUP = 128
"""Records cleaned and written together: enough for a batch, few enough that pages, which take long, come out soon."""

BULK_ID_BYTES = 512
"""Elasticsearch and OpenSearch refuse a longer ``_id``."""

Lines = list[tuple[int, "bytes | None"]]
"""Numbered lines; None stands for one that is too long."""


def clean_records(
    lines_in: BinaryIO, out: BinaryIO, cleaner: Cleaner, *,
    field: str = "text", segments: bool = False, encoding: str | None = None, format: str = "jsonl",
    pages: Pages | None = None, max_bytes: int | None = None,
) -> int:  # fmt: skip
    """Clean a stream of JSON Lines, in order, and say how many records failed.

    ``field`` is the key of the text, with dots for nesting (``"page.body"``). ``segments`` adds every segment with its
    verdict. With ``format="jsonl"`` a line comes out for each line that goes in, and a record that fails is
    ``{"id", "line", "error"}``. With ``format="bulk"`` come the action and source lines that the bulk endpoints of
    Elasticsearch and OpenSearch take, and failures go to stderr. ``pages`` parses the pages among the records, with limits of
    its own; it is closed at the end. A line of more than ``max_bytes`` is a record that fails. `UsageError` if the options do not
    fit together or what comes in is not JSON Lines at all.

    >>> import io
    >>> out = io.BytesIO()
    >>> clean_records(io.BytesIO(b'{"id": 7, "text": "It rained."}'), out, Cleaner())
    0
    >>> out.getvalue()
    b'{"id": 7, "text": "It rained."}\\n'
    """
    if format not in FORMATS:
        raise UsageError(f"unknown format {format!r}; use {' or '.join(FORMATS)}.")
    if segments and format == "bulk":
        raise UsageError("--segments does not go with --format bulk: the index would find what was cleaned away; write JSON Lines.")
    _check_encoding(encoding)
    failed = 0
    with contextlib.closing(pages or Pages()) as parser:
        for lines in _groups(lines_in, max_bytes):
            records = [_record(number, line, field, encoding, max_bytes) for number, line in lines]
            results = clean_each(cleaner, [_source(record, parser) for record in records])
            answers: list[dict[str, Any]] = []
            complaints: list[dict[str, Any]] = []
            for record, result in zip(records, results):
                if record.fields is None or isinstance(result, Exception):
                    (complaints if format == "bulk" else answers).append(_failure(record, result))
                    failed += 1
                    continue
                fill(record.fields, result.text, result.document, field)
                if segments:
                    record.fields["segments"] = [segment.as_dict() for segment in result.segments]
                answers += _bulk(record.fields, result) if format == "bulk" else [numbered(record)]
            _write(out, answers)
            _write(sys.stderr.buffer, complaints)
    return failed


def clean_plain(data: bytes, cleaner: Cleaner, encoding: str | None = None) -> str:
    """Clean one plain text. `ReadError` if the bytes are not text.

    >>> clean_plain("시의회는 20일 예산안을 의결했다.".encode("cp949"), Cleaner())
    '시의회는 20일 예산안을 의결했다.'
    """
    return cleaner.clean(decode(data, encoding)[0]).text


# --- in --------------------------------------------------------------------------------------------------------------


def _groups(lines_in: BinaryIO, limit: int | None) -> Iterator[Lines]:
    """Numbered lines, blank ones left out, in groups; never waits while it holds a whole line."""
    first = True
    for lines in _available(lines_in, limit):
        if first and lines:
            first = False
            _refuse_plain_text(lines)
        for at in range(0, len(lines), GROUP):
            yield lines[at : at + GROUP]


def _available(lines_in: BinaryIO, limit: int | None) -> Iterator[Lines]:
    """The whole lines of each read, numbered; the begun line waits for its end. A line above the limit is not held in memory."""
    _widen(lines_in)
    read = getattr(lines_in, "read1", None) or (lambda _: lines_in.readline())
    number, begun = 0, _Begun(limit)
    while chunk := read(READ_BYTES):
        *whole, rest = chunk.split(b"\n")
        if not whole:
            begun.add(rest)
            continue
        begun.add(whole[0])
        lines = [begun.line(), *(line if limit is None or len(line) <= limit else None for line in whole[1:])]
        begun = _Begun(limit)
        begun.add(rest)
        yield [(at, line) for at, line in enumerate(lines, number + 1) if line is None or line.strip()]
        number += len(lines)
    last = begun.line()
    if last is None or last.strip():
        yield [(number + 1, last)]


class _Begun:
    """A line of which parts are here; past the limit its parts are forgotten."""

    def __init__(self, limit: int | None) -> None:
        self._parts: list[bytes] = []
        self._size, self._limit = 0, limit

    def add(self, part: bytes) -> None:
        self._size += len(part)
        if self._limit is not None and self._size > self._limit:
            self._parts.clear()
        else:
            self._parts.append(part)

    def line(self) -> bytes | None:
        return b"".join(self._parts) if self._limit is None or self._size <= self._limit else None


def _widen(stream: BinaryIO) -> None:
    """Let a pipe hold one whole read, where the system can do that; 64 KiB are some twenty articles, too few for a batch."""
    with contextlib.suppress(ImportError, AttributeError, OSError, ValueError):
        import fcntl

        fcntl.fcntl(stream.fileno(), fcntl.F_SETPIPE_SZ, READ_BYTES)


def _check_encoding(encoding: str | None) -> None:
    try:
        sample = "\n{".encode("utf-8" if encoding is None else python_encoding(encoding) or "unknown")
    except LookupError:
        raise UsageError(f"unknown encoding {encoding!r}; use a name such as utf-8, cp949 or shift_jis.") from None
    if not sample.endswith(b"\n{"):
        raise UsageError(f"JSON Lines in {encoding} cannot be cut into lines; convert them to UTF-8 first (iconv -f {encoding} -t utf-8).")


def _refuse_plain_text(lines: Lines) -> None:
    """Stop where a person piped an article. One record among the lines read so far is enough to believe in JSON Lines."""
    number, line = lines[0]
    if line is None or line.lstrip(b"\xef\xbb\xbf \t\r").startswith(b"{") or any(_is_object(line) for _, line in lines):
        return
    begin = line.decode("utf-8", "replace").strip()[:40]
    raise UsageError(
        f"the input is not JSON Lines: line {number} starts with {begin!r}, not with a JSON object; "
        "use `cleaner clean --text -` for plain text, or `jq -c '.[]'` to turn a JSON array into lines."
    )


def _is_object(line: bytes | None) -> bool:
    try:
        return line is not None and line.lstrip().startswith(b"{") and isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _record(number: int, line: bytes | None, field: str, encoding: str | None, limit: int | None) -> Record:
    if line is None:
        return Record(number, None, ReadError(f"a line of more than {limit:,} bytes; raise --max-bytes."))
    try:
        return record_of(number, parse(line, encoding), field)
    except ReadError as error:
        return Record(number, None, error)


def _source(record: Record, pages: Pages) -> Document | Exception:
    """What there is to clean, a page parsed; or why there is nothing."""
    if not isinstance(record.content, Page):
        return record.content
    try:
        return pages.extract(*record.content)
    except ReadError as error:
        return ReadError(f"the page in `html` cannot be read: {error}")


# --- out -------------------------------------------------------------------------------------------------------------


def _failure(record: Record, error: object) -> dict[str, Any]:
    reason = str(error) if isinstance(error, CleanerError) else f"{type(error).__name__}: {error}"
    return {"id": None if record.fields is None else numbered(record)["id"], "line": record.number, "error": reason}


def _bulk(fields: dict[str, Any], article: CleanArticle) -> tuple[dict[str, Any], dict[str, Any]]:
    """The action and the source. The page itself stays out: the index would find in it what was cleaned away.

    ``_id`` is the record's ``_id`` or ``id``; where it has neither, a hash of its URL or else of its text before cleaning, so
    that the same article takes the same place again.
    """
    source = {key: value for key, value in fields.items() if key not in ("_id", "html")}
    own = next((name for name in (fields.get("_id"), fields.get("id")) if isinstance(name, (str, int)) and name != ""), None)
    url = fields.get("url")
    name = str(own) if own is not None else _digest(url if isinstance(url, str) and url else article.document.text or json.dumps(fields))
    return {"index": {"_id": name if len(encoded(name)) <= BULK_ID_BYTES else _digest(name)}}, source


def _digest(text: str) -> str:
    return hashlib.sha256(encoded(text)).hexdigest()


def _write(out: BinaryIO, answers: list[dict[str, Any]]) -> None:
    if not answers:
        return
    out.write(b"".join(encoded(json.dumps(answer, ensure_ascii=False) + "\n") for answer in answers))
    out.flush()
