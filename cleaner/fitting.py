"""The single fits: what scikit-learn is asked to learn, and its answers as plain arrays. The one file that imports it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from cleaner import grams
from cleaner.trees import LEAF_SCALE, Scores, Trees

STAGE_ONE_C = 6.0
SCALE_QUANTILE = 0.9999
BINS = 128
ROUNDING = 1e-5

Floats = npt.NDArray[np.float32]


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
    with threadpool_limits(1):  # more threads would add in another order
        model = LogisticRegression(C=STAGE_ONE_C, max_iter=200, tol=1e-3).fit(scaled, gold, sample_weight=weight)
    coefficient, intercept = model.coef_ * inverse, model.intercept_
    if len(model.classes_) == 2:
        coefficient, intercept = np.stack((-coefficient[0], coefficient[0])) / 2, np.array([-intercept[0], intercept[0]]) / 2
    weights, bias = np.zeros((n_labels, matrix.shape[1])), np.full(n_labels, -12.0)
    weights[np.ix_(model.classes_, used)], bias[model.classes_] = coefficient, intercept
    return _in_bytes((weights - weights[0])[1:], (bias - bias[0])[1:])


def mean_stage_one(stages: Sequence[StageOne]) -> StageOne:
    """The mean of several fits, which is linear like each of them: no slower, and steadier than the best.

    A fit is led astray by n-grams that its part of the documents has by chance; the mean keeps what the parts agree on (bagging:
    L. Breiman, Bagging Predictors, 1996).
    """
    weights = np.mean([stage.weights * stage.scale for stage in stages], axis=0)
    return _in_bytes(weights, np.mean([stage.bias for stage in stages], axis=0))


def _in_bytes(weights: npt.NDArray[np.float64], bias: npt.NDArray[np.float64]) -> StageOne:
    used = np.abs(weights[weights != 0])
    scale = float(np.quantile(used, SCALE_QUANTILE)) / 127 if len(used) else 1.0
    return StageOne(np.clip(np.rint(weights / scale), -127, 127).astype(np.int8), scale, bias)


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
    with threadpool_limits(1):
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
