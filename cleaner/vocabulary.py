"""What a segment's words share with the rest of its document: an ad does not speak of what the article speaks of.

A word-like key is a pair of ideographs or Hangul syllables, elsewhere a run of four letters. Each key weighs as much as
it is rare in the corpus.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from cleaner.grams import FINAL, Folded, Hashes, flags
from cleaner.places import places
from cleaner.segment import Ints

Floats = npt.NDArray[np.float32]

_IDEOGRAPHIC = np.zeros(65536, dtype=bool)
_IDEOGRAPHIC[0x3040:0xA000] = True
_IDEOGRAPHIC[0xAC00:0xD7A4] = True
_LETTER = flags("".join(chr(i) for i in range(65535) if chr(i).isalpha() and not 0xD800 <= i < 0xE000))

KEY_BITS = 16
RARITY_UNIT = 20  # rarities are whole numbers, so many to one nat
_DOCUMENTS_AT_ONCE = 16  # their tables of keys fit the cache
_NEAR = 4
_COMMON = 30  # keys less rare than this, in more than a fifth of all documents, are left out

VOCABULARY_NAMES = (
    "shared_far", "shared_any", "keys", "shared_3", "shared_7", "shared_back", "shared_ahead", "shared_13", "shared_document",
    "shared_less", "shared_7_less",
)  # fmt: skip


def vocabulary_keys(folded: Folded, hashes: Sequence[Hashes]) -> tuple[Ints, Ints]:
    """Word-like keys, in order: the segment each stands in, and the key. Pairs of ideographs or Hangul; else four letters."""
    codes = folded.codes
    ideographic = _IDEOGRAPHIC[codes]
    letter = _LETTER[codes] & ~ideographic
    pair, quad = np.zeros(len(codes), dtype=bool), np.zeros(len(codes), dtype=bool)
    pair[:-1] = ideographic[:-1] & ideographic[1:]
    quad[:-3] = letter[:-3] & letter[1:-2] & letter[2:-1] & letter[3:]
    position = np.flatnonzero(pair | quad)
    # The end of a batch must not matter: a pair may start where there is no room left for four.
    key = np.where(pair[position], hashes[1][position], hashes[3][np.minimum(position, len(hashes[3]) - 1)])
    owner = np.repeat(np.arange(-1, len(folded.start)), np.diff(np.concatenate(([0], folded.start, [len(codes)]))))[position]
    return owner, ((key * FINAL) >> np.uint32(32 - KEY_BITS)).astype(np.int64)


def shared_vocabulary(folded: Folded, hashes: Sequence[Hashes], document: Ints, rarity: npt.NDArray[np.uint8]) -> Floats:
    """How much of each segment's vocabulary stands elsewhere in its document: ``(len(VOCABULARY_NAMES), n_segments)``.

    Each key weighs as much as it is rare in the corpus (`rarity`, one entry for each key). ``shared_far`` counts what stands
    more than four segments away: an ad block repeats its own words, but not the article's. The other columns take the
    same share over windows around the segment and over the document, and how far the segment falls behind it.
    """
    n = len(folded.start)
    owner, key = vocabulary_keys(folded, hashes)
    rare = np.flatnonzero(rarity[key] >= _COMMON)  # what every article says tells nothing
    owner, key = owner[rare], key[rare]
    weight = rarity[key].astype(np.float64)
    first, last = np.empty(len(owner), dtype=np.int32), np.empty(len(owner), dtype=np.int32)
    table = np.empty((2, _DOCUMENTS_AT_ONCE << KEY_BITS), dtype=np.int32)
    of_document = document[owner] if n else owner
    bounds = np.searchsorted(of_document, np.arange(0, (int(document[-1]) if n else 0) + 1 + _DOCUMENTS_AT_ONCE, _DOCUMENTS_AT_ONCE))
    for low, high in pairwise(bounds.tolist()):
        cell = (of_document[low:high] % _DOCUMENTS_AT_ONCE) << KEY_BITS | key[low:high]
        table[0, cell[::-1]] = owner[low:high][::-1]  # the last writer wins
        table[1, cell] = owner[low:high]
        first[low:high], last[low:high] = table[0, cell], table[1, cell]
    far = (owner - first > _NEAR) | (last - owner > _NEAR)
    any_ = (first != owner) | (last != owner)
    total = np.bincount(owner, weights=weight, minlength=n)
    of_far = np.bincount(owner, weights=weight * far, minlength=n)
    of_any = np.bincount(owner, weights=weight * any_, minlength=n)
    share = of_far / np.maximum(total, 1)
    columns: list[npt.NDArray[Any]] = [share, of_any / np.maximum(total, 1), np.log1p(total)]
    place = places(document)
    running: list[npt.NDArray[np.float64]] = [np.concatenate((np.zeros(1), np.cumsum(values))) for values in (of_far, total)]
    for low, high in ((-1, 1), (-3, 3), (-3, 0), (0, 3), (-6, 6), (-n, n)):
        part, whole = (place.windows(sums, low, high) for sums in running)
        columns.append(part / np.maximum(whole, 1))
    columns += [share - columns[-1], columns[4] - columns[-1]]
    return np.asarray(columns, dtype=np.float32)


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
