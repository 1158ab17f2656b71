"""Where segments stand in their documents, and what stands around them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from cleaner.segment import Bools, Ints

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
        return self.windows(running_sums(values), low, high)

    def windows(self, running: npt.NDArray[np.float64], low: int, high: int) -> npt.NDArray[np.float64]:
        """The same from `running_sums`, so that they serve several windows; several rows of them give as many rows."""
        at = np.arange(len(self.first))
        stop = np.minimum(at + (high + 1), self.stop)
        start = np.minimum(np.maximum(at + low, self.first), stop)
        stop = np.maximum(stop, start)
        result: npt.NDArray[np.float64] = running.take(stop, axis=-1) - running.take(start, axis=-1)
        return result


def places(document: Ints) -> Places:
    """The places of the segments of a batch, given the document of each."""
    counts = np.bincount(document)
    stop = np.cumsum(counts)
    return Places((stop - counts)[document], stop[document])


def running_sums(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Sums from the start along the last axis, one entry more than `values`; of whole numbers, they are exact whatever else is there."""
    sums = np.zeros((*values.shape[:-1], values.shape[-1] + 1))
    np.cumsum(values, axis=-1, out=sums[..., 1:])
    return sums


def nearest(flagged: Bools, place: Places) -> tuple[Ints, Ints]:
    """For each segment the last flagged one before it and the next after it, or one off either end of its document."""
    n = len(flagged)
    at = np.arange(n)
    back = np.concatenate(([-1], np.maximum.accumulate(np.where(flagged, at, -1))))[:n]
    ahead = np.concatenate((np.minimum.accumulate(np.where(flagged, at, n)[::-1])[::-1], [n]))[1:]
    return np.maximum(back, place.first - 1), np.minimum(ahead, place.stop)


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
