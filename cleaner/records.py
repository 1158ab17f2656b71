"""The records that enter and leave the stages. Between the edges arrays flow; this file imports nothing of ours."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Document:
    """A text to clean, with what is known about it.

    ``text`` is the source: for a page, the text that trafilatura extracts from it. ``title``, ``author``, ``date`` and
    ``language`` are a page's metadata, ``None`` where they are not known. ``encoding`` is the character set the bytes were
    decoded with, ``None`` when the input was text already.
    """

    text: str
    id: str | None = None
    title: str | None = None
    author: str | None = None
    date: str | None = None
    language: str | None = None
    encoding: str | None = None

    @property
    def metadata(self) -> dict[str, str]:
        """The page metadata that is known, by field name."""
        fields = {"title": self.title, "author": self.author, "date": self.date, "language": self.language}
        return {name: value for name, value in fields.items() if value}


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of text inside one line, and the verdict on it.

    ``start`` and ``end`` are code points into the source text. ``score`` is the calibrated probability that the segment
    should go, ``kept`` whether it stayed, ``label`` the most probable label on the side it fell.
    """

    start: int
    end: int
    text: str
    label: str
    score: float
    kept: bool

    def as_dict(self) -> dict[str, Any]:
        """The segment as a JSON-ready dictionary, in the order of the fields."""
        return {name: getattr(self, name) for name in ("start", "end", "text", "label", "score", "kept")}


@dataclass(frozen=True, slots=True)
class CleanArticle:
    """A cleaned document: ``text`` is the kept segments in order, ``segments`` all of them, ``document`` the source."""

    text: str
    segments: tuple[Segment, ...] = field(repr=False)
    document: Document = field(repr=False)

    @property
    def kept(self) -> tuple[Segment, ...]:
        """The segments that stayed."""
        return tuple(segment for segment in self.segments if segment.kept)

    @property
    def dropped(self) -> tuple[Segment, ...]:
        """The segments that went."""
        return tuple(segment for segment in self.segments if not segment.kept)
