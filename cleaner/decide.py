"""Probabilities + policy -> label, score, kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cleaner.errors import UsageError
from cleaner.model import Model, Policy
from cleaner.segment import Bools, Ints, Segments
from cleaner.trees import Scores

PLACES = 4
"""Scores are rounded to so many places before they meet the threshold."""

KEEPING_TARGET, DROPPING_TARGET = 0.9995, 0.98
"""``--favor`` moves along the measured curve: the lowest threshold that leaves this share of the newsroom's characters."""


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Verdicts on a batch: the segments (pieces of one line with the same verdict joined), and for each its label, score, kept."""

    document: Ints
    line: Ints
    start: Ints
    end: Ints
    label: Ints
    score: Scores
    kept: Bools


def decide(
    segments: Segments, probabilities: Scores, labels: Sequence[str], policy: Policy, floors: Callable[[Ints], Scores] | None = None
) -> Verdicts:
    """Apply a policy: a segment is kept when its score is below the threshold.

    `floors` gives higher thresholds for documents, by their numbers, where the model knows little (a language its corpus lacks).
    """
    drops = np.array([label not in policy.keep for label in labels])
    score = np.round(probabilities[:, drops].sum(axis=1), PLACES)
    kept = score < policy.threshold
    if floors is not None and not kept.all():
        losing = np.unique(segments.document[~kept])
        floor = np.zeros(int(losing[-1]) + 1)
        floor[losing] = floors(losing)
        kept |= score < floor[np.minimum(segments.document, losing[-1])]
    label = np.where(kept, _best(probabilities, ~drops), _best(probabilities, drops))
    return _joined(segments, label, score, kept)


def _best(probabilities: Scores, side: Bools) -> Ints:
    """The most probable label of one side; where the side has no label, of all."""
    masked = np.where(side, probabilities, -1.0) if side.any() else probabilities
    result: Ints = masked.argmax(axis=1)
    return result


def _joined(segments: Segments, label: Ints, score: Scores, kept: Bools) -> Verdicts:
    """Join neighbours of one line that got the same label; the joined score is their mean, weighted by length."""
    same_line = (segments.line[1:] == segments.line[:-1]) & (segments.document[1:] == segments.document[:-1])
    joins = same_line & (label[1:] == label[:-1]) & (kept[1:] == kept[:-1])
    if not joins.any():
        return Verdicts(segments.document, segments.line, segments.start, segments.end, label, score, kept)
    first = np.flatnonzero(np.concatenate(([True], ~joins)))
    last = np.append(first[1:], len(label)) - 1
    length = (segments.end - segments.start).astype(np.float64)
    mean = np.add.reduceat(score * length, first) / np.add.reduceat(length, first)
    single = first == last
    joined = np.where(single, score[first], np.round(mean, PLACES))
    return Verdicts(
        segments.document[first], segments.line[first], segments.start[first], segments.end[last], label[first], joined, kept[first]
    )  # fmt: skip


def policy_for(model: Model, keep: Sequence[str] | None = None, favor: str | None = None) -> Policy:
    """The model's policy with other labels kept, or with its threshold moved along the measured curve.

    `UsageError` for a label the model does not know, or a `favor` that is neither ``keeping`` nor ``dropping``.
    """
    kept = model.policy.keep if keep is None else tuple(keep)
    unknown = [name for name in kept if name not in model.labels]
    if unknown:
        raise UsageError(f"The model has no label {unknown[0]!r}; it has {', '.join(model.labels)}.")
    threshold = model.policy.threshold
    if favor is not None:
        targets = {"keeping": KEEPING_TARGET, "dropping": DROPPING_TARGET}
        if favor not in targets:
            raise UsageError(f"favor is `keeping` or `dropping`, not {favor!r}.")
        good = [row["threshold"] for row in model.card.get("curve", []) if row["kept_chars"] >= targets[favor]]
        moved = min(good, default=0.99 if favor == "keeping" else threshold)
        threshold = max(threshold, moved) if favor == "keeping" else min(threshold, moved)
    return Policy(kept, threshold)
