"""The evidence for a verdict, in words that a person can check. Computed only when somebody asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cleaner import features, grams
from cleaner.decide import decide
from cleaner.model import Model
from cleaner.pipeline import Cleaner
from cleaner.places import NO_SEGMENT
from cleaner.segment import segment

MOST_GRAMS = 4


@dataclass(frozen=True, slots=True)
class Evidence:
    """What spoke for a verdict: the segment's own words, and its surroundings, each in short phrases."""

    words: tuple[str, ...]
    context: tuple[str, ...]


def reasons(cleaner: Cleaner, text: str) -> list[list[str]]:
    """For each segment of `Cleaner.clean(text)`, short phrases that say what spoke for its verdict.

    >>> from cleaner import Cleaner
    >>> len(reasons(Cleaner(), "시의회는 20일 예산안을 의결했다."))
    1
    """
    return [[*evidence.words, *evidence.context] for evidence in explain(cleaner, text)]


def explain(cleaner: Cleaner, text: str) -> list[Evidence]:
    """The evidence for each segment of ``cleaner.clean(text)``, in its order."""
    model = cleaner.model
    pieces = segment([text])
    if not len(pieces):
        return []
    alone, table, names = model.evidence(pieces)
    verdicts = decide(pieces, model.probabilities(pieces), model.labels, cleaner.policy, model.floors([text]))
    folded = grams.fold(pieces)
    hashes = grams.rolling_hashes(folded.codes)
    probability = alone.probability()
    column = dict(zip(names, table))
    result = []
    for start, end, label in zip(verdicts.start, verdicts.end, verdicts.label):
        inside = np.flatnonzero((pieces.start >= start) & (pieces.end <= end))
        longest = int(inside[np.argmax(pieces.end[inside] - pieces.start[inside])])  # joined pieces: the longest speaks for them
        words = [f"by itself {probability[label, longest]:.0%} {model.labels[label]}"]
        strongest = _strongest(model, folded, hashes, longest, int(label))
        if strongest:
            words.append("its words: " + " ".join(f"‘{gram}’" for gram in strongest))
        result.append(Evidence(tuple(words), tuple(_surroundings(column, longest))))
    return result


def _strongest(model: Model, folded: grams.Folded, hashes: Sequence[grams.Hashes], number: int, label: int) -> list[str]:
    """The n-grams that spoke most for the label, against the mean of all labels; longer ones before those they contain."""
    scored: list[tuple[float, str]] = []
    for order in grams.ORDERS[1:]:
        low, high = (int(edge[number]) for edge in grams.gram_spans(folded, order))
        bucket = grams.buckets(hashes[order - 1][low:high], order)
        weights = np.vstack((np.zeros(len(bucket)), model.arrays["weights"][:, bucket]))  # relative to the first label
        gain = weights[label] - weights.mean(axis=0)
        for at in np.argsort(-gain)[:MOST_GRAMS]:
            gram = _visible(folded.raw[low + at : low + at + order])
            if gain[at] > 0 and len(gram) > 1:
                scored.append((float(gain[at]), gram))
    chosen: list[str] = []
    for _, gram in sorted(scored, key=lambda pair: (-pair[0], -len(pair[1]))):
        if not any(gram in other or other in gram for other in chosen):
            chosen.append(gram)
    return chosen[:MOST_GRAMS]


def _visible(codes: npt.NDArray[np.uint16]) -> str:
    return "".join(chr(code) if code > 32 else " " for code in codes if not 0xD800 <= code < 0xE000 and code != 65535).strip()


def _surroundings(column: dict[str, features.Floats], number: int) -> list[str]:
    phrases = []
    around = [float(column[f"go{by:+d}"][number]) for by in (-2, -1, 1, 2)]
    known = [value for value in around if value > NO_SEGMENT]
    going = sum(value > 0 for value in known)
    if known and going:
        phrases.append(f"{going} of its {len(known)} nearest neighbours look like ads or furniture too")
    elif known:
        phrases.append("its neighbours look like the article")
    share, whole = float(column["shared_7"][number]), float(column["shared_document"][number])
    phrases.append(f"it and its surroundings share {share:.0%} of their words with the rest (the whole text: {whole:.0%})")
    if column["repeated"][number]:
        phrases.append(f"stands {int(column['repeated'][number]) + 1} times in the text")
    back, ahead = int(column["body_back"][number]), int(column["body_ahead"][number])
    if back > 30 and ahead <= 30:
        phrases.append("before the first paragraph of the article")
    elif ahead > 30 and back <= 30:
        phrases.append(f"{back} segments after the last paragraph of the article")
    if column["line_pieces"][number] > 1:
        phrases.append(f"piece {int(column['line_place'][number]) + 1} of {int(column['line_pieces'][number])} in its line")
    return phrases
