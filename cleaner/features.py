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
second look             stage two's verdicts on the segments around and on the block between sure ones (``blocks.py``)
======================  =======================================================================================

Blank lines are no segments, so nothing here depends on them. Normalisation (NFC, widths, case) happens here and only
here: the text that is kept is never touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from cleaner.grams import FOLD, Folded, Hashes, gram_spans, span_sums
from cleaner.places import Places, nearest, places, running_sums, shifted
from cleaner.segment import BRACKET, CLOSER, MARK, SENTENCE_END, Bools, Ints, Segments, flags
from cleaner.vocabulary import BODY_NAMES, VOCABULARY_NAMES, Keys, shared_vocabulary, shared_with_body

Floats = npt.NDArray[np.float32]


def _class_table() -> npt.NDArray[np.uint8]:
    """The class of each character: its place in `CLASS_NAMES` and one, or 0 for none."""
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
    classes.append(np.equal(FOLD, ord(" ")))
    result = np.zeros(65536, dtype=np.uint8)
    for number, table in enumerate(classes, 1):
        result[table] = number
    return result


CLASS_NAMES = ("hangul", "kana", "han", "small", "capital", "digit", "other_alphabet", "stop", "mark", "bracket", "address", "joint")
_CLASS = _class_table()
_SPACE = len(CLASS_NAMES)  # the class after those; its counts are of words
_CLASSES = _SPACE + 2
_STOPS, _MARKS, _OPENERS, _CLOSERS = flags(SENTENCE_END), flags(MARK), flags(BRACKET + "\"'“‘"), flags(CLOSER)

SHAPE_NAMES = (
    "log_length", *(f"share_{name}" for name in CLASS_NAMES), "starts_mark", "starts_opener", "starts_capital", "starts_digit",
    "ends_stop", "ends_closer", "words_per_character",
)  # fmt: skip


def shape(folded: Folded) -> Floats:
    """The shape of each segment: ``(len(SHAPE_NAMES), n_segments)``."""
    raw, start, end = folded.raw, folded.start, folded.end
    length = np.maximum(end - start, 1).astype(np.float32)
    counts = _class_counts(folded)
    columns = [np.log1p(length), *(counts[:_SPACE] / length)]
    first, last = raw[start], raw[np.maximum(end - 1, start)]
    second_last = raw[np.maximum(end - 2, start)]
    capital = FOLD[first] != first
    columns += [_MARKS[first], _OPENERS[first], capital, (first >= 48) & (first < 58)]
    columns += [_STOPS[last] | (_CLOSERS[last] & _STOPS[second_last]), _CLOSERS[last]]
    columns += [counts[_SPACE] / length]
    return np.asarray(columns, dtype=np.float32)


def _class_counts(folded: Folded) -> Ints:
    """How many characters of each class each segment has: ``(len(CLASS_NAMES) + 1, n_segments)``, white space last.

    One count over all cells of span and class, where spans are the segments and what stands between them.
    """
    n = len(folded.start)
    edges = np.zeros(2 * n + 2, dtype=np.int64)
    edges[1:-1:2], edges[2:-1:2], edges[-1] = folded.start, folded.end, len(folded.raw)
    cells = np.repeat(np.arange(0, (2 * n + 1) * _CLASSES, _CLASSES), np.diff(edges))
    cells += _CLASS[folded.raw]
    return np.bincount(cells, minlength=(2 * n + 1) * _CLASSES).reshape(-1, _CLASSES)[1::2, 1:].T


def repetitions(folded: Folded, hashes: Sequence[Hashes], document: Ints) -> Floats:
    """How often the very same (folded) text stands elsewhere in the document, at most 9."""
    low, high = gram_spans(folded, 3)
    mixed = hashes[2].astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    sums = span_sums(mixed, low, np.maximum(high, low + 1)).astype(np.uint64)
    of_document = document.astype(np.uint64) * np.uint64(0xC2B2AE3D27D4EB4F)
    identity = sums * np.uint64(31) + (folded.end - folded.start).astype(np.uint64) + of_document
    _, inverse, counts = np.unique(identity, return_inverse=True, return_counts=True)
    return np.minimum(counts[inverse] - 1, 9).astype(np.float32)


BOUND = float(np.log(999))
"""Log odds beyond a thousandth are not told apart."""

