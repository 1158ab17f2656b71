"""Verdicts -> text: what a cleaned document looks like, and the audit row that gives the rest back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from cleaner.records import CleanArticle, Document

Run: TypeAlias = "tuple[int, str, float, bool]"
"""A segment without its text: where it starts, its label, its score, whether it stays."""


def clean_text(text: str, spans: Sequence[tuple[int, int, int, bool]]) -> str:
    """The kept spans of `text`, in order and unchanged, laid out as in the source.

    Each span is (line, start, end, kept). Nothing dropped: the text itself. Otherwise what stands between two kept neighbours stays
    as it is, a line that keeps nothing goes, and the blank lines around a gap count once.

    >>> clean_text("A story.\\n\\nBuy now!\\n\\nIts end.", [(0, 0, 8, True), (2, 10, 18, False), (4, 20, 28, True)])
    'A story.\\n\\nIts end.'
    """
    if all(kept for _, _, _, kept in spans):
        return text
    parts: list[str] = []
    line_end = "\r\n" if "\r\n" in text else "\n"
    first, last_line, last_end = -1, -1, 0  # the open stretch of kept spans: where it starts (-1: none is), its last line, its end
    seen_line, seen_end, gap = -1, 0, 0  # of the span before, and the widest run of line breaks since the last stretch
    for line, start, end, kept in spans:
        if first >= 0:
            if kept:
                last_line, last_end = line, end
                continue
            parts.append(text[first:last_end])
            first, seen_line, seen_end, gap = -1, last_line, last_end, 0
        if seen_line >= 0 and line != seen_line:
            gap = max(gap, line - seen_line if line_end == "\n" else text.count("\n", seen_end, start))  # CR LF counts as two lines
        if kept:
            if parts:
                parts.append(" " if line == last_line else line_end * max(gap, 1))
            first, last_line, last_end = start, line, end
        seen_line, seen_end = line, end
    if first >= 0:
        parts.append(text[first:last_end])
    return "".join(parts) + line_end * (bool(parts) and text.endswith("\n"))


def audit_row(article: CleanArticle, extra: dict[str, Any] | None = None) -> dict[str, Any]:
    """The whole document in corpus form with predicted labels and scores: what was dropped, and from where.

    ``lines`` are the lines of the source; ``labels`` as in the corpus format; ``scores`` one for each run, in order;
    ``kept`` likewise. ``"by": "model"`` says that no person has looked at it. `extra` are further columns.
    """
    return audit_columns(article.document, [(run.start, run.label, run.score, run.kept) for run in article.segments], extra)


def audit_columns(document: Document, runs: Iterable[Run], extra: dict[str, Any] | None = None) -> dict[str, Any]:
    """An `audit_row` from the bare runs of a document, in order."""
    lines, ends = document.text.splitlines(), document.text.splitlines(keepends=True)
    labels: list[Any] = [None] * len(lines)
    scores: list[Any] = [None] * len(lines)
    kept: list[Any] = [None] * len(lines)
    number, begin, end = -1, 0, 0
    for start, label, score, stays in runs:
        while start >= end:
            number, begin = number + 1, end
            end += len(ends[number])
        if scores[number] is None:
            labels[number], scores[number], kept[number] = label, [score], [stays]
            continue
        if isinstance(labels[number], str):
            labels[number] = [[0, labels[number]]]
        labels[number].append([start - begin, label])
        scores[number].append(score)
        kept[number].append(stays)
    row: dict[str, Any] = {"id": document.id, "lang": document.language or "", **(extra or {})}
    return {**row, "lines": lines, "labels": labels, "scores": scores, "kept": kept, "by": "model"}
