"""A document in colour: what goes, what stays, and why."""

from __future__ import annotations

import unicodedata

from rich.console import Console
from rich.text import Text

from cleaner.pipeline import Cleaner
from cleaner.records import CleanArticle, Segment
from cleaner.why import reasons

KEPT_STYLE, DROPPED_STYLE, NOTE_STYLE = "", "red strike", "dim"
SIGNS = {True: " ", False: "−"}  # so that nothing is lost without colour


def show(cleaner: Cleaner, article: CleanArticle, console: Console, *, why: bool = False) -> None:
    """Print a cleaned article: a row for each segment with its sign, score, label and text, and the evidence if asked."""
    evidence = reasons(cleaner, article.document.text) if why else []
    for number, segment in enumerate(article.segments):
        console.print(_row(segment), soft_wrap=True)
        if why:
            console.print(Text(" " * 22 + "; ".join(evidence[number]), style=NOTE_STYLE), soft_wrap=True)
    gone = len(article.dropped)
    characters = sum(len(segment.text) for segment in article.dropped)
    summary = f"{len(article.segments)} segments, {gone} dropped ({characters} characters), threshold {cleaner.policy.threshold}"
    console.print(Text(summary, style=NOTE_STYLE), soft_wrap=True)


def _row(segment: Segment) -> Text:
    style = KEPT_STYLE if segment.kept else DROPPED_STYLE
    row = Text(f"{SIGNS[segment.kept]} {segment.score:.2f} ", style="green" if segment.kept else "red")
    row.append(f"{segment.label:<12} ", style=NOTE_STYLE)
    row.append(_printable(segment.text), style=style)
    return row


def _printable(text: str) -> str:
    """Control characters (a terminal would obey them) and lone surrogates as escapes; wide and fixed spaces as they are."""
    return "".join(c if c.isprintable() or c == "\t" or unicodedata.category(c) == "Zs" else ascii(c)[1:-1] for c in text)
