"""A model's verdict beside each run of a document: what the review page shows, and what labels are compared with.

A run is what gets a label: a label's run in a labelled document, the model's own segment elsewhere.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cleaner.corpus import Label, LabelledDocument
from cleaner.pipeline import Cleaner
from cleaner.records import Segment
from cleaner.segment import segment

BATCH = 64


@dataclass(frozen=True, slots=True)
class Run:
    """A run of text in one line: its label, and the model's verdict on it.

    ``start`` and ``end`` are code points within line number ``line`` (0 first). ``label`` is a person's label where there is one,
    else the model's; ``verdict``, ``score`` and ``kept`` are the model's. ``alone`` is the probability of each label by the
    run's own words, in the order of the model's labels.
    """

    line: int
    start: int
    end: int
    label: str
    verdict: str
    score: float
    kept: bool
    alone: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """A document and its runs in order; ``by_person`` says whether a person gave the labels."""

    document: LabelledDocument
    runs: tuple[Run, ...]
    by_person: bool

    def text(self, run: Run) -> str:
        """The words of a run."""
        return self.document.lines[run.line][run.start : run.end]


def judge(cleaner: Cleaner, documents: Iterable[LabelledDocument]) -> Iterator[Judged]:
    """Lay the model's verdicts beside the documents, in order, holding one batch at a time.

    A document without labels gets the model's. One labelled by ``model`` that brings its scores (a row of the audit) keeps the
    verdicts that it was cleaned by.
    """
    batch: list[LabelledDocument] = []
    for document in documents:
        batch.append(document)
        if len(batch) == BATCH:
            yield from _judge_batch(cleaner, batch)
            batch = []
    if batch:
        yield from _judge_batch(cleaner, batch)


def _judge_batch(cleaner: Cleaner, documents: Sequence[LabelledDocument]) -> Iterator[Judged]:
    texts = [document.text for document in documents]
    pieces = segment(texts)
    alone = cleaner.model.evidence(pieces)[0].probability().T if len(pieces) else np.zeros((0, len(cleaner.model.labels)))
    bounds = np.searchsorted(pieces.document, np.arange(len(documents) + 1)).tolist()
    for number, (document, article) in enumerate(zip(documents, cleaner.clean_many(texts))):
        low, high, offset = bounds[number], bounds[number + 1], int(pieces.offsets[number])
        words = _Overlaps((pieces.start[low:high] - offset).tolist(), (pieces.end[low:high] - offset).tolist(), alone[low:high])
        places = _labelled_places(document) if document.labels else _places(document, article.segments)
        verdicts = _Verdicts(article.segments)
        runs = tuple(_run(place, verdicts, words) for place in places)
        yield Judged(document, runs, bool(document.labels) and document.by != "model")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a run stands: in its line, and from ``at`` on in the text; its label, and the verdict on record if there is one."""

    line: int
    start: int
    end: int
    at: int
    label: str | None
    recorded: tuple[float, bool] | None = None


class _Overlaps:
    """Means of values that belong to spans of a text, over any run of it, weighted by the characters they share."""

    def __init__(self, starts: Sequence[int], ends: Sequence[int], values: Any) -> None:
        self.starts, self.ends, self.values = starts, ends, values

    def shares(self, start: int, end: int) -> tuple[int, list[int]]:
        """The first span that a run touches, and how many characters it shares with that one and each that follows."""
        low, high = bisect_right(self.ends, start), bisect_left(self.starts, end)
        return low, [min(end, self.ends[i]) - max(start, self.starts[i]) for i in range(low, high)]

    def mean(self, start: int, end: int) -> Any:
        low, shares = self.shares(start, end)
        return np.average(self.values[low : low + len(shares)], axis=0, weights=shares) if shares else np.zeros(self.values.shape[1])


class _Verdicts:
    """The model's verdict on any run of a text: its mean score, and the label and side that most of its characters have."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self.segments = segments
        scores = np.array([[s.score] for s in segments]).reshape(-1, 1)
        self.spans = _Overlaps([s.start for s in segments], [s.end for s in segments], scores)

    def on(self, start: int, end: int) -> tuple[str, float, bool] | None:
        low, shares = self.spans.shares(start, end)
        if not shares:
            return None
        most = self.segments[low + shares.index(max(shares))]
        return most.label, round(float(self.spans.mean(start, end)[0]), 4), most.kept


def _run(place: _Place, verdicts: _Verdicts, words: _Overlaps) -> Run:
    at, end = place.at, place.at + place.end - place.start
    # Every visible character stands in a segment; only a run of white space has no verdict, and it stays.
    verdict, score, kept = verdicts.on(at, end) or (place.label or "", 0.0, True)
    if place.recorded is not None:
        verdict, (score, kept) = place.label or verdict, place.recorded
    alone = tuple(round(float(p), 3) for p in words.mean(at, end))
    return Run(place.line, place.start, place.end, place.label or verdict, verdict, score, kept, alone)


def _line_starts(document: LabelledDocument) -> list[int]:
    starts = [0]
    for line in document.lines:
        starts.append(starts[-1] + len(line) + 1)
    return starts


def _places(document: LabelledDocument, segments: Sequence[Segment]) -> Iterator[_Place]:
    """The model's segments as runs that fill their lines: the space between two belongs to the first."""
    starts = _line_starts(document)
    lines = [bisect_right(starts, s.start) - 1 for s in segments]
    for number, (s, line) in enumerate(zip(segments, lines)):
        first = number == 0 or lines[number - 1] != line
        last = number + 1 == len(segments) or lines[number + 1] != line
        start = 0 if first else s.start - starts[line]
        end = len(document.lines[line]) if last else segments[number + 1].start - starts[line]
        yield _Place(line, start, end, starts[line] + start, None)


def _labelled_places(document: LabelledDocument) -> Iterator[_Place]:
    """The runs of the labels."""
    scores, kept = (document.extra.get("scores"), document.extra.get("kept")) if document.by == "model" else (None, None)
    for line, (at, text, label) in enumerate(zip(_line_starts(document), document.lines, document.labels)):
        for k, (start, end, name) in enumerate(label_runs(text, label)):
            yield _Place(line, start, end, at + start, name, _recorded(scores, kept, line, k))


def label_runs(line: str, label: Label) -> list[tuple[int, int, str]]:
    """The runs of one line as (start, end, label).

    >>> label_runs("A story. Buy!", ((0, "editorial"), (9, "ad")))
    [(0, 9, 'editorial'), (9, 13, 'ad')]
    """
    if label is None:
        return []
    if isinstance(label, str):
        return [(0, len(line), label)]
    return [(start, end, name) for (start, name), end in zip(label, [*(start for start, _ in label[1:]), len(line)])]


def _recorded(scores: Any, kept: Any, line: int, run: int) -> tuple[float, bool] | None:
    """The verdict that an audit row carries for a run; `None` where it carries none."""
    try:
        return float(scores[line][run]), bool(kept[line][run])
    except (TypeError, IndexError, KeyError, ValueError):
        return None
