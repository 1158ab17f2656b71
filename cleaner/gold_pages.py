"""Pages with the text of their article -> labelled documents: how public datasets of extracted news come.

The text that trafilatura extracts from a page is what the model will meet, so its lines get the labels. A line, or the piece of
one, that stands in the gold text is ``editorial``; so is the title, and a short line with the author's name is a ``byline``. What
the gold leaves out gets one label (``boilerplate`` unless told otherwise): no gold text tells an ad from a caption. Such labels
are a start for a person, not an end; they are marked ``"by": "gold"``.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cleaner.corpus import Label
from cleaner.errors import CorpusError, ReadError
from cleaner.labels import Defaults, Imported, document, read_json
from cleaner.pages import Pages
from cleaner.read import read_bytes
from cleaner.records import Document
from cleaner.segment import segment

BODY_FIELDS = ("body", "articleBody", "gold", "text")
PAGE_SUFFIXES = (".html", ".htm", ".html.gz", "")

_WIDE, _NARROW = 6, 14  # so many letters of the gold in a row are no chance: in Han, kana and Hangul, and elsewhere
_BYLINE = 80


def align(lines: Sequence[str], gold: str, rest: str = "boilerplate", body: str = "editorial") -> tuple[Label, ...]:
    """Labels for the lines of a page from the text of its article: `body` where a piece stands in it, `rest` elsewhere.

    Compared are letters and digits alone, so that spaces, quotes and line breaks may differ.

    >>> align(["A mayor opened the new library.", "Read more", ""], "A mayor opened the new library.")
    ('editorial', 'boilerplate', None)
    """
    article = _Letters(gold)
    grams = {n: {article.text[i : i + n] for i in range(len(article.text) - n + 1)} for n in (_WIDE, _NARROW)}
    found = [_covered(_Letters(line), article.text, grams) for line in lines]
    places = _windows(found, article.text)
    pieces = segment(lines)
    bounds = np.searchsorted(pieces.document, np.arange(len(lines) + 1)).tolist()
    labels: list[Label] = []
    for number, (line, match, (low, high)) in enumerate(zip(lines, found, places)):
        text = match.letters.text
        if not line.strip():
            labels.append(None)
        elif not text:  # a rule or a star between two lines
            labels.append(body if 0 < low <= high < len(article.text) else rest)
        elif len(text) < _length(text):  # too short to be found for sure: it must stand where the lines around it leave room
            labels.append(body if text in article.text[low:high] else rest)
        else:
            starts = pieces.start[bounds[number] : bounds[number + 1]] - pieces.offsets[number]
            labels.append(_pieces(starts.tolist(), match, body, rest))
    return tuple(labels)


class _Letters:
    """The letters and digits of a text, folded, and where each of them stands in it."""

    def __init__(self, text: str) -> None:
        folded = [_folded(character) for character in text]
        self.text = "".join(folded)
        self.at = [i for i, letters in enumerate(folded) for _ in letters]


@lru_cache(maxsize=1 << 16)
def _folded(character: str) -> str:
    """What counts of a character: its letters and digits, widths and capitals aside."""
    return "".join(c for c in unicodedata.normalize("NFKC", character).casefold() if c.isalnum())


def _length(text: str) -> int:
    """How many letters in a row must agree."""
    wide = sum(character >= "\u2e80" for character in text)
    return _WIDE if 2 * wide >= len(text) else _NARROW


@dataclass(frozen=True, slots=True)
class _Match:
    """A line: which of its letters stand in runs that the gold has too, and where in the gold it begins and ends."""

    letters: _Letters
    mask: npt.NDArray[np.bool_]
    place: tuple[int, int] | None


def _covered(letters: _Letters, article: str, grams: Mapping[int, set[str]]) -> _Match:
    text, n = letters.text, _length(letters.text)
    mask = np.zeros(len(text), dtype=bool)
    hits = [i for i in range(len(text) - n + 1) if text[i : i + n] in grams[n]]
    for i in hits:
        mask[i : i + n] = True
    if not hits or mask.mean() < 0.5:
        return _Match(letters, mask, None)
    start = article.find(text[hits[0] : hits[0] + n])
    end = article.find(text[hits[-1] : hits[-1] + n], start)
    return _Match(letters, mask, (start, (end if end >= 0 else start) + n))


def _windows(found: Sequence[_Match], article: str) -> list[tuple[int, int]]:
    """For each line the part of the gold between the lines before and after it that were found there."""
    lows, highs, low, high = [], [], 0, len(article)
    for match in found:
        lows.append(low)
        low = match.place[1] if match.place else low
    for match in reversed(found):
        highs.append(high)
        high = match.place[0] if match.place else high
    return list(zip(lows, reversed(highs)))


def _pieces(starts: Sequence[int], match: _Match, body: str, rest: str) -> Label:
    """A label for each piece of a line, as `segment` cuts it; neighbours with the same one are joined."""
    bounds = [*(bisect_left(match.letters.at, start) for start in starts), len(match.letters.at)]
    runs: list[tuple[int, str]] = []
    for start, low, high in zip(starts, bounds, bounds[1:]):
        if high > low:  # a piece without a letter goes with its neighbour
            name = body if match.mask[low:high].mean() >= 0.5 else rest
            if not runs or runs[-1][1] != name:
                runs.append((start if runs else 0, name))
    if not runs:
        return rest
    return runs[0][1] if len(runs) == 1 else tuple(runs)


# --- files -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Source:
    """A row of a gold file: the text of the article and what is known of the page."""

    ident: str
    body: str
    title: str
    authors: tuple[str, ...]
    fields: Mapping[str, Any]


def read(path: Path, defaults: Defaults, imported: Imported, *, pages: str | Path | None = None, body: str | None = None) -> None:
    """Read a gold file (JSON or JSON Lines) and its pages: in the field ``html``, or as files ``<id>.html`` in `pages`.

    `body` names the field of the article's text. Pages without text are counted as unlabelled; a page that is missing or cannot
    be parsed is a `ReadError`.
    """
    beside = [path.parent / name for name in ("pages", "html") if (path.parent / name).is_dir()]
    folder = Path(pages) if pages is not None else next(iter(beside), None)
    parser = Pages()
    try:
        for number, (where, row) in enumerate(read_json(path), 1):
            source = _source(row, where, f"{path.stem}-{number}", body)
            found = _page(source, folder, parser, where)
            lines = tuple(found.text.splitlines())
            if not any(line.strip() for line in lines):
                imported.unlabelled += 1
                continue
            labels = _named(lines, align(lines, source.body, defaults.rest or "boilerplate"), source, found)
            fields = {"lang": found.language, **{key: value for key, value in source.fields.items() if value is not None}}
            made = document(lines, labels, {**fields, "by": "gold"}, source.ident, defaults)
            imported.documents.append(replace(made, id=source.ident))
    finally:
        parser.close()


def _source(row: Mapping[str, Any], where: str, ident: str, field: str | None) -> _Source:
    names = (field,) if field else BODY_FIELDS
    body = next((row[name] for name in names if isinstance(row.get(name), str)), None)
    if body is None:
        raise CorpusError(f"{where}: no text of the article in {' or '.join(f'`{name}`' for name in names)}; name its field with --body.")
    authors = row.get("authors") or row.get("author") or []
    listed = tuple(str(a) for a in (authors if isinstance(authors, list) else [authors]) if a)
    title = row.get("title") or row.get("headline") or ""
    return _Source(str(row.get("id") or ident), body, title if isinstance(title, str) else "", listed, row)


def _page(source: _Source, folder: Path | None, parser: Pages, where: str) -> Document:
    url = source.fields.get("url") if isinstance(source.fields.get("url"), str) else None
    html = source.fields.get("html")
    try:
        if isinstance(html, str):
            return parser.extract(html, url)
        if folder is None:
            raise ReadError("no field `html` and no folder of pages; name the folder with --pages.")
        for suffix in PAGE_SUFFIXES:
            file = folder / (source.ident + suffix)
            # An id comes from a file that somebody else wrote: it must not lead out of the folder.
            if file.is_file() and file.resolve().is_relative_to(folder.resolve()):
                return parser.extract(read_bytes(file), url)
        raise ReadError(f"no page {source.ident}.html in {folder}.")
    except ReadError as error:
        raise ReadError(f"{where}: {error}") from None


def _named(lines: Sequence[str], labels: Sequence[Label], source: _Source, page: Document) -> tuple[Label, ...]:
    """The title is the newsroom's; a short line outside the text that names an author is a byline."""
    titles = {_Letters(title).text for title in (source.title, page.title or "") if title}
    authors = [name for author in (*source.authors, page.author or "") for name in [_Letters(author).text] if len(name) > 2]
    named: list[Label] = []
    for line, label in zip(lines, labels):
        letters = _Letters(line).text
        if isinstance(label, str) and label != "editorial":
            if letters in titles:
                named.append("editorial")
                continue
            if len(line) <= _BYLINE and any(author in letters for author in authors):
                named.append("byline")
                continue
        named.append(label)
    return tuple(named)
