"""Where segments stand in their documents, and what stands around them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from cleaner.segment import Ints

_Float = TypeVar("_Float", np.float32, np.float64)

NO_SEGMENT = -8.0
"""What a context feature says where the document has no segment; below every logit that stage one gives."""


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
