"""Boosted trees as arrays, and how stages two and three read them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float64]

LEAF_SCALE = 1 << 20
"""Leaf values are whole numbers, so many to one: their sums are exact in any order."""

FIRST_TREES, STAYS_EARLY = 25, -2.5
"""A segment that so many trees of stage two put below so much (log odds) sees no more of them."""

SETTLED = 0.01
"""Stage three does not look at segments that stage two puts within this of staying or going, in learning as in life."""


@dataclass(frozen=True)
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

        Every question once for all segments, eight answers to a byte, then the leaf of each tree by bit selection.
        """
        n, (trees, nodes) = table.shape[1], self.feature.shape
        total = np.zeros(n, dtype=np.int64)
        if not n or not trees:
            return total
        answers = self._questions.answers(table)
        together = max(_CELLS // n, _LEAST)
        for first in range(0, trees, together):
            leaf = self._leaves(answers[self._questions.number[:, first : first + together]], n).astype(np.intp)
            leaf += np.arange(first, first + len(leaf))[:, None] * (nodes + 1)
            total += self.value.ravel().take(leaf).sum(axis=0, dtype=np.int64)
        return total

    @cached_property
    def _questions(self) -> _Questions:
        asked = np.stack((self.feature.ravel().astype(np.float64), self.threshold.ravel().astype(np.float64)))
        (feature, threshold), number = np.unique(asked, axis=1, return_inverse=True)
        return _Questions(feature.astype(np.intp), threshold.astype(np.float32)[:, None], number.reshape(self.feature.shape).T)

    @cached_property
    def first_and_rest(self) -> tuple[Trees, Trees]:
        """The first `FIRST_TREES`, and the others."""
        return self._part(slice(FIRST_TREES)), self._part(slice(FIRST_TREES, None))

    def _part(self, which: slice) -> Trees:
        return Trees(self.feature[which], self.threshold[which], self.value[which])

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


@dataclass(frozen=True, slots=True)
class _Questions:
    """The different questions of some trees, by feature: is ``feature`` above ``threshold``? ``number`` says which one each node asks."""

    feature: npt.NDArray[np.intp]
    threshold: npt.NDArray[np.float32]
    number: npt.NDArray[np.intp]

    def answers(self, table: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
        """Packed bits, ``(n_questions, n / 8)``."""
        n = table.shape[1]
        if n < _FEW:  # too few to be worth a call for each feature
            return np.packbits(table[self.feature] > self.threshold, axis=1)
        answers = np.empty((len(self.feature), -(-n // 8)), dtype=np.uint8)
        for first, stop in self._of_a_feature():
            answers[first:stop] = np.packbits(table[self.feature[first]] > self.threshold[first:stop], axis=1)
        return answers

    def _of_a_feature(self) -> Iterator[tuple[int, int]]:
        return pairwise([0, *(np.flatnonzero(np.diff(self.feature)) + 1).tolist(), len(self.feature)])


def first_look(trees: Trees, base: float, table: npt.NDArray[np.float32]) -> Scores:
    """Stage two's verdicts, as log odds. What a quarter of the trees finds surely staying is left at twice what they say.

    In no text we have did all the trees together, and stage three after them, let one of those segments go.
    """
    first, others = trees.first_and_rest
    raw = first.raw(table) / LEAF_SCALE + base
    rest = np.flatnonzero(raw > STAYS_EARLY)
    settled = raw <= STAYS_EARLY
    raw[rest] += others.raw(table[:, rest]) / LEAF_SCALE
    raw[settled] *= 2
    return raw


def second_look(trees: Trees, base: float, table: npt.NDArray[np.float32]) -> Scores:
    """Stage three's verdicts, as log odds."""
    result: Scores = trees.raw(table) / LEAF_SCALE + base
    return result


_FEW = 512  # segments
_CELLS, _LEAST = 1 << 17, 8  # answers at a node of all trees taken together, and so many trees at least: what fits the cache


def unsettled(go: Scores) -> npt.NDArray[np.int64]:
    """The segments, of which stage two says `go`, that stage three looks at."""
    return np.flatnonzero((go > SETTLED) & (go < 1 - SETTLED))


def sigmoid(raw: Scores) -> Scores:
    """The logistic function."""
    result: Scores = 1.0 / (1.0 + np.exp(-raw))
    return result
