"""What a segment's words share with the rest of its document: an ad does not speak of what the article speaks of.

A word-like key is a pair of ideographs or Hangul syllables, elsewhere a run of four letters. Each key weighs as much as
it is rare in the corpus.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from cleaner.grams import FINAL, Folded, Hashes
from cleaner.places import places, running_sums
from cleaner.segment import Ints, all_that

Floats = npt.NDArray[np.float32]
Weights = npt.NDArray[np.float64]
Owners = npt.NDArray[np.int32]

_LETTER, _IDEOGRAPH = 1, 2
_KIND = all_that(str.isalpha).astype(np.uint8)
_KIND[0x3040:0xA000] = _IDEOGRAPH
_KIND[0xAC00:0xD7A4] = _IDEOGRAPH

KEY_BITS = 16
RARITY_UNIT = 20  # rarities are whole numbers, so many to one nat
_DOCUMENTS_AT_ONCE = 4  # their tables of keys fit the cache
_NEAR = 4
_COMMON = 30  # keys less rare than this, in more than a fifth of all documents, are left out

BODY_NAMES = ("in_body", "in_body_3", "in_body_7", "in_body_document", "in_body_less")
VOCABULARY_NAMES = (
    "shared_far", "shared_any", "keys", "shared_3", "shared_7", "shared_back", "shared_ahead", "shared_13", "shared_document",
    "shared_less", "shared_7_less",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Keys:
    """The word-like keys of a batch, in order: the segment each stands in, its weight (its rarity in the corpus), and its cell.

    A cell is the key and the place of its document among `_DOCUMENTS_AT_ONCE`; ``bounds`` say where each such group begins, and
    ``edges`` where the keys of each segment begin (``n_segments + 1``).
    """

    owner: Owners
    weight: npt.NDArray[np.int32]
    cell: Ints
    bounds: Ints
    edges: Ints

    def sums(self, counted: npt.NDArray[np.bool_] | None = None) -> Weights:
        """The weight of each segment's keys, or of those `counted`: whole numbers, so exact whatever else is in the batch."""
        running = np.zeros(len(self.weight) + 1, dtype=np.int64)
        np.cumsum(self.weight if counted is None else self.weight * counted, out=running[1:])
        return np.diff(running[self.edges]).astype(np.float64)


def vocabulary_keys(folded: Folded, hashes: Sequence[Hashes]) -> tuple[Owners, Ints]:
    """Word-like keys, in order: the segment each stands in, and the key. Pairs of ideographs or Hangul; else four letters."""
    kind = _KIND[folded.codes]
    ideographic, letter = kind == _IDEOGRAPH, kind == _LETTER
    pair = ideographic[:-3] & ideographic[1:-2]  # separators end the text: no key starts in its last three positions
    quad = letter[:-3] & letter[1:-2] & letter[2:-1] & letter[3:]
    position = np.flatnonzero(pair | quad)
    key = hashes[3][position]
    paired = np.flatnonzero(pair[position])
    key[paired] = hashes[1][position[paired]]
    owner = np.repeat(np.arange(-1, len(folded.start), dtype=np.int32), np.diff(np.concatenate(([0], folded.start, [len(kind)]))))[position]
    return owner, ((key * FINAL) >> np.uint32(32 - KEY_BITS)).astype(np.int64)


def weighed_keys(folded: Folded, hashes: Sequence[Hashes], document: Ints, rarity: npt.NDArray[np.uint8]) -> Keys:
    """The keys that tell something, with their weights; `rarity` has one entry for each key, `document` one for each segment."""
    owner, key = vocabulary_keys(folded, hashes)
    weight = rarity[key]
    rare = np.flatnonzero(weight >= _COMMON)  # what every article says tells nothing
    owner, key = owner[rare], key[rare]
    of_document = document[owner] if len(owner) else owner
    n_documents = int(document[-1]) + 1 if len(document) else 0
    bounds = np.searchsorted(of_document, np.arange(0, n_documents + _DOCUMENTS_AT_ONCE, _DOCUMENTS_AT_ONCE))
    cell = (of_document % _DOCUMENTS_AT_ONCE) << KEY_BITS | key
    edges = np.searchsorted(owner, np.arange(len(document) + 1, dtype=np.int32))
    return Keys(owner, weight[rare].astype(np.int32), cell, bounds, edges)


