"""Train a model: folds, variants, the stages one after the other, threshold and card.

Documents are dealt into folds by group, so that no publisher stands on both sides. Stage one is cross-fitted: stage two learns
from verdicts on documents that stage one has not seen, as it will meet them in life. What is shipped of stage one is the mean of
all its fits, those without each fold and that on everything. Calibration, threshold and the reported quality come from the same
folds. With threads held at one, the same corpus gives the same weights on the same machine.
"""

from __future__ import annotations

import hashlib
import platform
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import joblib
import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from cleaner import augment, blocks, features, grams, vocabulary
from cleaner.corpus import LabelledDocument, label_names, segment_labels, vouched_segments
from cleaner.errors import CorpusError
from cleaner.fitting import Floats, StageOne, bin_edges, fit_calibration, fit_stage_one, fit_trees, gram_matrix, mean_stage_one
from cleaner.language import learn_languages
from cleaner.model import FORMAT, Model, feature_settings
from cleaner.segment import Segments, segment
from cleaner.threshold import choose_threshold, everyday_weights, measured_curve, quality_table, reliability
from cleaner.trees import Scores, Trees, first_look, second_look, sigmoid, unsettled

DROPPED_BY_DEFAULT = ("ad", "boilerplate")

N_FOLDS = 5
VARIANT_WEIGHTS = {"transplanted": 1.0, "paragraphed": 0.5, "flattened": 0.3, "wrapped": 0.3, "cropped": 0.3, "plain": 0.3}
"""How much a variant counts beside a document as it was written. Ads set into other articles count in full: they are what
no writer could write enough of."""

TREES = {"max_iter": 100, "max_depth": 4, "learning_rate": 0.12, "min_samples_leaf": 20, "l2_regularization": 2.0, "max_features": 0.3}
LOOK_TREES = {**TREES, "max_iter": 150, "max_depth": 5, "learning_rate": 0.1, "min_samples_leaf": 40}
"""Stage two judges every segment and must be quick; stage three looks at the few that stage two did not settle."""

LABEL_WEIGHTS = {"ad": 3.0}
"""In stages two and three. Ads are what people come for, and in most articles there are none: without this, scores of short blocks
between long paragraphs stay low."""

PARAGRAPH = 40
"""Code points. A kept segment counts as the square root of its length over this, within limits: to lose a paragraph is worse than
to lose a credit line."""

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Prepared:
    """Documents as arrays: their segments, gold labels, stage one's matrix, and what stage two needs beside its verdicts."""

    documents: Sequence[LabelledDocument]
    segments: Segments
    gold: npt.NDArray[np.int64]
    matrix: csr_matrix
    shapes: Floats
    keys: vocabulary.Keys
    repeated: Floats
    frequency: npt.NDArray[np.int64]

    counts: npt.NDArray[np.float64]

    def table(self, stage: StageOne, drops: npt.NDArray[np.bool_]) -> Floats:
        """What stage two sees, given a fitted stage one: ``(n_features, n_segments)``."""
        alone = features.Alone(stage.evidence(self.matrix, self.counts), self.counts, stage.bias, stage.scale)
        return features.context(self.segments, self.shapes, self.keys, self.repeated, alone, drops)[0]


def prepare(documents: Sequence[LabelledDocument], labels: Sequence[str], n_own: int) -> Prepared:
    """Segment the documents and compute all that does not depend on a fitted model; the first `n_own` are no variants."""
    segments = segment([document.text for document in documents])
    folded = grams.fold(segments)
    hashes = grams.rolling_hashes(folded.codes)
    frequency = vocabulary.document_frequency(folded, hashes, segments.document, n_own)
    return Prepared(
        documents, segments, segment_labels(documents, segments, labels), gram_matrix(folded, hashes), features.shape(folded),
        vocabulary.weighed_keys(folded, hashes, segments.document, vocabulary.rarity(frequency, n_own, own=1)),
        features.repetitions(folded, hashes, segments.document), frequency, grams.gram_counts(folded),
    )  # fmt: skip


