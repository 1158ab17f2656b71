"""Fit a model: the one file that imports scikit-learn.

Documents are dealt into folds by group, so that no publisher stands on both sides. Stage one is cross-fitted: stage two learns
from verdicts on documents that stage one has not seen, as it will meet them in life. Calibration, threshold and the reported
quality come from the same folds. With threads held at one, the same corpus gives the same weights on the same machine.
"""

from __future__ import annotations

import hashlib
import platform
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np
import numpy.typing as npt
import scipy
import sklearn
from scipy.sparse import csr_matrix
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from cleaner import augment, blocks, features, grams, vocabulary
from cleaner.corpus import LabelledDocument, label_names, segment_labels, vouched_segments
from cleaner.errors import CorpusError
from cleaner.evaluate import Quality, measure
from cleaner.language import learn_languages
from cleaner.model import FORMAT, Model, feature_settings
from cleaner.segment import Segments, segment
from cleaner.trees import LEAF_SCALE, Scores, Trees, first_look, second_look, sigmoid, unsettled

KEPT_BY_DEFAULT = ("editorial", "caption", "byline")
DROPPED_BY_DEFAULT = ("ad", "boilerplate")

KEPT_TARGET = 0.993
"""The share of the newsroom's characters that the threshold must leave standing on the folds, kinds weighted to everyday shares."""

EVERYDAY_CLEAN = 0.65
"""Of a hundred articles met in life, so many have nothing to drop; the folds are weighted to this share."""

N_FOLDS = 5
STAGE_ONE_C = 6.0
SCALE_QUANTILE = 0.9999
VARIANT_WEIGHTS = {"transplanted": 1.0, "paragraphed": 0.5, "flattened": 0.3, "wrapped": 0.3, "cropped": 0.3, "plain": 0.3}
"""How much a variant counts beside a document as it was written. Ads set into other articles count in full: they are what
no writer could write enough of."""

TREES = {"max_iter": 100, "max_depth": 4, "learning_rate": 0.12, "min_samples_leaf": 20, "l2_regularization": 2.0, "max_features": 0.3}
LOOK_TREES = {**TREES, "max_iter": 150, "max_depth": 5, "learning_rate": 0.1, "min_samples_leaf": 40}
"""Stage two judges every segment and must be quick; stage three looks at the few that stage two did not settle."""
BINS = 128
ROUNDING = 1e-5

LABEL_WEIGHTS = {"ad": 3.0}
"""In stages two and three. Ads are what people come for, and in most articles there are none: without this, scores of short blocks
between long paragraphs stay low."""

PARAGRAPH = 40
"""Code points. A kept segment counts as the square root of its length over this, within limits: to lose a paragraph is worse than
to lose a credit line."""

Floats = npt.NDArray[np.float32]
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


def gram_matrix(folded: grams.Folded, hashes: Sequence[grams.Hashes]) -> csr_matrix:
    """Counts of hashed n-grams over the square root of their number: ``(n_segments, N_BUCKETS)``."""
    n = len(folded.start)
    rows, columns = [], []
    for order in grams.ORDERS:
        low, high = grams.gram_spans(folded, order)
        length = high - low
        position = np.repeat(low - np.concatenate(([0], np.cumsum(length)[:-1])), length) + np.arange(length.sum())
        rows.append(np.repeat(np.arange(n), length))
        columns.append(grams.buckets(hashes[order - 1], order)[position])
    row, column = np.concatenate(rows), np.concatenate(columns)
    value = (1 / np.sqrt(grams.gram_counts(folded)))[row].astype(np.float32)
    return csr_matrix((value, (row, column)), shape=(n, grams.N_BUCKETS))


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
class StageOne:
    """Multinomial logistic regression over the hashed n-grams, relative to the first label.

    ``weights`` are whole numbers of 8 bits in units of ``scale``; the few beyond the scale are cut to it. The folds use them as
    they will be shipped, so that the later stages learn from what they will meet.
    """

    weights: npt.NDArray[np.int8]
    scale: float
    bias: npt.NDArray[np.float64]

    def evidence(self, matrix: csr_matrix, counts: npt.NDArray[np.float64]) -> Scores:
        """The summed weights of each segment's n-grams: ``(n_labels - 1, n_segments)``, whole numbers."""
        result: Scores = np.rint((matrix @ self.weights.T.astype(np.float32)).T * np.sqrt(counts))
        return result


