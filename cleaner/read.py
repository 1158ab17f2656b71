"""Files, bytes and records -> documents. Pages go through trafilatura; `charset.decode` finds what bytes say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cleaner.charset import decode
from cleaner.errors import ReadError
from cleaner.records import Document
from cleaner.unpack import plain_name, unpack

TEXT_SUFFIXES = (".txt", ".md", ".text")
PAGE_SUFFIXES = (".html", ".htm", ".xhtml")
RECORD_SUFFIXES = (".jsonl", ".ndjson")
_KINDS = {
    **dict.fromkeys(TEXT_SUFFIXES, "text"), **dict.fromkeys(PAGE_SUFFIXES, "page"), **dict.fromkeys(RECORD_SUFFIXES, "records"),
    ".csv": "table", ".tsv": "table", ".parquet": "parquet", ".warc": "warc",
}  # fmt: skip


def kind_of(path: str | Path) -> str | None:
    """What a name promises: ``text``, ``page``, ``records`` (JSON Lines), ``table``, ``parquet``, ``warc``; `None` for what we do not read.

    A ``.gz`` or ``.zst`` at the end does not count.

    >>> kind_of("a/B.HTML.gz"), kind_of("photo.jpg")
    ('page', None)
    """
    name = str(path)
    if kind := _KINDS.get(name[name.rfind(".") :]):  # most names are plain, and there may be millions
        return kind
    _, dot, ending = plain_name(name).rpartition(".")
    return _KINDS.get(dot + ending.lower())


def read_bytes(path: str | Path) -> bytes:
    """The content of a file, unpacked. `ReadError` names what is wrong."""
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise ReadError("no such file.") from None
    except OSError as error:
        raise ReadError(f"cannot be read ({error.strerror or error}).") from None
    return unpack(data, str(path))


def read_file(path: str | Path, encoding: str | None = None) -> Document:
    """A text file or a page as a document. `ReadError` names what is wrong; the caller names the file."""
    data = read_bytes(path)
    if kind_of(path) == "page":
        text, codec = decode(data, encoding, page=True)
        return read_page(text, encoding=codec)
    text, codec = decode(data, encoding)
    return Document(text, encoding=codec)


def read_page(html: str | bytes, url: str | None = None, encoding: str | None = None) -> Document:
    """Extract a page's text and metadata with trafilatura; a page without article text is a document with empty text."""
    if isinstance(html, bytes):
        html, encoding = decode(html, encoding, page=True)
    if not isinstance(html, str):
        raise TypeError(f"a page is a string or bytes, not {type(html).__name__}")
    from trafilatura import bare_extraction

    try:
        found: Any = bare_extraction(html, url=url, include_comments=False, with_metadata=True, favor_recall=True)
    except (RecursionError, MemoryError, ValueError, TypeError, AttributeError, LookupError) as error:
        raise ReadError(f"trafilatura cannot parse this page ({type(error).__name__}: {error}).") from None
    if found is None or not found.text:
        return Document("", encoding=encoding)
    return Document(found.text, title=found.title, author=found.author, date=found.date, language=found.language, encoding=encoding)
