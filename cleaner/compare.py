"""Is the new model better? Two sets of verdicts on the same documents, and how far the difference could be chance.

A comparison is fair when neither side has learned from the documents it is judged on: verdicts of grouped folds, or those of a
model whose card does not list the documents. Chance is judged by drawing the documents again and again (a paired bootstrap).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from cleaner.corpus import LabelledDocument
from cleaner.decide import decide
from cleaner.evaluate import Quality, measure
from cleaner.model import Model
from cleaner.segment import Bools, Segments, segment

MARGINS = {"drop_F1": 0.005, "kept_chars": 0.001}
"""A figure that falls by less than this does not make a model worse."""

DRAWS, SURE = 1000, 0.95
"""So many draws of the documents; a fall counts when this share of them shows it."""


@dataclass(frozen=True, slots=True)
class Change:
    """One figure before and after, and the band in which nine of ten draws of the documents put the difference."""

    name: str
    before: float
    after: float
    low: float
    high: float
    fell: float

    @property
    def worse(self) -> bool:
        """Whether the figure fell by more than its margin, and surely."""
        return self.before - self.after > MARGINS[self.name] and self.fell >= SURE

    @property
    def better(self) -> bool:
        """Whether the figure rose by more than its margin, and surely."""
        return self.after - self.before > MARGINS[self.name] and self.low > 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two sets of verdicts on the same documents. ``before`` and ``after`` say what they are of, ``on`` which documents."""

    before: str
    after: str
    on: str
    old: Quality
    new: Quality
    changes: tuple[Change, ...]

    @property
    def reasons(self) -> list[str]:
        """Why the new side is worse, a sentence for each figure; empty when it is not."""
        return [
            f"{change.name} falls from {change.before:.4f} to {change.after:.4f} on {self.on}, from {self.before} to {self.after}"
            for change in self.changes
            if change.worse
        ]


def by_document(documents: Sequence[LabelledDocument], segments: Segments, gone: Bools, dropped: Sequence[str]) -> list[Quality]:
    """The counts of each document alone, over the labels that a person vouches for; `merged` adds them up."""
    bounds = np.searchsorted(segments.document, np.arange(len(documents) + 1))
    result = []
    for number, document in enumerate(documents):
        low, high = bounds[number], bounds[number + 1]
        at, end = segments.offsets[number], segments.offsets[number + 1]
        own = Segments(
            segments.codes[at:end], np.array([0, end - at]), np.zeros(high - low, dtype=np.int64), segments.line[low:high],
            segments.start[low:high] - at, segments.end[low:high] - at,
        )  # fmt: skip
        result.append(measure([document.vouched()], own, gone[low:high], dropped))
    return result


def verdicts_of(model: Model, documents: Sequence[LabelledDocument], dropped: Sequence[str]) -> list[Quality]:
    """The counts of each document under a model's own policy; `dropped` names the labels that should go."""
    segments = segment([document.text for document in documents])
    floors = model.floors([document.text for document in documents])
    verdicts = decide(segments, model.probabilities(segments), model.labels, model.policy, floors)
    judged = Segments(segments.codes, segments.offsets, verdicts.document, verdicts.line, verdicts.start, verdicts.end)
    return by_document(documents, judged, ~verdicts.kept, dropped)


def merged(qualities: Sequence[Quality]) -> Quality:
    """The sum of counts."""
    numbers = [field.name for field in fields(Quality) if field.name != "gone_by_label"]
    gone: dict[str, tuple[float, float]] = {}
    for quality in qualities:
        for label, (went, total) in quality.gone_by_label.items():
            so_far = gone.get(label, (0.0, 0.0))
            gone[label] = (so_far[0] + went, so_far[1] + total)
    return Quality(**{name: sum(getattr(quality, name) for quality in qualities) for name in numbers}, gone_by_label=gone)


def compare(old: Sequence[Quality], new: Sequence[Quality], before: str, after: str, on: str) -> Comparison:
    """Compare verdicts on the same documents, given the counts of each document on both sides."""
    rng = np.random.default_rng(0)
    draws = rng.multinomial(len(old), np.full(len(old), 1 / len(old)), size=DRAWS).astype(np.float64)
    first, second = _figures(_counts(old), np.ones((1, len(old)))), _figures(_counts(new), np.ones((1, len(new))))
    drawn_old, drawn_new = _figures(_counts(old), draws), _figures(_counts(new), draws)
    changes = []
    for name in MARGINS:
        difference = drawn_new[name] - drawn_old[name]
        difference = difference[np.isfinite(difference)]
        if len(difference) and np.isfinite(first[name][0]) and np.isfinite(second[name][0]):
            low, high = np.quantile(difference, (0.05, 0.95))
            changes.append(
                Change(name, float(first[name][0]), float(second[name][0]), float(low), float(high), float((difference < 0).mean()))
            )
    return Comparison(before, after, on, merged(old), merged(new), tuple(changes))


def _counts(qualities: Sequence[Quality]) -> npt.NDArray[np.float64]:
    """For each document: dropped rightly, dropped wrongly, missed, characters to keep, characters kept."""
    return np.array([(q.true_drops, q.false_drops, q.missed_drops, q.chars, q.alive) for q in qualities], dtype=np.float64).reshape(-1, 5)


def _figures(counts: npt.NDArray[np.float64], draws: npt.NDArray[np.float64]) -> dict[str, npt.NDArray[np.float64]]:
    """The figures of `MARGINS` for each draw."""
    right, wrong, missed, chars, alive = (draws @ counts).T
    with np.errstate(invalid="ignore", divide="ignore"):
        return {"drop_F1": 2 * right / (2 * right + wrong + missed), "kept_chars": alive / chars}


def reasons_against(comparisons: Sequence[Comparison]) -> list[str]:
    """Why a model that these comparisons speak of should not replace another; empty when nothing speaks against it.

    A figure that surely falls is a reason, unless the other figure surely rises on the same documents: that is a trade, for
    people to judge.
    """
    return [reason for one in comparisons if not any(change.better for change in one.changes) for reason in one.reasons]
