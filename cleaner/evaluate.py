"""Metrics: what a set of verdicts keeps and drops, against gold labels.

A gold run survives when more than half of its characters do, white space aside. ``kept_chars`` is the share of the characters
under kept labels that survive; precision, recall and F1 count runs, a dropped label being the positive.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cleaner.corpus import LabelledDocument, label_names
from cleaner.decide import decide
from cleaner.model import Model
from cleaner.segment import Segments, is_space, segment


@dataclass(frozen=True, slots=True)
class Quality:
    """Weighted counts of documents, characters and runs, and the measures that follow from them."""

    documents: float
    runs: float
    chars: float
    alive: float
    true_drops: float
    false_drops: float
    missed_drops: float
    clean: float
    clean_untouched_count: float
    dirty: float
    dirty_perfect_count: float
    gone_by_label: dict[str, tuple[float, float]]

    @property
    def kept_chars(self) -> float:
        """Share of the characters under kept labels that survive."""
        return _share(self.alive, self.chars)

    @property
    def precision(self) -> float:
        """Of the runs that went, the share that should have gone."""
        return _share(self.true_drops, self.true_drops + self.false_drops)

    @property
    def recall(self) -> float:
        """Of the runs that should go, the share that went."""
        return _share(self.true_drops, self.true_drops + self.missed_drops)

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return _share(2 * self.true_drops, 2 * self.true_drops + self.false_drops + self.missed_drops)

    @property
    def clean_untouched(self) -> float:
        """Of the documents with nothing to drop, the share with every run kept."""
        return _share(self.clean_untouched_count, self.clean)

    @property
    def dirty_perfect(self) -> float:
        """Of the other documents, the share with every run on the right side."""
        return _share(self.dirty_perfect_count, self.dirty)

    def rounded(self) -> dict[str, float]:
        """The measures by name, to four places; those without a case are left out."""
        table = {
            "documents": self.documents, "runs": self.runs, "kept_chars": self.kept_chars, "drop_precision": self.precision,
            "drop_recall": self.recall, "drop_F1": self.f1, "clean_untouched": self.clean_untouched, "dirty_perfect": self.dirty_perfect,
        }  # fmt: skip
        for label, (gone, total) in self.gone_by_label.items():
            table[f"{label}_gone"] = _share(gone, total)
        return {name: round(value, 4) for name, value in table.items() if not math.isnan(value)}


def _share(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


def measure(
    documents: Sequence[LabelledDocument], segments: Segments, gone: npt.NDArray[np.bool_], dropped: Sequence[str],
    weights: npt.NDArray[np.float64] | None = None,
) -> Quality:  # fmt: skip
    """Compare verdicts with gold: `gone` says which segments went, `dropped` which labels should; `weights` for each document."""
    visible = ~is_space(segments.codes)
    lost = np.zeros(len(segments.codes) + 1, dtype=np.int64)
    for start, end in zip(segments.start[gone], segments.end[gone]):
        lost[start + 1 : end + 1] = visible[start:end]
    lost_before, visible_before = np.cumsum(lost), np.concatenate(([0], np.cumsum(visible)))
    count = dict.fromkeys(("runs", "chars", "alive", "tp", "fp", "fn", "clean", "untouched", "dirty", "perfect"), 0.0)
    by_label: dict[str, tuple[float, float]] = {}
    for number, document in enumerate(documents):
        weight = 1.0 if weights is None else float(weights[number])
        if not weight:
            continue
        offset, perfect, dirty = int(segments.offsets[number]), True, False
        for start, end, label in document.runs():
            size = int(visible_before[offset + end] - visible_before[offset + start])
            if not size:
                continue
            went_chars = int(lost_before[offset + end] - lost_before[offset + start])
            went, should = 2 * (size - went_chars) <= size, label in dropped
            dirty |= should
            perfect &= went == should
            count["runs"] += weight
            if should:
                count["tp" if went else "fn"] += weight
            else:
                count["fp"] += weight * went
                count["chars"] += weight * size
                count["alive"] += weight * (size - went_chars)
            gone_runs, all_runs = by_label.get(label, (0.0, 0.0))
            by_label[label] = (gone_runs + weight * went, all_runs + weight)
        kind = "dirty" if dirty else "clean"
        count[kind] += weight
        count["perfect" if dirty else "untouched"] += weight * perfect
    total = float(len(documents)) if weights is None else float(weights.sum())
    return Quality(
        total, count["runs"], count["chars"], count["alive"], count["tp"], count["fp"], count["fn"], count["clean"], count["untouched"],
        count["dirty"], count["perfect"], by_label,
    )  # fmt: skip


def evaluate_model(model: Model, documents: Sequence[LabelledDocument], by: str | None = None) -> dict[str, dict[str, float]]:
    """The quality of a model on labelled documents: a row for all, and one for each value of the field `by`.

    Of a document that a person looked at in part only the confirmed lines are measured.
    """
    documents = [document.vouched() for document in documents]
    segments = segment([document.text for document in documents])
    floors = model.floors([document.text for document in documents])
    verdicts = decide(segments, model.probabilities(segments), model.labels, model.policy, floors)
    judged = Segments(segments.codes, segments.offsets, verdicts.document, verdicts.line, verdicts.start, verdicts.end)
    dropped = [name for name in label_names(documents) if name not in model.policy.keep]
    table = {"all": measure(documents, judged, ~verdicts.kept, dropped).rounded()}
    if by:
        values = [str(document.row().get(by)) for document in documents]
        for value in sorted(set(values)):
            weights = np.array([float(v == value) for v in values])
            table[f"{by} {value}"] = measure(documents, judged, ~verdicts.kept, dropped, weights).rounded()
    return table


def format_table(table: dict[str, dict[str, float]]) -> str:
    """A quality table as lines of text, one for each row."""
    names = list(dict.fromkeys(name for row in table.values() for name in row))
    width = max(len(name) for name in table)
    lines = [" " * width + "".join(f"  {name:>15}" for name in names)]
    for title, row in table.items():
        counts = ("documents", "runs")
        cells = (f"{row[name]:>15.4f}" if name in row and name not in counts else f"{row.get(name, ''):>15}" for name in names)
        lines.append(title.ljust(width) + "".join("  " + cell for cell in cells))
    return "\n".join(lines)
