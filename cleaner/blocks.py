"""The second look: stage two's verdicts on what stands around a segment, for stage three.

An ad is a block. Its name, its address, its greeting tell little by themselves; what tells is that they stand between lines that
surely go, or that nothing between here and the next paragraph of the article surely stays.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from cleaner.features import Floats, logit, table_of
from cleaner.places import nearest, places, running_sums, shifted
from cleaner.segment import Ints

REACH = 6
"""Segments; so far to either side single verdicts are seen."""

STAYS, GOES = 0.03, 0.8
"""Stage two's verdict is sure below the one and above the other."""

PARAGRAPH_GRAMS = 100.0
"""n-grams, about four to a character; shorter segments do not bound a block, however sure they are."""

FAR = 31
"""Segments; farther off counts the same, and so does nothing at all."""

BLOCK_NAMES = (
    "block_segments", "block_go", "block_gone", "block_verdict", "block_text", "stays_back", "stays_ahead", "stays_never_back",
    "stays_never_ahead", "goes_back", "goes_ahead", "goes_farther", "goes_text_back", "goes_text_ahead", "goes_text_nearer",
    "goes_text_farther",
)  # fmt: skip


def revisited(go: npt.NDArray[np.float64], document: Ints, counts: npt.NDArray[np.float64]) -> Floats:
    """What stage three sees beside stage two's table: what stage two made of the segments around.

    `go` are stage two's verdicts, as probabilities, and `counts` the n-grams of each segment; ``(n_features, n_segments)``, the
    rows named by `revisited_names`.
    """
    verdict = logit(go)
    columns: list[npt.NDArray[Any]] = [verdict]
    columns += [shifted(verdict, by, document) for by in range(-REACH, REACH + 1) if by]
    place, n = places(document), len(document)
    at = np.arange(n)
    running = running_sums(np.rint(go * 1e6))
    before, after, whole = (place.windows(running, low, high) for low, high in ((-n, -1), (1, n), (-n, n)))
    columns += [before / np.maximum(at - place.first, 1), after / np.maximum(place.stop - 1 - at, 1), whole / (place.stop - place.first)]
    for reach in (REACH // 2, REACH):
        back, ahead = place.windows(running, -reach, -1), place.windows(running, 1, reach)
        columns += [back, ahead, np.minimum(back, ahead)]
    return table_of([*columns, *_block(go, document, counts)], n)


def revisited_names() -> list[str]:
    """The names of the rows of `revisited`."""
    around = [f"again{by:+d}" for by in range(-REACH, REACH + 1) if by]
    return ["again", *around, "again_before", "again_after", "again_document",
            *(f"again_{side}_{reach}" for reach in (REACH // 2, REACH) for side in ("back", "ahead", "both")), *BLOCK_NAMES]  # fmt: skip


def _block(go: npt.NDArray[np.float64], document: Ints, counts: npt.NDArray[np.float64]) -> list[npt.NDArray[Any]]:
    """The block a segment stands in, between two paragraphs that surely stay, and how far off the next is that surely goes."""
    place, at = places(document), np.arange(len(document))
    first, stop = place.first, place.stop
    stays = (go < STAYS) & (counts > PARAGRAPH_GRAMS)
    back, ahead = nearest(stays, place)
    size = np.maximum(ahead - back - 1, 1)

    def inside(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        running = running_sums(values)
        result: npt.NDArray[np.float64] = running[ahead] - running[back + 1]
        return result

    columns: list[npt.NDArray[Any]] = [
        np.where(stays, 0, np.minimum(size, 2 * FAR)), inside(np.rint(go * 1e6)) / size, inside(go > 0.5),
        inside(np.rint(logit(go) * 1e4)) / size, np.log1p(inside(counts)), np.minimum(at - back, FAR), np.minimum(ahead - at, FAR),
        back < first, ahead >= stop,
    ]  # fmt: skip
    back, ahead = nearest(go > GOES, place)
    far_back = np.where(back < first, FAR, np.minimum(at - back, FAR - 1))
    far_ahead = np.where(ahead >= stop, FAR, np.minimum(ahead - at, FAR - 1))
    text = running_sums(counts)
    text_back = np.where(back < first, FAR, np.log1p(text[at] - text[np.minimum(back + 1, at)]))
    text_ahead = np.where(ahead >= stop, FAR, np.log1p(text[ahead] - text[np.minimum(at + 1, ahead)]))
    columns += [far_back, far_ahead, np.maximum(far_back, far_ahead)]
    columns += [text_back, text_ahead, np.minimum(text_back, text_ahead), np.maximum(text_back, text_ahead)]
    return columns