def fit_stage_one(matrix: csr_matrix, gold: npt.NDArray[np.int64], weight: npt.NDArray[np.float64], n_labels: int) -> StageOne:
    """Fit on the buckets that occur, each scaled by its inverse document frequency; the scale is folded into the weights."""
    frequency = np.bincount(matrix.indices, minlength=matrix.shape[1])
    # Frequent buckets first: what the fit reads most lies together in memory, which makes it half as fast again.
    used = np.argsort(-frequency, kind="stable")[: np.count_nonzero(frequency)]
    inverse = np.log((1 + matrix.shape[0]) / (1 + frequency[used])) + 1
    scaled = matrix[:, used].multiply(inverse[None, :].astype(np.float32)).tocsr()
    scaled.sort_indices()
    model = LogisticRegression(C=STAGE_ONE_C, max_iter=200, tol=1e-3).fit(scaled, gold, sample_weight=weight)
    coefficient, intercept = model.coef_ * inverse, model.intercept_
    if len(model.classes_) == 2:
        coefficient, intercept = np.stack((-coefficient[0], coefficient[0])) / 2, np.array([-intercept[0], intercept[0]]) / 2
    weights, bias = np.zeros((n_labels, matrix.shape[1])), np.full(n_labels, -12.0)
    weights[np.ix_(model.classes_, used)], bias[model.classes_] = coefficient, intercept
    relative = (weights - weights[0])[1:]
    scale = float(np.quantile(np.abs(relative[:, used]), SCALE_QUANTILE)) / 127 or 1.0
    return StageOne(np.clip(np.rint(relative / scale), -127, 127).astype(np.int8), scale, (bias - bias[0])[1:])


def bin_edges(table: Floats) -> list[Floats]:
    """The values that part each feature into at most `BINS` bins of like size: a value is in the bin after all edges below it.

    Every edge lies midway between two values that differ by more than rounding: where another release or machine computes a last
    digit differently, no verdict changes.
    """
    edges = []
    for row in table:
        distinct = np.unique(row).astype(np.float64)
        middles = ((distinct[1:] + distinct[:-1]) / 2)[np.diff(distinct) > ROUNDING * (1 + np.abs(distinct[1:]))]
        if len(middles) >= BINS:
            wanted = np.percentile(row, np.linspace(0, 100, BINS + 1)[1:-1])
            middles = middles[np.unique(np.searchsorted(middles, wanted).clip(max=len(middles) - 1))]
        edges.append(middles.astype(np.float32))
    return edges


def fit_trees(
    codes: npt.NDArray[np.uint8],
    edges: Sequence[Floats],
    goes: npt.NDArray[np.bool_],
    weight: npt.NDArray[np.float64],
    settings: dict[str, Any],
) -> tuple[Trees, float]:
    """Boosted trees, does the segment go; as complete arrays, and the raw score they start from.

    Fitted on bin numbers, ``(n_segments, n_features)``, not on values: scikit-learn takes ten times as long to find weighted quantiles
    for every fit, and finds them in another way in every release.
    """
    model = HistGradientBoostingClassifier(random_state=0, early_stopping=False, **settings).fit(codes, goes, sample_weight=weight)
    depth = int(settings["max_depth"])
    n = len(model._predictors)
    trees = Trees(
        np.zeros((n, 2**depth - 1), dtype=np.int16), np.full((n, 2**depth - 1), np.inf, dtype=np.float32),
        np.zeros((n, 2**depth), dtype=np.int32),
    )  # fmt: skip
    for number, (predictor,) in enumerate(model._predictors):
        _fill(trees, number, predictor.nodes, edges, 0, 0, 0)
    return trees, float(np.ravel(model._baseline_prediction)[0])


