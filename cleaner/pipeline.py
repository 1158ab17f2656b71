"""Joins the stages, for one document or for a stream of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from cleaner.decide import Verdicts, decide, policy_for
from cleaner.model import load_model
from cleaner.records import CleanArticle, Document, Segment
from cleaner.segment import segment
from cleaner.write import clean_text

BATCH_DOCUMENTS = 512
BATCH_CHARACTERS = 400_000
"""A batch ends at so many documents or code points, whichever comes first: memory stays bounded, arrays stay long."""


class Cleaner:
    """Cleans documents with one model and one policy.

    ``model`` is a folder that ``cleaner train`` wrote (the packaged model, if `None`); ``keep`` the labels to keep (the
    model's own policy, if `None`); ``favor`` moves the threshold, ``"keeping"`` or ``"dropping"``. Cheap to make: a model is
    loaded once in a process. Safe in threads; pickled, it takes only its settings along.

    >>> cleaner = Cleaner()
    >>> result = cleaner.clean("광주시는 20일 전기차 부품 공장을 착공했다고 밝혔다.")
    >>> result.text
    '광주시는 20일 전기차 부품 공장을 착공했다고 밝혔다.'
    >>> result.dropped
    ()
    """

    def __init__(self, model: str | Path | None = None, keep: Sequence[str] | None = None, favor: str | None = None) -> None:
        self._settings = (None if model is None else str(model), None if keep is None else tuple(keep), favor)
        self.model = load_model(model)
        self.policy = policy_for(self.model, keep, favor)

    def __reduce__(self) -> tuple[type[Cleaner], tuple[object, ...]]:
        return Cleaner, self._settings

    def clean(self, text: str) -> CleanArticle:
        """Clean one text. `TypeError` if it is not a string."""
        return self._batch([_document(text)])[0]

    def clean_html(self, html: str | bytes, url: str | None = None) -> CleanArticle:
        """Clean one page: trafilatura extracts its text and metadata, the text is cleaned.

        A page without article text gives an empty text. `ReadError` if the page cannot be parsed. Extraction runs in this
        process, without a time limit; ``cleaner clean`` guards it.
        """
        from cleaner.read import read_page

        return self._batch([read_page(html, url)])[0]

    def clean_many(self, documents: Iterable[str | Document]) -> Iterator[CleanArticle]:
        """Clean a stream, in order, holding one batch at a time.

        >>> [article.text for article in Cleaner().clean_many(["첫 기사다.", "둘째 기사다."])]
        ['첫 기사다.', '둘째 기사다.']
        """
        stream = iter(documents)
        while batch := _next_batch(stream):
            yield from self._batch(batch)

    def _batch(self, documents: Sequence[Document]) -> list[CleanArticle]:
        segments = segment([document.text for document in documents])
        floors = self.model.floors([document.text for document in documents])
        verdicts = decide(segments, self.model.probabilities(segments), self.model.labels, self.policy, floors)
        return articles(documents, segments.offsets.tolist(), verdicts, self.model.labels)


def articles(documents: Sequence[Document], offsets: Sequence[int], verdicts: Verdicts, labels: Sequence[str]) -> list[CleanArticle]:
    """Turn verdicts on a batch back into one article for each document."""
    bounds = np.searchsorted(verdicts.document, np.arange(len(documents) + 1)).tolist()
    lines, starts, ends = verdicts.line.tolist(), verdicts.start.tolist(), verdicts.end.tolist()
    names, scores, kept = [labels[i] for i in verdicts.label.tolist()], verdicts.score.tolist(), verdicts.kept.tolist()
    result = []
    for number, document in enumerate(documents):
        low, high, offset, text = bounds[number], bounds[number + 1], offsets[number], document.text
        spans = [(lines[i], starts[i] - offset, ends[i] - offset, kept[i]) for i in range(low, high)]
        segments = tuple(
            Segment(start, end, text[start:end], names[i], scores[i], kept[i]) for i, (_, start, end, _) in enumerate(spans, low)
        )
        result.append(CleanArticle(clean_text(text, spans), segments, document))
    return result


def _document(item: str | Document) -> Document:
    if isinstance(item, Document):
        return item
    if isinstance(item, str):
        return Document(item)
    raise TypeError(f"a document is a string or a cleaner.Document, not {type(item).__name__}")


def _next_batch(stream: Iterator[str | Document]) -> list[Document]:
    batch: list[Document] = []
    characters = 0
    for item in islice(stream, BATCH_DOCUMENTS):
        document = _document(item)
        batch.append(document)
        characters += len(document.text)
        if characters > BATCH_CHARACTERS:
            break
    return batch
