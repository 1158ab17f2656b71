"""What a training showed, as plain figures: for the terminal, the report page and the model card.

All of it comes from the grouped folds: every document was judged by fits that had seen no document of its group.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cleaner.compare import Comparison, by_document, merged
from cleaner.corpus import vouched_segments
from cleaner.evaluate import Quality
from cleaner.segment import Bools
from cleaner.training import Training

WORST = 80
"""So many lines stand in the report, those that the folds got most wrong."""

Table = dict[str, dict[str, float]]


@dataclass(frozen=True, slots=True)
class WorstLine:
    """A segment that fell on the wrong side: its text and the lines around it, the label it has, and the verdict."""

    document: str
    group: str
    lang: str
    new: bool
    line: int
    before: str
    text: str
    after: str
    label: str
    verdict: str
    score: float
    gone: bool


@dataclass(frozen=True, slots=True)
class Point:
    """One step of the learning curve: documents learned from, and what was reached on the folds."""

    documents: int
    lines: int
    drop_f1: float
    kept_chars: float


@dataclass(frozen=True, slots=True)
class Findings:
    """The figures of one training. ``tables`` holds the quality by language, group and kind; ``confusion`` counts segments,
    a row for each true label, a column for each label given; ``precision_recall`` holds (recall, precision) by falling threshold."""

    labels: tuple[str, ...]
    dropped: tuple[str, ...]
    threshold: float
    documents: int
    new_documents: int
    everything: Quality
    tables: Mapping[str, Table]
    confusion: npt.NDArray[np.int64]
    precision_recall: Mapping[str, Sequence[tuple[float, float]]]
    reliability: Sequence[Mapping[str, float]]
    thresholds: Sequence[Mapping[str, float]]
    worst: Sequence[WorstLine]
    comparisons: Sequence[Comparison]
    learning: Sequence[Point] = ()
    notes: Sequence[str] = ()


def gone_of(training: Training) -> Bools:
    """Which segments went, on the folds."""
    result: Bools = np.round(training.scores, 4) >= training.model.policy.threshold
    return result


def qualities(training: Training) -> list[Quality]:
    """The counts of each document on the folds."""
    return by_document(training.documents, training.segments, gone_of(training), dropped_labels(training))


def dropped_labels(training: Training) -> tuple[str, ...]:
    """The labels that the model's policy drops."""
    return tuple(name for name in training.model.labels if name not in training.model.policy.keep)


def findings(
    training: Training, new: Sequence[bool], comparisons: Sequence[Comparison], *, before: Training | None = None,
    learning: Sequence[Point] = (), notes: Sequence[str] = (),
) -> Findings:  # fmt: skip
    """Gather the figures; `new` says which documents are the new labels, `before` is the training without them."""
    counted = qualities(training)
    curves = {"with the new labels" if before else "this model": precision_recall(training)}
    if before:
        curves["without them"] = precision_recall(before)
    return Findings(
        training.model.labels, dropped_labels(training), training.model.policy.threshold, len(training.documents), sum(new),
        merged(counted), tables(training, counted, new), confusion(training), curves, training.model.card["reliability"],
        training.model.card["curve"], worst_lines(training, new), tuple(comparisons), tuple(learning), tuple(notes),
    )  # fmt: skip


def tables(training: Training, counted: Sequence[Quality], new: Sequence[bool]) -> dict[str, Table]:
    """Quality by language, kind and group, and of the documents that are new or hard, each table by falling size."""
    hard = [["hard"] if document.extra.get("hard") else [] for document in training.documents]
    mixed = any(new) and not all(new)
    fields = {
        "part": [["new labels" if n else "base", *h] for n, h in zip(new, hard)] if mixed else hard,
        "language": [[d.lang or "not given"] for d in training.documents],
        "kind": [[d.kind or "not given"] for d in training.documents],
        "group": [[d.group] for d in training.documents],
    }
    result = {}
    for field, values in fields.items():
        members: dict[str, list[Quality]] = {}
        for names, quality in zip(values, counted):
            for name in names:
                members.setdefault(name, []).append(quality)
        order = sorted(members, key=lambda name: (-sum(q.runs for q in members[name]), name))
        if order:
            result[field] = {name: merged(members[name]).rounded() for name in order}
    return result


def given_labels(training: Training) -> npt.NDArray[np.int64]:
    """The label each segment got on the folds: the most probable one, to stage one, on the side where it fell."""
    drops, gone = training.model.drops, gone_of(training)
    side = np.where(gone[:, None], drops[None, :], ~drops[None, :])
    result: npt.NDArray[np.int64] = np.where(side, training.alone, -1.0).argmax(axis=1)
    return result


def confusion(training: Training) -> npt.NDArray[np.int64]:
    """How many segments of each label (rows) got which label (columns) on the folds."""
    n, sure = len(training.model.labels), vouched_segments(training.documents, training.segments)
    return np.bincount((training.gold * n + given_labels(training))[sure], minlength=n * n).reshape(n, n)


def precision_recall(training: Training, points: int = 200) -> list[tuple[float, float]]:
    """Pairs of (recall, precision) in segments, from the highest score down; at most so many points."""
    sure = vouched_segments(training.documents, training.segments)
    goes, scores = training.model.drops[training.gold[sure]], training.scores[sure]
    order = np.argsort(-scores, kind="stable")
    right, score = np.cumsum(goes[order]), scores[order]
    last = np.flatnonzero(np.append(score[1:] != score[:-1], True))
    recall, precision = right[last] / max(int(goes.sum()), 1), right[last] / (last + 1)
    # Even steps of recall, not of rank: most segments are not to be dropped, and the curve ends long before them.
    kept = np.unique(np.searchsorted(recall, np.linspace(0, 1, points)).clip(0, len(recall) - 1))
    return list(zip(recall[kept].round(4).tolist(), precision[kept].round(4).tolist()))


def worst_lines(training: Training, new: Sequence[bool], most: int = WORST) -> list[WorstLine]:
    """The segments that fell on the wrong side, those with the largest error first; at most three of a document."""
    goes, gone = training.model.drops[training.gold], gone_of(training)
    error, sure = np.abs(training.scores - goes), vouched_segments(training.documents, training.segments)
    given, labels, segments = given_labels(training), training.model.labels, training.segments
    chosen: list[WorstLine] = []
    of_document: dict[int, int] = {}
    for i in np.argsort(-error, kind="stable"):
        number = int(segments.document[i])
        if gone[i] == goes[i] or not sure[i] or of_document.get(number, 0) >= 3:
            continue
        of_document[number] = of_document.get(number, 0) + 1
        document, offset = training.documents[number], int(segments.offsets[number])
        text, start, end = document.text, int(segments.start[i]) - offset, int(segments.end[i]) - offset
        chosen.append(
            WorstLine(
                document.id, document.group, document.lang, bool(new[number]), text.count("\n", 0, start) + 1,
                _tail(text[:start]), text[start:end], _head(text[end:]),
                labels[training.gold[i]], labels[given[i]], round(float(training.scores[i]), 4), bool(gone[i]),
            )
        )  # fmt: skip
        if len(chosen) == most:
            break
    return chosen


def _tail(text: str) -> str:
    return " ".join(text[-200:].split())[-60:]


def _head(text: str) -> str:
    return " ".join(text[:200].split())[:60]