def deal(documents: Sequence[LabelledDocument], n_folds: int, seed: int = 0) -> npt.NDArray[np.int64]:
    """The fold of each document: groups are never split, folds are of like size, each language is spread over the folds."""
    sizes: dict[tuple[str, str], int] = {}
    for document in documents:
        key = (document.lang, document.group)
        sizes[key] = sizes.get(key, 0) + len(document.lines)
    order = sorted(sizes, key=lambda key: (key[0], -sizes[key], hashlib.sha256(f"{seed}{key}".encode()).hexdigest()))
    load: dict[str, npt.NDArray[np.float64]] = {}
    fold_of: dict[str, int] = {}
    total = np.zeros(n_folds)
    for lang, group in order:
        own = load.setdefault(lang, np.zeros(n_folds))
        fold = fold_of.setdefault(group, int(np.lexsort((total, own))[0]))
        own[fold] += sizes[lang, group]
        total[fold] += sizes[lang, group]
    return np.array([fold_of[document.group] for document in documents], dtype=np.int64)


def variants(
    documents: Sequence[LabelledDocument], folds: npt.NDArray[np.int64], seed: int = 0
) -> tuple[list[LabelledDocument], list[int]]:
    """Variants of the documents and the index of each one's source. Ads are carried over within a fold only, so none is seen twice."""
    made, sources = [], []
    for fold in np.unique(folds):
        members = np.flatnonzero(folds == fold).tolist()
        blocks = augment.ad_blocks([documents[i] for i in members])
        for i in members:
            document = documents[i]
            rng = random.Random(f"{seed}/{document.digest}")
            base = augment.paragraphed(document, rng) if rng.random() < 0.6 else document
            chosen = [] if base is document else [base]
            if rng.random() < 0.85:
                chosen.append(augment.transplanted(base, blocks, rng))
            if rng.random() < 0.25:
                chosen.append(augment.flattened(rng.choice([document, *chosen]), rng))
            if rng.random() < 0.1:
                chosen.append(augment.wrapped(rng.choice([document, *chosen]), rng))
            if rng.random() < 0.2:
                chosen.append(augment.cropped(base, rng))
            made += chosen
            sources += [i] * len(chosen)
    return made, sources


@dataclass(frozen=True, slots=True)
class Training:
    """What a training gives: the model, and the out-of-fold verdicts it was judged by.

    ``scores`` holds the score of each segment, ``alone`` the probability that stage one gives each label, ``gold`` the index of
    its label; ``folds`` the fold of each document.
    """

    model: Model
    documents: Sequence[LabelledDocument]
    segments: Segments
    scores: Scores
    alone: Floats
    gold: npt.NDArray[np.int64]
    folds: npt.NDArray[np.int64]


