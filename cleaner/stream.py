"""Clean a stream in which one bad document must not stop the others: what pipes and frameworks need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from cleaner.pipeline import BATCH_CHARACTERS, BATCH_DOCUMENTS, Cleaner
from cleaner.records import CleanArticle, Document


def batches(items: Iterable[object]) -> Iterator[list[object]]:
    """Cut a stream where a batch of the pipeline is full: so many documents or code points, whichever comes first."""
    stream = iter(items)
    while True:
        batch: list[object] = []
        characters = 0
        for item in islice(stream, BATCH_DOCUMENTS):
            batch.append(item)
            characters += _length(item)
            if characters > BATCH_CHARACTERS:
                break
        if not batch:
            return
        yield batch


def clean_each(cleaner: Cleaner, items: Iterable[object]) -> Iterator[CleanArticle | Exception]:
    """For each item, in order, a clean article or the exception that says why there is none.

    An item that is an exception already (an input that could not be read) comes out as it went in; whatever is neither a
    string nor a `Document` comes out as a `TypeError`.

    >>> [type(result).__name__ for result in clean_each(Cleaner(), ["시의회는 20일 예산안을 의결했다.", 7])]
    ['CleanArticle', 'TypeError']
    """
    for batch in batches(items):
        results = [_refused(item) for item in batch]
        good = [item for item, refused in zip(batch, results) if isinstance(item, (str, Document)) and refused is None]
        cleaned = iter(_clean_batch(cleaner, good))
        for refused in results:
            yield next(cleaned) if refused is None else refused


def removed(article: CleanArticle) -> tuple[dict[str, int], float]:
    """How many characters went, by label, and what share of all they are, rounded to 4 places.

    >>> removed(Cleaner().clean("시의회는 20일 예산안을 의결했다."))
    ({}, 0.0)
    """
    counts: dict[str, int] = {}
    total = 0
    for segment in article.segments:
        length = segment.end - segment.start
        total += length
        if not segment.kept:
            counts[segment.label] = counts.get(segment.label, 0) + length
    return counts, round(sum(counts.values()) / total, 4) if counts else 0.0


def _length(item: object) -> int:
    text = item.text if isinstance(item, Document) else item
    return len(text) if isinstance(text, str) else 0


def _refused(item: object) -> Exception | None:
    if isinstance(item, Exception):
        return item
    text = item.text if isinstance(item, Document) else item
    if isinstance(text, str):
        return None
    return TypeError(f"the text is {_kind(text)}, not a string")


def _kind(value: object) -> str:
    return "missing (None)" if value is None else f"of type {type(value).__name__}"


def _clean_batch(cleaner: Cleaner, batch: list[str | Document]) -> list[CleanArticle | Exception]:
    """The batch at once; if that fails, each of its documents alone, so that the one to blame is found."""
    try:
        return list(cleaner.clean_many(batch))
    except Exception as error:
        if len(batch) == 1:
            return [error]
    return [result for item in batch for result in _clean_batch(cleaner, [item])]