MOST = 300.0
"""Logits are cut there: their powers, and the ratio of two of these, stay finite."""


def logit(probability: npt.NDArray[np.float64]) -> Floats:
    """The log odds, within bounds."""
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
        powers = np.ones((len(self.evidence) + 1, len(self.counts)))
        np.exp(_logits(self.evidence, self.counts, self.bias, self.scale), out=powers[1:])
        result: npt.NDArray[np.float64] = powers / powers.sum(axis=0)
        return result

    def pooled(self, place: Places, drops: Bools) -> list[Floats]:
        """For each of `POOLS` the log odds that a label of `drops` is right of the text so many segments around, read as one segment."""
        running = running_sums(np.concatenate((self.evidence, self.counts[None])))
        sums = [place.windows(running, low, high) for low, high in POOLS]
        return [_log_odds(_logits(around[:-1], around[-1], self.bias, self.scale), drops) for around in sums]


def _logits(
    evidence: npt.NDArray[np.float64], counts: npt.NDArray[np.float64], bias: npt.NDArray[np.float64], scale: float
) -> npt.NDArray[np.float64]:
    """Relative to the first label, whose own would be 0: ``(n_labels - 1, n)``. Their powers and sums of these are finite."""
    logits = evidence * (scale / np.sqrt(np.maximum(counts, 1)))
    logits += bias[:, None]
    return np.clip(logits, -MOST, MOST, out=logits)


def _log_odds(logits: npt.NDArray[np.float64], drops: Bools) -> Floats:
    """The log odds that a label of `drops` is right, given all labels' logits; bounded as `logit` bounds it."""
    powers = np.exp(logits)
    goes, stays = (powers[side[1:]].sum(axis=0) + float(side[0]) for side in (drops, ~drops))
    result: Floats = np.clip(np.log(goes / stays), -BOUND, BOUND).astype(np.float32)
    return result


POOLS = ((-1, 1), (-3, 3), (-3, 0), (0, 3), (-8, -1), (1, 8))


Columns: TypeAlias = "dict[str, npt.NDArray[Any]]"


def context(segments: Segments, shapes: Floats, keys: Keys, repeated: Floats, alone: Alone, drops: Bools) -> tuple[Floats, list[str]]:
    """What stage two sees: ``(n_features, n_segments)`` and the names of the features.

    `shapes`, `keys`, `repeated` come from `shape`, `vocabulary.weighed_keys` and `repetitions`; `drops` says which labels are
    dropped by default.
    """
    document, place = segments.document, places(segments.document)
    probability = alone.probability().astype(np.float32)
    go = probability[drops].sum(axis=0, dtype=np.float64)
    verdict = logit(go)
    length = np.rint(np.expm1(shapes[0].astype(np.float64)))  # as folded: composed or not, it counts the same
    columns: Columns = {"go": verdict}
    columns |= {f"label_{label}": column for label, column in enumerate(probability)}
    columns |= dict(zip(SHAPE_NAMES, shapes))
    columns |= _neighbours(verdict, probability, shapes, document)
    columns |= _line(segments, go, length)
    columns |= {f"pool{low:+d}{high:+d}": pooled for (low, high), pooled in zip(POOLS, alone.pooled(place, drops))}
    shared = shared_vocabulary(keys, document)
    columns |= dict(zip(VOCABULARY_NAMES, shared))
    columns |= {f"shared_far{by:+d}": shifted(shared[0], by, document, -1) for by in (-1, 1)}
    columns["repeated"] = repeated
    columns |= _position(place, go, length)
    # Sure paragraphs: long, a sentence, and to stage one almost surely staying.
    sure = (shapes[0] > np.log1p(45.5)) & (shapes[SHAPE_NAMES.index("ends_stop")] > 0) & (verdict < -1.5)
    columns |= _body(place, sure)
    in_body = shared_with_body(keys, document, sure)
    columns |= dict(zip(BODY_NAMES, in_body))
    columns |= {f"in_body{by:+d}": shifted(in_body[0], by, document, -1) for by in (-1, 1)}
    hangul = np.rint(shapes[1].astype(np.float64) * length)
    n = len(segments)
    columns["hangul_document"] = place.window(hangul, -n, n) / place.window(length, -n, n)
    return table_of(list(columns.values()), n), list(columns)


