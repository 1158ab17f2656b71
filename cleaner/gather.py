"""What a person has at hand -> documents to look at or to label.

A folder that ``cleaner clean`` wrote, source files and folders, records, labelled documents: `gather` gives the documents of all
of them, one by one, and an error in place of what cannot be read.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cleaner.corpus import LabelledDocument, from_row
from cleaner.errors import CleanerError, ReadError
from cleaner.fields import Page, content, parse
from cleaner.pages import Pages
from cleaner.read import kind_of, read_bytes, read_file
from cleaner.unpack import open_unpacked

AUDIT = Path(".cleaner") / "audit.jsonl"
"""Where ``cleaner clean`` leaves what it dropped, within its output folder."""

GROUP_FIELDS = ("group", "publisher", "source", "site", "domain")
"""The fields of a record that may name its group, in this order; failing them, the host of its ``url``."""

_OWN_FIELDS = ("id", "lang", "group", "kind", "lines", "labels", "by", "html")


def gather(
    inputs: Iterable[str | Path], *, field: str = "text", encoding: str | None = None, out: str | Path | None = None
) -> Iterator[LabelledDocument | CleanerError]:
    """Documents from output folders of ``cleaner clean``, source files and folders, and ``.jsonl`` files with labels or without.

    A document without labels has an empty ``labels``. What cannot be read comes out as the error that says why, so that one bad
    file does not stop the others. `field` names the text of a record; `out` is a file that is no input even if a folder holds it.
    """
    pages = Pages()
    reading = _Reading(field, encoding, None if out is None else Path(out).resolve(), pages)
    try:
        for name in inputs:
            path = Path(name)
            if (path / AUDIT).is_file():
                yield from _records(path / AUDIT, path.name, reading)
            elif path.is_dir():
                yield from _folder(path, reading)
            elif kind_of(path) is None:
                problem = "not a text, page or record file" if path.exists() else "no such file"
                yield ReadError(f"{path}: {problem}; give .txt, .md, .html or .jsonl.")
            else:
                yield from _file(path, path.name, reading)
    finally:
        pages.close()


@dataclass(frozen=True, slots=True)
class _Reading:
    """How inputs are read; pages in a child process that can be killed."""

    field: str
    encoding: str | None
    out: Path | None
    pages: Pages


def _folder(folder: Path, reading: _Reading) -> Iterator[LabelledDocument | CleanerError]:
    found = False
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for path in (Path(parent) / name for name in sorted(names) if not name.startswith(".")):
            # The page that an earlier run wrote into this folder is not an article.
            if kind_of(path) is not None and path.resolve() != reading.out:
                found = True
                yield from _file(path, path.relative_to(folder).as_posix(), reading)
    if not found:
        yield ReadError(f"{folder}: no text, page or record file in this folder.")


def _file(path: Path, name: str, reading: _Reading) -> Iterator[LabelledDocument | CleanerError]:
    if kind_of(path) == "records":
        yield from _records(path, name, reading)
        return
    try:
        if kind_of(path) == "page":
            document = reading.pages.extract(read_bytes(path), None, reading.encoding)
        else:
            document = read_file(path, reading.encoding)
    except ReadError as error:
        yield ReadError(f"{path}: {error}")
        return
    yield unlabelled(document.text, name, group=_folder_of(name), lang=document.language or "")


def _folder_of(name: str) -> str:
    """The folder of a file's name, or the name itself where it lies in none: files of one folder make a group."""
    return name.rpartition("/")[0] or name


def _records(path: Path, name: str, reading: _Reading) -> Iterator[LabelledDocument | CleanerError]:
    try:
        with open_unpacked(path) as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    try:
                        yield _record(line, f"{path}:{number}", f"{name}:{number}", reading)
                    except CleanerError as error:
                        yield error
    except OSError as error:
        yield ReadError(f"{path}: cannot be read ({error.strerror or error}).")
    except ReadError as error:
        yield ReadError(f"{path}: {error}")


def _record(line: bytes, where: str, name: str, reading: _Reading) -> LabelledDocument:
    """One line of JSON Lines as a document: ``lines`` with ``labels``, else the text in the field, else ``html``."""
    try:
        row = parse(line, reading.encoding)
        group = next((str(row[key]) for key in GROUP_FIELDS if row.get(key)), None) or _host(row.get("url"))
        ident = str(row["id"]) if row.get("id") is not None else name
        if "lines" in row and "labels" in row:
            if group is None and isinstance(row.get("path"), str):  # the audit names the file that a document came from
                group = _folder_of(row["path"])
            document = from_row({**row, "id": ident}, where)
            return replace(document, group=group or ident)
        found = content(row, reading.field)
        document_of_page = reading.pages.extract(*found) if isinstance(found, Page) else found
    except ReadError as error:
        raise ReadError(f"{where}: {error}") from None
    extra = {key: value for key, value in row.items() if key not in (*_OWN_FIELDS, reading.field)}
    lang, kind = str(row.get("lang") or document_of_page.language or ""), str(row.get("kind") or "")
    return unlabelled(document_of_page.text, ident, group=group or ident, lang=lang, kind=kind, extra=extra)


def _host(url: Any) -> str | None:
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.") or None if isinstance(url, str) else None
    except ValueError:
        return None


def unlabelled(
    text: str, ident: str, *, group: str, lang: str = "", kind: str = "", extra: dict[str, Any] | None = None
) -> LabelledDocument:
    """A text as a document of the corpus, with no label yet.

    >>> unlabelled("One.\\r\\nTwo.", "a.txt", group="a").lines
    ('One.', 'Two.')
    """
    return LabelledDocument(ident, lang, group, kind, tuple(text.splitlines()), (), "", extra or {})
