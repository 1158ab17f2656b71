"""Segments -> arrays: everything the model may see, computed for a whole batch at once.

======================  =======================================================================================
family                  what it tells
======================  =======================================================================================
n-grams                 hashed character 1- to 4-grams of the segment, its two ends marked; case, digits, widths,
                        dashes, quotes and brackets folded. Stage one is linear in these.
shape                   how long, how much of it is Hangul, kana, Han, Latin, digits, marks …; how it starts and ends
context                 stage one's verdict on the neighbours, on the whole line and on the document around
position                where in the document, and how far from the last and the next sure paragraph of the article
shared vocabulary       how many of its words (for Korean, Japanese, Chinese: pairs of characters) stand elsewhere in
                        the document, the rare ones weighing more: an ad does not speak of what the article speaks of
repetition              whether the same text stands in the document again
second look             stage two's own verdicts on the segments around, for stage three
======================  =======================================================================================

Blank lines are no segments, so nothing here depends on them. Normalisation (NFC, widths, case) happens here and only
here: the text that is kept is never touched.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from cleaner.segment import BRACKET, CLOSER, LINE_END, MARK, SENTENCE_END, SPACE, Bools, Ints, Segments, code_points

Floats = npt.NDArray[np.float32]
Hashes = npt.NDArray[np.uint32]

_Float = TypeVar("_Float", np.float32, np.float64)

ORDERS = (1, 2, 3, 4)
BUCKET_BITS = 18
N_BUCKETS = 1 << BUCKET_BITS
_MULTIPLIER = np.uint32(0x01000193)  # the FNV prime: the rolling part of the hash
_FINAL = np.uint32(0x9E3779B1)  # Knuth's multiplicative hash spreads it over the high bits
_SEED = np.array([0, 0x3C6EF372, 0x1B873593, 0xCC9E2D51, 0x85EBCA6B], dtype=np.uint32)  # one for each order
_SEPARATOR = 1

NO_SEGMENT = -8.0
"""What a context feature says where the document has no segment; below every logit that stage one gives."""


def _fold_table() -> npt.NDArray[np.uint16]:
    """What each code point counts as: one table look-up does all the folding that needs no neighbours."""
    table = np.arange(65536, dtype=np.uint16)
    for code in range(65536):
        if 0xD800 <= code < 0xE000:
            continue
        character = chr(code)
        if unicodedata.east_asian_width(character) in "FH" and len(folded := unicodedata.normalize("NFKC", character)) == 1:
            character = folded
        lower = character.lower()
        table[code] = ord(lower) if len(lower) == 1 else ord(character)
    for characters, to in (
        ("0123456789", "0"), (SPACE + LINE_END, " "), ("‐‑‒–—―−－", "-"), ("“”„‟＂″", '"'), ("‘’‚‛＇′`´", "'"),
        ("ㆍ・·•∙‧᛫", "·"), ("〈《＜‹≪", "<"), ("〉》＞›≫", ">"), ("【［〔", "["), ("】］〕", "]"), ("©", "ⓒ"), ("▷►", "▶"), ("☛", "☞"),
    ):  # fmt: skip
        for character in characters:
            table[ord(character)] = ord(to)
    table[[ord(c) for c in "０１２３４５６７８９"]] = ord("0")
    return table


def _class_tables() -> tuple[npt.NDArray[np.int64], ...]:
    """Character classes as counters of 16 bits, four to an integer: one sum counts four classes."""
    classes: list[Bools] = []
    ranges: tuple[tuple[tuple[int, int], ...], ...] = (
        ((0xAC00, 0xD7A4), (0x3131, 0x318F)),  # Hangul
        ((0x3040, 0x3100),),  # kana
        ((0x3400, 0xA000),),  # Han
        ((0x61, 0x7B), (0xDF, 0xF7), (0xF8, 0x180)),  # small Latin (the accented capitals among them do no harm)
        ((0x41, 0x5B), (0xC0, 0xD7), (0xD8, 0xDF)),  # capital Latin
        ((0x30, 0x3A), (0xFF10, 0xFF1A)),  # digits
        ((0x0370, 0x0700), (0x0900, 0x1100)),  # other alphabets
    )
    for spans in ranges:
        table = np.zeros(65536, dtype=bool)
        for low, high in spans:
            table[low:high] = True
        classes.append(table)
    for characters in (SENTENCE_END, MARK, BRACKET + CLOSER + "‘“'", "@:", ",·~-"):
        table = np.zeros(65536, dtype=bool)
        table[[ord(c) for c in characters if ord(c) < 65536]] = True
        classes.append(table)
    tables = []
    for at in range(0, len(classes), 4):
        packed = np.zeros(65536, dtype=np.int64)
        for shift, table in enumerate(classes[at : at + 4]):
            packed |= table.astype(np.int64) << (16 * shift)
        tables.append(packed)
    return tuple(tables)


CLASS_NAMES = ("hangul", "kana", "han", "small", "capital", "digit", "other_alphabet", "stop", "mark", "bracket", "address", "joint")
_FOLD = _fold_table()
_CLASSES = _class_tables()


def _of(characters: str) -> Bools:
    table = np.zeros(65536, dtype=bool)
    table[[ord(c) for c in characters if ord(c) < 65536]] = True
    return table


_STOPS, _MARKS, _OPENERS, _CLOSERS = _of(SENTENCE_END), _of(MARK), _of(BRACKET + "\"'“‘"), _of(CLOSER)
_INVISIBLE = _of("\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f")
_TO_COMPOSE = _INVISIBLE.copy()  # conjoining jamo, combining accents, Arabic hamzas and kana marks as well
for _low, _high in ((0x0300, 0x0370), (0x0653, 0x0656), (0x1100, 0x1200), (0x3099, 0x309B)):
    _TO_COMPOSE[_low:_high] = True
_IDEOGRAPHIC = np.zeros(65536, dtype=bool)
_IDEOGRAPHIC[0x3040:0xA000] = True
_IDEOGRAPHIC[0xAC00:0xD7A4] = True
_LETTER = _of("".join(chr(i) for i in range(65535) if chr(i).isalpha() and not 0xD800 <= i < 0xE000))


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
    raw, start, end = np.concatenate(([np.uint16(10)], segments.codes)), segments.start + 1, segments.end + 1
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
    codes = _FOLD[raw]
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
    mixed = hashes + _SEED[order]
    mixed *= _FINAL
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
        sums[short] += np.where(np.minimum(high[short], len(values)) - 1 > low[short], values[-1], 0)  # one value alone is there already
    sums[high <= low] = 0
    return sums


# --- shape -----------------------------------------------------------------------------------------------------------

SHAPE_NAMES = (
    "log_length", *(f"share_{name}" for name in CLASS_NAMES), "starts_mark", "starts_opener", "starts_capital", "starts_digit",
    "ends_stop", "ends_closer", "words_per_character",
)  # fmt: skip


def shape(folded: Folded) -> Floats:
    """The shape of each segment: ``(len(SHAPE_NAMES), n_segments)``."""
    raw, start, end = folded.raw, folded.start, folded.end
    length = np.maximum(end - start, 1).astype(np.float32)
    columns = [np.log1p(length)]
    for packed in _CLASSES:
        sums = span_sums(packed[raw], start, end).astype(np.int64)
        columns += [((sums >> (16 * slot)) & 0xFFFF) / length for slot in range(4)]
    first, last = raw[start], raw[np.maximum(end - 1, start)]
    second_last = raw[np.maximum(end - 2, start)]
    capital = _FOLD[first] != first
    columns += [_MARKS[first], _OPENERS[first], capital, (first >= 48) & (first < 58)]
    columns += [_STOPS[last] | (_CLOSERS[last] & _STOPS[second_last]), _CLOSERS[last]]
    columns += [span_sums((folded.codes == 32).astype(np.int32), start, end) / length]
    return np.asarray(columns, dtype=np.float32)


# --- shared vocabulary and repetition --------------------------------------------------------------------------------

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
    return owner, ((key * _FINAL) >> np.uint32(32 - KEY_BITS)).astype(np.int64)


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
    for low, high in zip(bounds[:-1], bounds[1:]):
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
    columns = [share, of_any / np.maximum(total, 1), np.log1p(total)]
    place = places(document)
    running = [np.concatenate((np.zeros(1), np.cumsum(values))) for values in (of_far, total)]
    for low, high in ((-1, 1), (-3, 3), (-3, 0), (0, 3), (-6, 6), (-n, n)):
        part, whole = (place.windows(sums, low, high) for sums in running)
        columns.append(part / np.maximum(whole, 1))
    columns += [share - columns[-1], columns[4] - columns[-1]]
    return np.asarray(columns, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Places:
    """Where each segment stands in its document: the first segment of the document, and one past its last."""

    first: Ints
    stop: Ints

    def window(self, values: npt.NDArray[np.float64], low: int, high: int) -> npt.NDArray[np.float64]:
        """For each segment, the sum of `values` from `low` to `high` segments away, within the document.

        Differences of running sums: exact, whatever else is in the batch, as long as the values are whole numbers.
        """
        return self.windows(np.concatenate((np.zeros(1), np.cumsum(values))), low, high)

    def windows(self, running: npt.NDArray[np.float64], low: int, high: int) -> npt.NDArray[np.float64]:
        """The same from running sums (one entry more than segments, from 0), so that they serve several windows."""
        at = np.arange(len(self.first))
        stop = np.minimum(at + (high + 1), self.stop)
        start = np.minimum(np.maximum(at + low, self.first), stop)
        stop = np.maximum(stop, start)
        result: npt.NDArray[np.float64] = running[stop] - running[start]
        return result


def places(document: Ints) -> Places:
    """The places of the segments of a batch, given the document of each."""
    counts = np.bincount(document)
    stop = np.cumsum(counts)
    return Places((stop - counts)[document], stop[document])


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
    return np.clip(np.rint(weight * RARITY_UNIT), 0, 255).astype(np.uint8)


def repetitions(folded: Folded, hashes: Sequence[Hashes], document: Ints) -> Floats:
    """How often the very same (folded) text stands elsewhere in the document, at most 9."""
    low, high = gram_spans(folded, 3)
    mixed = hashes[2].astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    sums = span_sums(mixed, low, np.maximum(high, low + 1)).astype(np.uint64)
    identity = sums * np.uint64(31) + (folded.end - folded.start).astype(np.uint64) + document.astype(np.uint64) * np.uint64(0xC2B2AE3D27D4EB4F)
    _, inverse, counts = np.unique(identity, return_inverse=True, return_counts=True)
    return np.minimum(counts[inverse] - 1, 9).astype(np.float32)


# --- context and position --------------------------------------------------------------------------------------------


def shifted(values: npt.NDArray[_Float], by: int, document: Ints, fill: float = NO_SEGMENT) -> npt.NDArray[_Float]:
    """``values[i + by]`` where that segment is of the same document, else `fill`."""
    out = np.full_like(values, fill)
    if not len(values):
        return out
    if by > 0:
        same = document[by:] == document[:-by]
        out[:-by][same] = values[by:][same]
    else:
        same = document[:by] == document[-by:]
        out[-by:][same] = values[:by][same]
    return out


def _logit(probability: npt.NDArray[np.float64]) -> Floats:
    bounded = np.clip(probability, 1e-3, 1 - 1e-3)
    return np.log(bounded / (1 - bounded)).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Alone:
    """Stage one's view of each segment by itself.

    ``evidence``: the summed weights of its n-grams, ``(n_labels - 1, n_segments)``, relative to the first label, in units of
    ``scale``; ``counts``: how many n-grams; ``bias``: the intercepts.
    """

    evidence: npt.NDArray[np.float64]
    counts: npt.NDArray[np.float64]
    bias: npt.NDArray[np.float64]
    scale: float

    def probability(self) -> npt.NDArray[np.float64]:
        """The probability of each label: ``(n_labels, n_segments)``."""
        return _softmax(self.evidence, self.counts, self.bias, self.scale)

    def pooled(self, place: Places) -> list[npt.NDArray[np.float64]]:
        """The same for each of `POOLS`: the text so many segments around, read as if it were one segment."""
        running = [np.concatenate((np.zeros(1), np.cumsum(column))) for column in (*self.evidence, self.counts)]
        result = []
        for low, high in POOLS:
            *evidence, counts = (place.windows(sums, low, high) for sums in running)
            result.append(_softmax(np.asarray(evidence), counts, self.bias, self.scale))
        return result


def _softmax(evidence: npt.NDArray[np.float64], counts: npt.NDArray[np.float64], bias: npt.NDArray[np.float64], scale: float) -> npt.NDArray[np.float64]:
    logits = np.zeros((len(evidence) + 1, len(counts)))
    logits[1:] = evidence * (scale / np.sqrt(np.maximum(counts, 1))) + bias[:, None]
    powers = np.exp(logits - logits.max(axis=0))
    result: npt.NDArray[np.float64] = powers / powers.sum(axis=0)
    return result


POOLS = ((-1, 1), (-3, 3), (-3, 0), (0, 3), (-8, -1), (1, 8))


def context(segments: Segments, shapes: Floats, vocabulary: Floats, repeated: Floats, alone: Alone, drops: Bools) -> tuple[Floats, list[str]]:
    """What stage two sees: ``(n_features, n_segments)`` and the names of the features; `drops` says which labels are dropped."""
    document, n = segments.document, len(segments)
    probability = alone.probability().astype(np.float32)
    go = probability[drops].sum(axis=0, dtype=np.float64)
    verdict = _logit(go)
    names: list[str] = []
    columns: list[npt.NDArray[np.generic]] = []

    def add(name: str, values: npt.NDArray[np.generic]) -> None:
        names.append(name)
        columns.append(values)

    add("go", verdict)
    for label, column in enumerate(probability):
        add(f"label_{label}", column)
    for name, column in zip(SHAPE_NAMES, shapes):
        add(name, column)
    for by in (-4, -3, -2, -1, 1, 2, 3, 4):
        add(f"go{by:+d}", shifted(verdict, by, document))
    length, stop = shapes[0], shapes[SHAPE_NAMES.index("ends_stop")]
    for by in (-2, -1, 1, 2):
        add(f"length{by:+d}", shifted(length, by, document, -1))
        add(f"stop{by:+d}", shifted(stop, by, document, -1))
        for label in range(1, len(probability)):
            add(f"label_{label}{by:+d}", shifted(probability[label], by, document, -1))
    new_line = np.ones(n, dtype=bool)
    new_line[1:] = (segments.line[1:] != segments.line[:-1]) | (document[1:] != document[:-1])
    line = np.cumsum(new_line) - 1
    pieces = np.bincount(line) if n else line
    weight = np.rint(np.expm1(shapes[0].astype(np.float64)))  # the length as folded: composed or not, it counts the same
    micro = np.rint(go * weight * 1e4)  # whole numbers: their sums are exact, whatever else is in the batch
    line_weight = np.bincount(line, weights=weight)
    add("line_pieces", np.minimum(pieces[line], 30))
    add("line_place", np.minimum(np.arange(n) - np.flatnonzero(new_line)[line], 30) if n else weight)
    add("line_left", np.minimum(np.flatnonzero(new_line)[line] + pieces[line] - 1 - np.arange(n), 30) if n else weight)
    add("line_length", np.log1p(line_weight)[line])
    add("line_go", (np.bincount(line, weights=micro) / line_weight)[line])
    place = places(document)
    for (low, high), pooled in zip(POOLS, alone.pooled(place)):
        add(f"pool{low:+d}{high:+d}", _logit(pooled[drops].sum(axis=0)))
    for name, column in zip(VOCABULARY_NAMES, vocabulary):
        add(name, column)
    for by in (-1, 1):
        add(f"shared_far{by:+d}", shifted(vocabulary[0], by, document, -1))
    add("repeated", repeated)

    first, size = place.first, place.stop - place.first
    index = np.arange(n) - first
    left = size - 1 - index
    add("index", np.minimum(index, 40))
    add("left", np.minimum(left, 40))
    add("relative", index / np.maximum(size - 1, 1))
    add("segments", np.log1p(size))
    running = np.concatenate((np.zeros(1), np.cumsum(np.rint(go * 1e6))))
    before, after, whole = (place.windows(running, low, high) for low, high in ((-n, -1), (1, n), (-n, n)))
    add("go_before", before / np.maximum(index, 1))
    add("go_after", after / np.maximum(left, 1))
    add("go_document", whole / size)
    running_weight = np.concatenate((np.zeros(1), np.cumsum(weight)))
    chars = place.windows(running_weight, -n, n)
    add("chars_before", place.windows(running_weight, -n, -1) / chars)
    add("chars_document", np.log1p(chars))
    add("go_near", place.windows(running, -5, 5) - np.rint(go * 1e6))
    # How far back and ahead is the nearest sure paragraph: long, a sentence, and to stage one almost surely staying?
    sure = (length > np.log1p(45)) & (stop > 0) & (verdict < -1.5)
    at = np.arange(n)
    back = np.maximum.accumulate(np.where(sure, at, -1))
    back = np.concatenate(([-1], back[:-1])) if n else back
    add("body_back", np.where(back >= first, np.minimum(at - back, 30), 31))
    ahead = np.minimum.accumulate(np.where(sure, at, n)[::-1])[::-1]
    ahead = np.concatenate((ahead[1:], [n])) if n else ahead
    add("body_ahead", np.where(ahead < first + size, np.minimum(ahead - at, 30), 31))
    add("sure_document", place.window(sure.astype(np.float64), -n, n) / size)
    hangul = np.rint(shapes[1].astype(np.float64) * weight)
    add("hangul_document", place.window(hangul, -n, n) / chars)
    return _table(columns, n), names


def _table(columns: Sequence[npt.NDArray[np.generic]], n: int) -> Floats:
    """The columns as one array, a row for each: trees read a whole feature at a time."""
    table = np.empty((len(columns), n), dtype=np.float32)
    for row, column in zip(table, columns):
        row[:] = column
    return table


REACH = 6


def revisited(table: Floats, go: npt.NDArray[np.float64], document: Ints) -> Floats:
    """What stage three sees: stage two's table, and stage two's verdicts (`go`, probabilities) on the segments around."""
    verdict = _logit(go)
    columns: list[npt.NDArray[np.generic]] = [verdict]
    columns += [shifted(verdict, by, document) for by in range(-REACH, REACH + 1) if by]
    place, n = places(document), len(document)
    at = np.arange(n)
    running = np.concatenate((np.zeros(1), np.cumsum(np.rint(go * 1e6))))
    before, after, whole = (place.windows(running, low, high) for low, high in ((-n, -1), (1, n), (-n, n)))
    columns += [before / np.maximum(at - place.first, 1), after / np.maximum(place.stop - 1 - at, 1), whole / (place.stop - place.first)]
    for reach in (REACH // 2, REACH):
        back, ahead = place.windows(running, -reach, -1), place.windows(running, 1, reach)
        columns += [back, ahead, np.minimum(back, ahead)]
    return np.concatenate((table, _table(columns, n)))


def revisited_names() -> list[str]:
    """The names of the columns that `revisited` adds."""
    around = [f"again{by:+d}" for by in range(-REACH, REACH + 1) if by]
    return ["again", *around, "again_before", "again_after", "again_document",
            *(f"again_{side}_{reach}" for reach in (REACH // 2, REACH) for side in ("back", "ahead", "both"))]  # fmt: skip


def context_names(labels: int) -> list[str]:
    """The names of the columns of `context` for a model of so many labels."""
    nothing = np.zeros(0, dtype=np.int64)
    empty = Segments(np.zeros(0, dtype=np.uint16), nothing, nothing, nothing, nothing, nothing)
    zeros = np.zeros((len(SHAPE_NAMES), 0), dtype=np.float32)
    alone = Alone(np.zeros((labels - 1, 0)), np.zeros(0), np.zeros(labels - 1), 1.0)
    return context(empty, zeros, np.zeros((len(VOCABULARY_NAMES), 0), dtype=np.float32), zeros[0], alone, np.zeros(labels, dtype=bool))[1]