def _neighbours(verdict: Floats, probability: Floats, shapes: Floats, document: Ints) -> Columns:
    """Stage one's verdicts, the lengths and the ends of the segments around."""
    columns: Columns = {f"go{by:+d}": shifted(verdict, by, document) for by in (-4, -3, -2, -1, 1, 2, 3, 4)}
    for by in (-2, -1, 1, 2):
        columns[f"length{by:+d}"] = shifted(shapes[0], by, document, -1)
        columns[f"stop{by:+d}"] = shifted(shapes[SHAPE_NAMES.index("ends_stop")], by, document, -1)
        for label, column in enumerate(probability[1:], 1):
            columns[f"label_{label}{by:+d}"] = shifted(column, by, document, -1)
    return columns


def _line(segments: Segments, go: npt.NDArray[np.float64], length: npt.NDArray[np.float64]) -> Columns:
    """The line a segment stands in: its pieces, its length, its verdict as a whole."""
    n = len(segments)
    starts = np.ones(n, dtype=bool)
    starts[1:] = (segments.line[1:] != segments.line[:-1]) | (segments.document[1:] != segments.document[:-1])
    line, first = np.cumsum(starts) - 1, np.flatnonzero(starts)
    stop = np.append(first[1:], n)
    at = np.arange(n)
    whole = np.bincount(line, weights=length)
    weighted = np.rint(go * length * 1e4)  # whole numbers: their sums are exact, whatever else is in the batch
    return {
        "line_pieces": np.minimum((stop - first[: len(stop)])[line], 30) if n else length,
        "line_place": np.minimum(at - first[line], 30) if n else length,
        "line_left": np.minimum(stop[line] - 1 - at, 30) if n else length,
        "line_length": np.log1p(whole)[line],
        "line_go": (np.bincount(line, weights=weighted) / whole)[line],
    }


def _position(place: Places, go: npt.NDArray[np.float64], length: npt.NDArray[np.float64]) -> Columns:
    """Where in the document, and what stage one made of what comes before, after and near."""
    n = len(go)
    size = place.stop - place.first
    index = np.arange(n) - place.first
    left = size - 1 - index
    micro = np.rint(go * 1e6)
    running = running_sums(np.stack((micro, length)))
    (before, chars_before), (whole, total) = place.windows(running, -n, -1), place.windows(running, -n, n)
    after, near = place.windows(running[0], 1, n), place.windows(running[0], -5, 5)
    return {
        "index": np.minimum(index, 40), "left": np.minimum(left, 40), "relative": index / np.maximum(size - 1, 1),
        "segments": np.log1p(size),
        "go_before": before / np.maximum(index, 1), "go_after": after / np.maximum(left, 1), "go_document": whole / size,
        "chars_before": chars_before / total, "chars_document": np.log1p(total), "go_near": near - micro,
    }  # fmt: skip


def _body(place: Places, sure: Bools) -> Columns:
    """How far back and ahead the nearest sure paragraph is, and how many there are."""
    n = len(sure)
    at = np.arange(n)
    back, ahead = nearest(sure, place)
    return {
        "body_back": np.where(back >= place.first, np.minimum(at - back, 30), 31),
        "body_ahead": np.where(ahead < place.stop, np.minimum(ahead - at, 30), 31),
        "sure_document": place.window(sure.astype(np.float64), -n, n) / (place.stop - place.first),
    }


def table_of(columns: Sequence[npt.NDArray[Any]], n: int) -> Floats:
    """The columns as one array, a row for each: trees read a whole feature at a time."""
    table = np.empty((len(columns), n), dtype=np.float32)
    for row, column in zip(table, columns):
        row[:] = column
    return table


def context_names(labels: int) -> list[str]:
    """The names of the columns of `context` for a model of so many labels."""
    nothing = np.zeros(0, dtype=np.int64)
    empty = Segments(np.zeros(0, dtype=np.uint16), nothing, nothing, nothing, nothing, nothing)
    zeros = np.zeros((len(SHAPE_NAMES), 0), dtype=np.float32)
    alone = Alone(np.zeros((labels - 1, 0)), np.zeros(0), np.zeros(labels - 1), 1.0)
    few = nothing.astype(np.int32)
    keys = Keys(few, few, nothing, nothing, np.zeros(1, dtype=np.int64))
    return context(empty, zeros, keys, zeros[0], alone, np.zeros(labels, dtype=bool))[1]
