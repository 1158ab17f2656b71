"""Boosted trees as arrays, and how stages two and three read them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float64]

LEAF_SCALE = 1 << 20
"""Leaf values are whole numbers, so many to one: their sums are exact in any order."""

FIRST_TREES, STAYS_EARLY = 25, -2.5
"""A segment that so many trees of stage two put below so much (log odds) sees no more of them."""

SETTLED = 0.01
"""Stage three does not look at segments that stage two puts within this of staying or going, in learning as in life."""


@dataclass(frozen=True, slots=True)
class Trees:
    """Complete binary trees of one depth: ``feature`` and ``threshold`` are ``(n_trees, 2**depth - 1)`` in level order,
    ``value`` is ``(n_trees, 2**depth)``, in units of ``1 / LEAF_SCALE``. A row goes right where its feature is above the threshold."""

    feature: npt.NDArray[np.int16]
    threshold: npt.NDArray[np.float32]
    value: npt.NDArray[np.int32]

    @property
    def depth(self) -> int:
        """How many questions lead to a leaf."""
        return int(self.value.shape[1]).bit_length() - 1

    def raw(self, table: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
        """The sum of the leaf values each segment falls in: ``(n,)`` of whole numbers, from ``(n_features, n)``.

        Every comparison of several trees at once over a block of segments, eight answers to a byte, then the leaf by bit selection.
        """
        n, (trees, nodes) = table.shape[1], self.feature.shape
        total = np.zeros(n, dtype=np.int64)
        together = max(_CELLS // max(min(n, _BLOCK), 1), _LEAST)
        for at in range(0, n, _BLOCK):
            block = table[:, at : at + _BLOCK]
            for first in range(0, trees, together):
                feature, threshold = self.feature[first : first + together].T, self.threshold[first : first + together].T
                right = np.packbits(block[feature.ravel()] > threshold.ravel()[:, None], axis=1)
                leaf = self._leaves(right.reshape(nodes, feature.shape[1], -1), block.shape[1]).astype(np.intp)
                leaf += np.arange(first, first + len(leaf))[:, None] * (nodes + 1)
                total[at : at + _BLOCK] += self.value.ravel().take(leaf).sum(axis=0, dtype=np.int64)
        return total

    def _leaves(self, right: npt.NDArray[np.uint8], n: int) -> npt.NDArray[np.uint8]:
        """The number of the leaf of each tree and segment, ``(n_trees, n)``, from the packed answers, ``(n_nodes, n_trees, n / 8)``."""
        path = [right[0]]
        for level in range(1, self.depth):
            candidates = right[2**level - 1 : 2 ** (level + 1) - 1]
            for bit in path:  # the highest bit of the path halves the candidates first
                half = len(candidates) // 2
                candidates = candidates[:half] ^ ((candidates[:half] ^ candidates[half:]) & bit)
            path.append(candidates[0])
        leaf = np.zeros((right.shape[1], n), dtype=np.uint8)
        for bit in path:
            leaf += leaf
            leaf += np.unpackbits(bit, axis=1, count=n)
        return leaf

    def part(self, first: int, stop: int | None = None) -> Trees:
        """Some of the trees."""
        return Trees(self.feature[first:stop], self.threshold[first:stop], self.value[first:stop])


def first_look(trees: Trees, base: float, table: npt.NDArray[np.float32]) -> Scores:
    """Stage two's verdicts, as log odds. What a quarter of the trees finds surely staying is left at twice what they say.

    In no text we have did all the trees together, and stage three after them, let one of those segments go.
    """
    raw = trees.part(0, FIRST_TREES).raw(table) / LEAF_SCALE + base
    rest = np.flatnonzero(raw > STAYS_EARLY)
    settled = raw <= STAYS_EARLY
    raw[rest] += trees.part(FIRST_TREES).raw(table[:, rest]) / LEAF_SCALE
    raw[settled] *= 2
    return raw


def second_look(trees: Trees, base: float, table: npt.NDArray[np.float32]) -> Scores:
    """Stage three's verdicts, as log odds."""
    result: Scores = trees.raw(table) / LEAF_SCALE + base
    return result


_BLOCK, _CELLS, _LEAST = 4096, 32768, 8  # segments in a block, answers at a node, trees together: what fits the cache


def unsettled(go: Scores) -> npt.NDArray[np.int64]:
    """The segments, of which stage two says `go`, that stage three looks at."""
    return np.flatnonzero((go > SETTLED) & (go < 1 - SETTLED))


def sigmoid(raw: Scores) -> Scores:
    """The logistic function."""
    result: Scores = 1.0 / (1.0 + np.exp(-raw))
    return result