def train(
    documents: Sequence[LabelledDocument], *, keep: Sequence[str] | None = None, counts: Sequence[float] | None = None,
    folds: npt.NDArray[np.int64] | None = None, n_jobs: int = 2, report: Report = lambda _: None,
) -> Training:  # fmt: skip
    """Fit all stages, the calibration and the threshold; `CorpusError` when the documents cannot be trained on.

    `keep` names the labels to keep (`None`: all but `DROPPED_BY_DEFAULT`). `counts` says how much each document counts in learning (`None`:
    1); it is measured once all the same. One that counts 0 is scored like the others of its fold, but nothing is learned from it. Of a
    document looked at in part only the confirmed lines are learned from. `folds` deals the documents (`None`: `deal`).
    """
    started = time.perf_counter()
    labels = label_names(documents)
    keep = tuple(name for name in labels if name not in DROPPED_BY_DEFAULT) if keep is None else tuple(keep)
    drops = np.array([name not in keep for name in labels])
    count = np.ones(len(documents)) if counts is None else np.asarray(counts, dtype=np.float64)
    learned = np.flatnonzero(count)
    vouched = [document.vouched() for document in documents]
    _check([vouched[i] for i in learned.tolist()], keep)
    folds = deal(documents, N_FOLDS) if folds is None else folds
    whole = np.array([i for i in learned.tolist() if documents[i].confirmed is None], dtype=np.int64)
    extra, chosen = variants([documents[i] for i in whole.tolist()], folds[whole])
    source = np.concatenate((np.arange(len(documents)), whole[np.array(chosen, dtype=np.int64)]))
    everything = prepare([*documents, *extra], labels, len(documents))
    n_own = int(np.searchsorted(everything.segments.document, len(documents)))
    fold = folds[source][everything.segments.document]
    weight_of = np.array([1.0] * len(documents) + [VARIANT_WEIGHTS[variant.id.rpartition("/")[2]] for variant in extra])
    sure = vouched_segments(documents, everything.segments)  # the others are context: nothing is learned from their labels
    weight = count[source][everything.segments.document] * weight_of[everything.segments.document] * sure
    gold, goes = everything.gold, drops[everything.gold]
    report(f"{len(documents)} documents and {len(extra)} variants of them, {n_own} + {len(fold) - n_own} segments, {len(labels)} labels")

    present = np.unique(fold).tolist()
    fits = _fits(fold, weight, present)
    stages = joblib.Parallel(n_jobs=n_jobs)(
        joblib.delayed(fit_stage_one)(everything.matrix[used], gold[used], weight[used], len(labels)) for used in fits
    )
    report(f"stage one fitted {len(fits)} times, {time.perf_counter() - started:.0f} s")
    table = np.zeros((len(features.context_names(len(labels))), len(fold)), dtype=np.float32)
    for k, stage in zip(present, stages):
        table[:, fold == k] = everything.table(stage, drops)[:, fold == k]
    weight = weight * _stakes(everything.segments, gold, goes, labels)
    second, raw = _cross_fit(table, goes, weight, fold, present, n_jobs, TREES, first_look)
    report(f"stage two fitted {len(fits)} times, {time.perf_counter() - started:.0f} s")
    again = np.concatenate((table, blocks.revisited(sigmoid(raw), everything.segments.document, everything.counts)))
    rest = unsettled(sigmoid(raw))
    if not all(0 < goes[rest][used].sum() < used.sum() for used in _fits(fold[rest], weight[rest], present)):
        rest = np.arange(len(raw))  # too few to learn from
    third, raw[rest] = _cross_fit(again[:, rest], goes[rest], weight[rest], fold[rest], present, n_jobs, LOOK_TREES, second_look)
    report(f"stage three fitted {len(fits)} times, {time.perf_counter() - started:.0f} s")

    dropped = [name for name, drop in zip(labels, drops) if drop]
    own = everything.segments.document < len(documents)
    everyday = np.zeros(len(documents))
    everyday[learned] = everyday_weights([vouched[i] for i in learned.tolist()], dropped) * np.minimum(count[learned], 1)
    own_weight = everyday[everything.segments.document[own]] * sure[own]
    calibration = fit_calibration(raw[own], goes[own], own_weight)
    own_segments = _first(everything.segments, n_own, len(documents))
    scores = sigmoid(calibration[0] * raw[own] + calibration[1])
    curve = measured_curve(vouched, own_segments, scores, dropped, everyday)
    threshold = choose_threshold(curve)
    arrays = {
        **_stage_one_arrays(mean_stage_one(stages)),
        **_tree_arrays("tree", *second), **_tree_arrays("look", *third), "calibration": calibration,
        "rarity": vocabulary.rarity(everything.frequency, len(documents)),
    }  # fmt: skip
    card = {
        "format": FORMAT, "labels": labels, "policy": {"keep": list(keep), "threshold": threshold}, "features": feature_settings(),
        "languages": sorted({document.lang for document in documents if document.lang}),
        "words": learn_languages(documents),
        "corpus": {"documents": len(learned), "segments": n_own, "digests": sorted({documents[i].digest for i in learned.tolist()})},
        "curve": curve, "reliability": reliability(scores, goes[own], own_weight),
        "quality": quality_table(vouched, own_segments, scores, threshold, dropped),
        "versions": {
            "python": platform.python_version(), **{name: version(name) for name in ("numpy", "scikit-learn", "scipy")},
        },
    }  # fmt: skip
    report(f"threshold {threshold}, {time.perf_counter() - started:.0f} s")
    alone = table[1 : len(labels) + 1, :n_own].T  # the columns after `go`
    return Training(Model(card, arrays), documents, own_segments, scores, alone, gold[:n_own], folds)