def _fill(trees: Trees, number: int, nodes: Any, edges: Sequence[Floats], source: int, place: int, level: int) -> None:
    """Copy a node of a scikit-learn tree and all below it; a leaf that ends early fills every place under it."""
    node, depth = nodes[source], trees.depth
    if node["is_leaf"]:
        span = 2 ** (depth - level)
        first = (place - (2**level - 1)) * span
        trees.value[number, first : first + span] = round(float(node["value"]) * LEAF_SCALE)
        return
    trees.feature[number, place] = node["feature_idx"]
    # A bin number above k + 1/2 is a value above edge k.
    trees.threshold[number, place] = edges[node["feature_idx"]][int(node["num_threshold"])]
    _fill(trees, number, nodes, edges, int(node["left"]), 2 * place + 1, level + 1)
    _fill(trees, number, nodes, edges, int(node["right"]), 2 * place + 2, level + 1)


def fit_calibration(raw: Scores, goes: npt.NDArray[np.bool_], weight: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Platt scaling: slope and offset of the logistic curve through the raw scores."""
    model = LogisticRegression(C=1e6).fit(raw[:, None], goes, sample_weight=weight)
    return np.array([model.coef_[0, 0], model.intercept_[0]])


def everyday_weights(documents: Sequence[LabelledDocument], dropped: Sequence[str]) -> npt.NDArray[np.float64]:
    """A weight for each document, so that the share with nothing to drop is `EVERYDAY_CLEAN`; the mean weight is 1."""
    clean = np.array([not any(label in dropped for _, _, label in document.runs()) for document in documents])
    share = clean.mean()
    if share in (0.0, 1.0):
        return np.ones(len(documents))
    weights: npt.NDArray[np.float64] = np.where(clean, EVERYDAY_CLEAN / share, (1 - EVERYDAY_CLEAN) / (1 - share))
    return weights


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
        joblib.delayed(_stage_one)(everything.matrix[used], gold[used], weight[used], len(labels)) for used in fits
    )
    report(f"stage one fitted {len(fits)} times, {time.perf_counter() - started:.0f} s")
    table = np.zeros((len(features.context_names(len(labels))), len(fold)), dtype=np.float32)
    for k, stage in zip(present, stages):
        table[:, fold == k] = everything.table(stage, drops)[:, fold == k]
    weight = weight * _stakes(everything.segments, gold, goes, labels)
    second, raw = _cross_fit(table, goes, weight, fold, present, n_jobs, TREES, first_look)
    report(f"stage two fitted {len(fits)} times, {time.perf_counter() - started:.0f} s")
    again = blocks.revisited(table, sigmoid(raw), everything.segments.document, everything.counts)
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
        "weights": stages[-1].weights, "weight_scale": np.array(stages[-1].scale), "bias": stages[-1].bias,
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
            "python": platform.python_version(), "numpy": np.__version__, "scikit-learn": sklearn.__version__, "scipy": scipy.__version__,
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
    fitted = joblib.Parallel(n_jobs=n_jobs)(joblib.delayed(_trees)(codes[used], edges, goes[used], weight[used], settings) for used in fits)
    raw = np.zeros(len(fold))
    for k, (trees, base) in zip(present, fitted):
        raw[fold == k] = look(trees, base, table[:, fold == k])
    return fitted[-1], raw


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


def _stage_one(matrix: csr_matrix, gold: npt.NDArray[np.int64], weight: npt.NDArray[np.float64], n_labels: int) -> StageOne:
    with threadpool_limits(1):
        return fit_stage_one(matrix, gold, weight, n_labels)


def _trees(
    codes: npt.NDArray[np.uint8],
    edges: Sequence[Floats],
    goes: npt.NDArray[np.bool_],
    weight: npt.NDArray[np.float64],
    settings: dict[str, Any],
) -> tuple[Trees, float]:
    with threadpool_limits(1):
        return fit_trees(codes, edges, goes, weight, settings)


def _check(documents: Sequence[LabelledDocument], keep: Sequence[str]) -> None:
    labels = label_names(documents)
    by_model = [document.id for document in documents if document.by == "model"]
    if by_model:
        raise CorpusError(f"{by_model[0]} and {len(by_model) - 1} more are labelled by a model; a person must look at them first (`by`).")
    if len({document.group for document in documents}) < 2:
        raise CorpusError("Training needs documents of at least two groups (publishers or writers): one to learn from, one to check on.")
    if not any(name in keep for name in labels) or all(name in keep for name in labels):
        raise CorpusError(f"Training needs at least one label to keep and one to drop; the documents have {', '.join(labels) or 'none'}.")


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
