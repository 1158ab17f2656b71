"""Verdicts -> text: what a cleaned document looks like, and the audit row that gives the rest back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cleaner.records import CleanArticle, Segment


def clean_text(text: str, spans: Sequence[tuple[int, int, int, bool]]) -> str:
    """The kept spans of `text`, in order and unchanged, laid out as in the source.

    Each span is (line, start, end, kept). Nothing dropped: the text itself. Otherwise every line that keeps something stays
    a line, a line that keeps nothing goes, and the blank lines around a gap count once.

    >>> clean_text("A story.\\n\\nBuy now!\\n\\nIts end.", [(0, 0, 8, True), (2, 10, 18, False), (4, 20, 28, True)])
    'A story.\\n\\nIts end.'
    """
    if all(kept for _, _, _, kept in spans):
        return text
    parts: list[str] = []
    last_line, last_end = -1, 0  # of the last kept span
    seen_line, gap = -1, 0  # of the last span, kept or not, and the widest run of line breaks since the last kept one
    for line, start, end, kept in spans:
        if seen_line >= 0 and line != seen_line:
            gap = max(gap, line - seen_line)
        seen_line = line
        if not kept:
            continue
        if last_line < 0:
            parts.append(text[start:end])
        elif line == last_line:
            between = text[last_end:start]
            parts += [between if between.isspace() or not between else " ", text[start:end]]
        else:
            parts += ["\n" * max(gap, 1), text[start:end]]
        last_line, last_end, gap = line, end, 0
    return "".join(parts) + "\n" * (bool(parts) and text.endswith("\n"))


def audit_row(article: CleanArticle, extra: dict[str, Any] | None = None) -> dict[str, Any]:
    """The whole document in corpus form with predicted labels and scores: what was dropped, and from where.

    ``lines`` are the lines of the source; ``labels`` as in the corpus format; ``scores`` one for each run, in order;
    ``kept`` likewise. ``"by": "model"`` says that no person has looked at it.
    """
    text = article.document.text
    lines: list[str] = []
    labels: list[Any] = []
    scores: list[list[float] | None] = []
    kept: list[list[bool] | None] = []
    pending = list(reversed(article.segments))
    at = 0
    for line in _split_lines(text):
        end = at + len(line)
        runs: list[Segment] = []
        while pending and pending[-1].start < end:
            runs.append(pending.pop())
        stripped = line.rstrip("\r\n\v\f\x1c\x1d\x1e\x85\u2028\u2029")
        lines.append(stripped)
        if not runs:
            labels.append(None)
        elif len(runs) == 1:
            labels.append(runs[0].label)
        else:
            labels.append([[0 if i == 0 else run.start - at, run.label] for i, run in enumerate(runs)])
        scores.append([run.score for run in runs] or None)
        kept.append([run.kept for run in runs] or None)
        at = end
    row: dict[str, Any] = {"id": article.document.id, "lang": article.document.language or "", **(extra or {})}
    return {**row, "lines": lines, "labels": labels, "scores": scores, "kept": kept, "by": "model"}


def _split_lines(text: str) -> list[str]:
    """Lines with their ends, cut where `segment` cuts them."""
    return text.splitlines(keepends=True)