def _spread(keys: Keys, counted: npt.NDArray[np.bool_] | None = None) -> tuple[Owners, Owners]:
    """For each key, the first and the last segment of its document that has it: of those `counted`, if given (-1: none has)."""
    owner = keys.owner
    first, last = np.empty_like(owner), np.empty_like(owner)
    inside = None if counted is None else np.repeat(counted, np.diff(keys.edges))
    earliest, latest = np.empty((2, _DOCUMENTS_AT_ONCE << KEY_BITS), dtype=np.int32)
    for low, high in pairwise(keys.bounds.tolist()):
        cell, who = keys.cell[low:high], owner[low:high]
        source = cell
        if inside is not None:
            earliest[cell], latest[cell] = -1, -1
            picked = np.flatnonzero(inside[low:high])
            source, who = cell[picked], who[picked]
        earliest[source[::-1]] = who[::-1]  # the last writer wins
        latest[source] = who
        first[low:high], last[low:high] = earliest[cell], latest[cell]
    return first, last


def shared_vocabulary(keys: Keys, document: Ints) -> Floats:
    """How much of each segment's vocabulary stands elsewhere in its document: ``(len(VOCABULARY_NAMES), n_segments)``.

    ``shared_far`` counts what stands more than four segments away: an ad block repeats its own words, but not the article's. The
    other columns take the same share over windows around the segment and over the document, and how far the segment falls
    behind it.
    """
    n, owner = len(document), keys.owner
    first, last = _spread(keys)
    far = (owner - first > _NEAR) | (last - owner > _NEAR)
    any_ = (first != owner) | (last != owner)
    total, of_far, of_any = keys.sums(), keys.sums(far), keys.sums(any_)
    share = of_far / np.maximum(total, 1)
    columns: list[npt.NDArray[Any]] = [share, of_any / np.maximum(total, 1), np.log1p(total)]
    columns += _shares(of_far, total, document, ((-1, 1), (-3, 3), (-3, 0), (0, 3), (-6, 6), (-n, n)))
    columns += [share - columns[-1], columns[4] - columns[-1]]
    return np.asarray(columns, dtype=np.float32)


def shared_with_body(keys: Keys, document: Ints, body: npt.NDArray[np.bool_]) -> Floats:
    """How much of each segment's vocabulary stands in the sure paragraphs of its document: ``(len(BODY_NAMES), n_segments)``.

    `body` says which segments those are; a segment does not count for itself. An ad that names its shop twice shares words
    with itself, not with them; a key-point box repeats them.
    """
    n, owner = len(document), keys.owner
    first, last = _spread(keys, body)
    hit = ((first >= 0) & (first != owner)) | ((last >= 0) & (last != owner))
    total, of_body = keys.sums(), keys.sums(hit)
    columns: list[npt.NDArray[Any]] = [of_body / np.maximum(total, 1), *_shares(of_body, total, document, ((-1, 1), (-3, 3), (-n, n)))]
    return np.asarray([*columns, columns[0] - columns[-1]], dtype=np.float32)


def _shares(part: Weights, whole: Weights, document: Ints, windows: Sequence[tuple[int, int]]) -> list[npt.NDArray[Any]]:
    """Part over whole, summed over each window around each segment."""
    place = places(document)
    running = running_sums(np.stack((part, whole)))
    sums = [place.windows(running, low, high) for low, high in windows]
    return [of_part / np.maximum(of_whole, 1) for of_part, of_whole in sums]


def document_frequency(folded: Folded, hashes: Sequence[Hashes], document: Ints, n_documents: int) -> Ints:
    """In how many of the first `n_documents` each vocabulary key occurs: ``(2**KEY_BITS,)``."""
    owner, key = vocabulary_keys(folded, hashes)
    counted = document[owner] < n_documents
    owner, key = owner[counted], key[counted]
    pairs = np.unique(document[owner] << KEY_BITS | key)
    return np.bincount(pairs & ((1 << KEY_BITS) - 1), minlength=1 << KEY_BITS)


def rarity(frequency: Ints, n_documents: int, own: int = 0) -> npt.NDArray[np.uint8]:
    """The weight of each key, ``log((1 + n) / (1 + frequency))``; `own` leaves a document out of its own count (training)."""
    weight = np.log((1 + n_documents) / (1 + np.maximum(frequency - own, 0)))
    result: npt.NDArray[np.uint8] = np.clip(np.rint(weight * RARITY_UNIT), 0, 255).astype(np.uint8)
    return result
