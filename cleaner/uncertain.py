"""Which segments are worth a person's time: how unsure a verdict is, why a segment is worth a look, and a varied choice of them.

`uncertainty` is 1 where the score meets the threshold and falls to 0 where the model is sure. `reasons_to_look` adds what a
score alone does not show: text that went but reads like the newsroom's, text that stayed but reads like an ad, a label that
the model disagrees with. `choose` takes the best of many candidates one by one; each one taken makes those that resemble it,
and those of its document and its group, worth less, so that one template or one publisher does not fill the list.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntFlag

import numpy as np
import numpy.typing as npt

CLOSE_CALL = 0.3
"""From this uncertainty on, a verdict is called close."""

_SENTENCE = re.compile(r"[.!?…。！？][\"'”’»)\]」』】]*$")
_LONG_ENOUGH = 40  # code points; a shorter line that ends like a sentence is often a slogan
_DIMENSIONS = 512


class Look(IntFlag):
    """Why a segment is worth a look."""

    CLOSE = 1
    DROPPED_EDITORIAL = 2
    KEPT_AD = 4
    DISAGREES = 8
    CHOSEN = 16


@dataclass(frozen=True, slots=True)
class Candidate:
    """A segment that may be chosen: its text, how much it is worth, and the document and group it comes from."""

    text: str
    worth: float
    document: str
    group: str


def uncertainty(score: float, threshold: float) -> float:
    """How unsure a verdict is: 1 at the threshold, 0 at either end.

    >>> [round(uncertainty(score, 0.8), 2) for score in (0.0, 0.4, 0.8, 0.9, 1.0)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    if score < threshold:
        return max(score, 0.0) / threshold
    return (1 - min(score, 1.0)) / (1 - threshold) if threshold < 1 else 1.0


def reasons_to_look(
    text: str, *, score: float, kept: bool, threshold: float,
    alone: float | None = None, given_kept: bool | None = None, same_label: bool = True,
) -> tuple[Look, float]:  # fmt: skip
    """Why a segment is worth a look, and how much: 0 nothing to see, about 1 a close call, above 1 a likely error.

    `alone` is the probability that the segment should go by its own words, without its neighbours; `given_kept` the side of the
    label that a person gave it, `None` if nobody did; `same_label` whether that label is the model's.

    >>> reasons_to_look("Buy now!", score=0.98, kept=False, threshold=0.9, alone=0.2)
    (<Look.DROPPED_EDITORIAL: 2>, 0.42)
    """
    # Measured on labelled news, nearness to the threshold finds most of the errors; the other signs count for less.
    why, worth = Look(0), uncertainty(score, threshold)
    if worth >= CLOSE_CALL:
        why |= Look.CLOSE
    if not kept:
        reads_editorial = 0.0 if alone is None else 1 - alone
        if len(text) >= _LONG_ENOUGH and _SENTENCE.search(text):
            reads_editorial = max(reads_editorial, 0.55)
        if reads_editorial > 0.5:
            why |= Look.DROPPED_EDITORIAL
            worth = max(worth, 0.1 + 0.4 * reads_editorial)
    elif alone is not None and alone > 0.5:
        why |= Look.KEPT_AD
        worth = max(worth, 0.4 * alone)
    if given_kept is not None:
        if given_kept != kept:
            why |= Look.DISAGREES
            worth = 1 + (score if given_kept else 1 - score)
        elif not same_label:
            why |= Look.DISAGREES
            worth = max(worth, 0.5)
    return why, round(worth, 3)


def template(text: str) -> str:
    """What stays of a text when its numbers and spaces go: two lines of one template are the same in it.

    >>> template("Tel. 062-123 4567") == template("Tel.  031-765 0000")
    True
    """
    return re.sub(r"\d+", "0", "".join(text.casefold().split()))[:200]


def fingerprints(texts: Sequence[str]) -> npt.NDArray[np.float32]:
    """Unit vectors of hashed runs of five bytes; their products say how alike two texts are (1 the same, 0 nothing shared)."""
    vectors: npt.NDArray[np.float32] = np.zeros((len(texts), _DIMENSIONS), dtype=np.float32)
    for number, text in enumerate(texts):
        plain = f" {template(text)} ".encode("utf-8", "replace")
        for at in range(max(len(plain) - 4, 1)):
            code = zlib.crc32(plain[at : at + 5])
            vectors[number, code % _DIMENSIONS] += 1 if code >> 31 else -1
    length = np.sqrt((vectors * vectors).sum(axis=1, keepdims=True))
    vectors /= np.where(length > 0, length, np.float32(1))
    return vectors


def choose(candidates: Sequence[Candidate], n: int) -> list[int]:
    """The places of `n` candidates to label, the most useful first: unsure verdicts, unlike each other, from many groups.

    >>> lines = [Candidate("Call 062-123-4567", 0.9, "a", "x"), Candidate("Call 062-765-4321", 0.9, "b", "x"),
    ...          Candidate("The council met.", 0.6, "c", "y")]
    >>> choose(lines, 2)
    [0, 2]
    """
    pool = _pool(candidates, 5 * n + 500)  # choosing compares each one taken with all that are left
    if len(pool) <= n:
        return pool
    vectors = fingerprints([candidates[i].text for i in pool])
    worth = np.array([candidates[i].worth for i in pool])
    likest = np.zeros(len(pool))
    groups, documents = _numbers([candidates[i].group for i in pool]), _numbers([candidates[i].document for i in pool])
    taken_group, taken_document = np.zeros(groups.max() + 1), np.zeros(documents.max() + 1)
    chosen: list[int] = []
    for _ in range(n):
        gain = worth * np.sqrt(1.02 - likest) / np.cbrt((1 + taken_group[groups]) * (1 + taken_document[documents]))
        gain[chosen] = -1
        best = int(gain.argmax())
        chosen.append(best)
        likest = np.clip(np.maximum(likest, vectors @ vectors[best]), 0, 1)
        taken_group[groups[best]] += 1
        taken_document[documents[best]] += 1
    return [pool[i] for i in chosen]


def _pool(candidates: Sequence[Candidate], size: int) -> list[int]:
    """The places of the most useful candidates: one of each template, and of each group only so many while others have some."""
    best: dict[str, int] = {}  # of one template the least sure line stands for all
    for i in sorted(range(len(candidates)), key=lambda i: (-candidates[i].worth, candidates[i].document, i)):
        best.setdefault(template(candidates[i].text), i)
    fair = max(50, 2 * size // max(len({candidates[i].group for i in best.values()}), 1))
    taken: Counter[str] = Counter()
    first: list[int] = []
    rest: list[int] = []
    for i in best.values():
        taken[candidates[i].group] += 1
        (first if taken[candidates[i].group] <= fair else rest).append(i)
    return (first + rest)[:size]


def _numbers(names: Sequence[str]) -> npt.NDArray[np.int64]:
    number: dict[str, int] = {}
    return np.array([number.setdefault(name, len(number)) for name in names], dtype=np.int64)


def repeated_less(texts_and_worth: Sequence[tuple[str, float]]) -> list[float]:
    """Each worth divided by how often its template came before: the hundredth copy of one line is not worth a hundredth look.

    >>> repeated_less([("Follow us", 0.8), ("Follow us", 0.8), ("Follow  us", 0.6)])
    [0.8, 0.4, 0.2]
    """
    times: Counter[str] = Counter()
    result = []
    for text, worth in texts_and_worth:
        key = template(text)
        times[key] += 1
        result.append(round(worth / times[key], 4))
    return result
