"""LangChain: a document transformer.

from cleaner.integrations.langchain import ArticleCleaner
documents = ArticleCleaner().transform_documents(documents)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cleaner.integrations import check_errors, cleaned, missing
from cleaner.pipeline import Cleaner

try:
    from langchain_core.documents import BaseDocumentTransformer, Document
except ImportError as error:
    raise missing("langchain", error) from error


class ArticleCleaner(BaseDocumentTransformer):
    """Takes the advertising and the site furniture out of documents; put it before the text splitter.

    Options and metadata as `cleaner.integrations` tells. The documents that come out are copies.
    """

    def __init__(
        self, model: str | None = None, keep: Sequence[str] | None = None, favor: str | None = None, errors: str = "raise"
    ) -> None:
        self.cleaner = Cleaner(model, keep, favor)
        self.errors = check_errors(errors)

    def transform_documents(self, documents: Sequence[Document], **kwargs: Any) -> Sequence[Document]:
        """Clean documents, in order. `DocumentError` for one that cannot be cleaned, unless ``errors`` says otherwise."""
        texts = (document.page_content for document in documents)
        names = (document.id or document.metadata.get("source") or f"number {i}" for i, document in enumerate(documents))
        result = []
        for document, text, extra in cleaned(self.cleaner, documents, texts, names, self.errors):
            content = document.page_content if text is None else text
            result.append(document.model_copy(update={"page_content": content, "metadata": {**document.metadata, **extra}}))
        return result