def _stakes(segments: Segments, gold: npt.NDArray[np.int64], goes: npt.NDArray[np.bool_], labels: Sequence[str]) -> npt.NDArray[np.float64]:
    """What is at stake in each segment: by its label where it should go, by its length where it should stay."""
    by_label = np.array([LABEL_WEIGHTS.get(name, 1.0) for name in labels])[gold]
    by_length = np.clip(np.sqrt((segments.end - segments.start) / PARAGRAPH), 1.0, 4.0)
    result: npt.NDArray[np.float64] = np.where(goes, by_label, by_length)
    return result


def _fits(fold: npt.NDArray[np.int64], weight: npt.NDArray[np.float64], present: Sequence[int]) -> list[npt.NDArray[np.bool_]]:
    """The segments to fit on: without each fold in turn, then all."""
    return [(fold != k) & (weight > 0) for k in present] + [weight > 0]


def _cross_fit(
    table: Floats,
    goes: npt.NDArray[np.bool_],
    weight: npt.NDArray[np.float64],
    fold: npt.NDArray[np.int64],
    present: Sequence[int],
    n_jobs: int,
    settings: dict[str, Any],
    look: Callable[[Trees, float, Floats], Scores],
) -> tuple[tuple[Trees, float], Scores]:
    """Trees fitted on everything, and for each segment the raw score of trees that did not see its fold."""
    fits = _fits(fold, weight, present)
    edges = bin_edges(table)
    codes = np.stack([np.searchsorted(cuts, row).astype(np.uint8) for cuts, row in zip(edges, table)], axis=1)
    fitted = joblib.Parallel(n_jobs=n_jobs)(
        joblib.delayed(fit_trees)(codes[used], edges, goes[used], weight[used], settings) for used in fits
    )
    raw = np.zeros(len(fold))
    for k, (trees, base) in zip(present, fitted):
        raw[fold == k] = look(trees, base, table[:, fold == k])
    return fitted[-1], raw


def _stage_one_arrays(stage: StageOne) -> dict[str, npt.NDArray[Any]]:
    return {"weights": stage.weights, "weight_scale": np.array(stage.scale), "bias": stage.bias}


def _tree_arrays(name: str, trees: Trees, base: float) -> dict[str, npt.NDArray[Any]]:
    return {
        f"{name}_feature": trees.feature,
        f"{name}_threshold": trees.threshold,
        f"{name}_value": trees.value,
        f"{name}_base": np.array(base),
    }


def _first(segments: Segments, n: int, n_documents: int) -> Segments:
    end = int(segments.offsets[n_documents])
    return Segments(
        segments.codes[:end],
        segments.offsets[: n_documents + 1],
        segments.document[:n],
        segments.line[:n],
        segments.start[:n],
        segments.end[:n],
    )


def _check(documents: Sequence[LabelledDocument], keep: Sequence[str]) -> None:
    labels = label_names(documents)
    by_model = [document.id for document in documents if document.by == "model"]
    if by_model:
        raise CorpusError(f"{by_model[0]} and {len(by_model) - 1} more are labelled by a model; a person must look at them first (`by`).")
    if len({document.group for document in documents}) < 2:
        raise CorpusError("Training needs documents of at least two groups (publishers or writers): one to learn from, one to check on.")
    if not any(name in keep for name in labels) or all(name in keep for name in labels):
        raise CorpusError(f"Training needs at least one label to keep and one to drop; the documents have {', '.join(labels) or 'none'}.")
