"""Where to part what stays from what goes: scores that no model has seen the answers to, measured at every threshold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cleaner.corpus import LabelledDocument
from cleaner.evaluate import Quality, measure
from cleaner.segment import Segments
from cleaner.trees import Scores

KEPT_TARGET = 0.99
"""The share of the newsroom's characters that the threshold must leave standing on the folds, kinds weighted to everyday shares."""

EVERYDAY_CLEAN = 0.65
"""Of a hundred articles met in life, so many have nothing to drop; the folds are weighted to this share."""


def everyday_weights(documents: Sequence[LabelledDocument], dropped: Sequence[str]) -> npt.NDArray[np.float64]:
    """A weight for each document, so that the share with nothing to drop is `EVERYDAY_CLEAN`; the mean weight is 1."""
    clean = np.array([not any(label in dropped for _, _, label in document.runs()) for document in documents])
    share = clean.mean()
    if share in (0.0, 1.0):
        return np.ones(len(documents))
    weights: npt.NDArray[np.float64] = np.where(clean, EVERYDAY_CLEAN / share, (1 - EVERYDAY_CLEAN) / (1 - share))
    return weights


def measured_curve(
    documents: Sequence[LabelledDocument], segments: Segments, scores: Scores, dropped: Sequence[str], weights: npt.NDArray[np.float64]
) -> list[dict[str, float]]:
    """What each threshold would keep and drop on the folds: rows of threshold, kept_chars, drop_precision, drop_recall."""
    table = []
    for threshold in np.round(np.arange(0.05, 0.995, 0.01), 2):
        quality = measure(documents, segments, np.round(scores, 4) >= threshold, dropped, weights)
        row = {
            "threshold": float(threshold),
            "kept_chars": quality.kept_chars,
            "drop_precision": quality.precision,
            "drop_recall": quality.recall,
        }
        table.append({name: round(value, 5) for name, value in row.items()})
    return table


def choose_threshold(curve: Sequence[dict[str, float]]) -> float:
    """The lowest threshold that leaves `KEPT_TARGET` of the newsroom's characters standing (the highest of all, if none does)."""
    good = [row["threshold"] for row in curve if row["kept_chars"] >= KEPT_TARGET]
    return min(good) if good else max(row["threshold"] for row in curve)


def reliability(scores: Scores, goes: npt.NDArray[np.bool_], weight: npt.NDArray[np.float64], bins: int = 10) -> list[dict[str, float]]:
    """For ten equal bands of the score: how many segments (weighted), their mean score, and the share that should go."""
    band = np.minimum((scores * bins).astype(int), bins - 1)
    table = []
    for b in range(bins):
        inside = band == b
        total = weight[inside].sum()
        if total > 0:
            row = {
                "n": total,
                "score": (weight[inside] * scores[inside]).sum() / total,
                "share": (weight[inside] * goes[inside]).sum() / total,
            }
            table.append({name: round(float(value), 4) for name, value in row.items()})
    return table


def quality_table(
    documents: Sequence[LabelledDocument], segments: Segments, scores: Scores, threshold: float, dropped: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Quality on the folds: over all, by language, by kind, and for the documents marked hard."""
    gone = np.round(scores, 4) >= threshold
    names: list[list[str]] = [["all", f"lang {d.lang}", f"kind {d.kind}", *(["hard"] if d.extra.get("hard") else [])] for d in documents]
    table: dict[str, dict[str, float]] = {}
    for name in sorted({name for row in names for name in row}, key=lambda name: (name != "all", name)):
        quality: Quality = measure(documents, segments, gone, dropped, np.array([float(name in row) for row in names]))
        table[name] = quality.rounded()
    return table
