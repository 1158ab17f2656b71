"""The text as the model reads it: folded code points, and hashed n-grams of them.

Normalisation (NFC, widths, case) happens here and only here: the text that is kept is never touched. Everything works on
the arrays of a whole batch; each sum depends on its own values alone, whatever the batch.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cleaner.segment import CHARACTERS, LINE_END, SPACE, Ints, Segments, code_points, flags

Hashes = npt.NDArray[np.uint32]

ORDERS = (1, 2, 3, 4)
BUCKET_BITS = 18
N_BUCKETS = 1 << BUCKET_BITS
_MULTIPLIER = np.uint32(0x01000193)  # the FNV prime: the rolling part of the hash
FINAL = np.uint32(0x9E3779B1)  # Knuth's multiplicative hash spreads it over the high bits
_SEED = np.array([0, 0x3C6EF372, 0x1B873593, 0xCC9E2D51, 0x85EBCA6B], dtype=np.uint32)  # one for each order
_SEPARATOR = 1
_EDGE = np.full(3, 10, dtype=np.uint16)  # so many line ends after the last segment: every position starts an n-gram of each order


def _fold_table() -> npt.NDArray[np.uint16]:
    """What each code point counts as: one table look-up does all the folding that needs no neighbours."""
    table = np.arange(65536, dtype=np.uint16)
    wide = [c for c, width in zip(CHARACTERS, map(unicodedata.east_asian_width, CHARACTERS)) if width in "FH"]
    for pairs in (zip(wide, (unicodedata.normalize("NFKC", c) for c in wide)), zip(CHARACTERS, map(str.lower, CHARACTERS))):
        changed = [(ord(c), ord(other)) for c, other in pairs if c != other and len(other) == 1]
        table[[code for code, _ in changed]] = [code for _, code in changed]
    table[[ord(c) for c in wide]] = table[table[[ord(c) for c in wide]]]  # small letters of both widths are one
    for characters, to in (
        ("0123456789", "0"), (SPACE + LINE_END, " "), ("‐‑‒–—―−－", "-"), ("“”„‟＂″", '"'), ("‘’‚‛＇′`´", "'"),
        ("ㆍ・·•∙‧᛫", "·"), ("〈《＜‹≪", "<"), ("〉》＞›≫", ">"), ("【［〔", "["), ("】］〕", "]"), ("©", "ⓒ"), ("▷►", "▶"), ("☛", "☞"),
    ):  # fmt: skip
        for character in characters:
            table[ord(character)] = ord(to)
    table[[ord(c) for c in "０１２３４５６７８９"]] = ord("0")
    return table


FOLD = _fold_table()
_INVISIBLE = flags("\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f")
_TO_COMPOSE = _INVISIBLE.copy()  # conjoining jamo, combining accents, Arabic hamzas and kana marks as well
for _low, _high in ((0x0300, 0x0370), (0x0653, 0x0656), (0x1100, 0x1200), (0x3099, 0x309B)):
    _TO_COMPOSE[_low:_high] = True


@dataclass(frozen=True, slots=True)
class Folded:
    """The segments' text as the model sees it: ``codes`` folded, with at least one separator around each segment.

    ``raw`` is the same text before folding (capitals, widths); ``start`` and ``end`` point into both.
    """

    codes: npt.NDArray[np.uint16]
    raw: npt.NDArray[np.uint16]
    start: Ints
    end: Ints


def fold(segments: Segments) -> Folded:
    """Fold a batch: NFC, invisible characters away, then one table for case, digits, widths and signs."""
    raw, start, end = np.concatenate((_EDGE[:1], segments.codes, _EDGE)), segments.start + 1, segments.end + 1
    suspects = np.flatnonzero(_TO_COMPOSE[raw])
    if len(suspects):
        raw, start, end = _composed(raw, start, end, suspects)
    glued = np.flatnonzero(start[1:] == end[:-1]) + 1
    if len(glued):
        raw = np.insert(raw, start[glued], 10)
        shift = np.zeros(len(start), dtype=np.int64)
        shift[glued] = 1
        moved = np.cumsum(shift)
        start, end = start + moved, end + moved
    codes = FOLD[raw]
    codes[start - 1] = _SEPARATOR
    codes[end] = _SEPARATOR
    return Folded(codes, raw, start, end)


def _composed(raw: npt.NDArray[np.uint16], start: Ints, end: Ints, suspects: Ints) -> tuple[npt.NDArray[np.uint16], Ints, Ints]:
    """The same text with the segments that hold `suspects` in composed form and without invisible characters."""
    owner = np.searchsorted(start, suspects, side="right") - 1
    affected = np.unique(owner[(owner >= 0) & (suspects < end[np.maximum(owner, 0)])])
    pieces, at = [], 0
    growth = np.zeros(len(start) + 1, dtype=np.int64)
    for number in affected.tolist():
        low, high = int(start[number]), int(end[number])
        codes = raw[low:high]
        text = unicodedata.normalize("NFC", "".join(map(chr, codes[~_INVISIBLE[codes]].tolist()))) or "\ufffd"
        piece = np.minimum(code_points(text), 65535).astype(np.uint16)
        pieces += [raw[at:low], piece]
        growth[number + 1] = len(piece) - (high - low)
        at = high
    moved = np.cumsum(growth)
    return np.concatenate([*pieces, raw[at:]]), start + moved[:-1], end + moved[1:]


def rolling_hashes(codes: npt.NDArray[np.uint16]) -> list[Hashes]:
    """For each order, a hash of the n-gram that starts at each position (shorter by ``order - 1`` entries)."""
    wide = codes.astype(np.uint32)
    rolling, hashes = wide, [wide]
    for order in ORDERS[1:]:
        rolling = rolling[:-1] * _MULTIPLIER + wide[order - 1 :]
        hashes.append(rolling)
    return hashes


def buckets(hashes: Hashes, order: int) -> Hashes:
    """Buckets of the hashed n-grams of one order: ``0 <= bucket < N_BUCKETS``."""
    mixed: Hashes = hashes + _SEED[order]
    mixed *= FINAL
    mixed >>= np.uint32(32 - BUCKET_BITS)
    return mixed


def gram_spans(folded: Folded, order: int) -> tuple[Ints, Ints]:
    """For each segment, the first and one past the last position at which one of its n-grams of `order` starts."""
    if order == 1:
        return folded.start, folded.end
    return folded.start - 1, np.maximum(folded.end + 2 - order, folded.start - 1)


def gram_counts(folded: Folded) -> npt.NDArray[np.float64]:
    """How many n-grams of all orders each segment has (at least 1)."""
    counts = np.zeros(len(folded.start), dtype=np.int64)
    for order in ORDERS:
        low, high = gram_spans(folded, order)
        counts += high - low
    return np.maximum(counts, 1).astype(np.float64)


def span_sums(values: npt.NDArray[np.generic], low: Ints, high: Ints) -> npt.NDArray[np.generic]:
    """Sums of ``values[low:high]`` for each pair; each sum depends on its own values alone, whatever the batch."""
    if not len(low) or not len(values):  # no room for one n-gram
        return np.zeros(len(low), dtype=values.dtype)
    pairs = np.empty(2 * len(low), dtype=np.int64)
    pairs[0::2], pairs[1::2] = low, np.minimum(high, len(values) - 1)
    sums = np.add.reduceat(values, np.minimum(pairs, len(values) - 1))[0::2]
    short = high >= len(values)
    if short.any():
        sums[short] += np.where(
            np.minimum(high[short], len(values)) - 1 > low[short], values[-1], values.dtype.type(0)
        )  # one value alone is there already
    sums[high <= low] = 0
    return sums
