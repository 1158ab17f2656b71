"""Haystack: a component for indexing pipelines.

from cleaner.integrations.haystack import ArticleCleaner
pipeline.add_component("cleaner", ArticleCleaner())
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cleaner.integrations import check_errors, cleaned, missing
from cleaner.pipeline import Cleaner

try:
    from haystack import Document, component, default_from_dict, default_to_dict
except ImportError as error:
    raise missing("haystack", error) from error


@component
class ArticleCleaner:
    """Takes the advertising and the site furniture out of documents; put it between the converter and the splitter.

    Options and metadata as `cleaner.integrations` tells. The documents that come out are new; ``keep_id`` gives them the
    ids of the old ones, otherwise Haystack makes ids from their content, as its own cleaner does.
    """

    def __init__(
        self,
        model: str | None = None,
        keep: Sequence[str] | None = None,
        favor: str | None = None,
        errors: str = "raise",
        keep_id: bool = False,
    ) -> None:
        self.model = model
        self.keep = None if keep is None else list(keep)
        self.favor = favor
        self.errors = check_errors(errors)
        self.keep_id = keep_id
        self._cleaner: Cleaner | None = None

    def warm_up(self) -> None:
        """Load the model; a pipeline calls this before its first run."""
        if self._cleaner is None:
            self._cleaner = Cleaner(self.model, self.keep, self.favor)

    def to_dict(self) -> dict[str, Any]:
        """The component as Haystack writes it into a pipeline's YAML."""
        data: dict[str, Any] = default_to_dict(
            self, model=self.model, keep=self.keep, favor=self.favor, errors=self.errors, keep_id=self.keep_id
        )
        return data

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> ArticleCleaner:
        """The component from what `to_dict` gave."""
        made: ArticleCleaner = default_from_dict(cls, data)
        return made

    @component.output_types(documents=list[Document])
    def run(self, documents: list[Document]) -> dict[str, list[Document]]:
        """Clean documents, in order. `DocumentError` for one that cannot be cleaned, unless ``errors`` says otherwise."""
        self.warm_up()
        assert self._cleaner is not None
        texts = (document.content for document in documents)
        names = (document.id for document in documents)
        steps = cleaned(self._cleaner, documents, texts, names, self.errors)
        return {"documents": [self._copy(document, text, extra) for document, text, extra in steps]}

    def _copy(self, document: Document, text: str | None, extra: dict[str, Any]) -> Document:
        changed = text is not None and text != document.content
        return Document(
            id=document.id if self.keep_id else "",
            content=document.content if text is None else text,
            blob=document.blob,
            meta={**document.meta, **extra},
            score=document.score,
            # A vector of the old text would find the new one by what is no longer in it.
            embedding=None if changed else document.embedding,
            sparse_embedding=None if changed else document.sparse_embedding,
        )
