"""datatrove: a pipeline step with statistics for each label and a writer for what was removed.

from cleaner.integrations.datatrove import ArticleCleaner
pipeline = [JsonlReader("scraped/"), ArticleCleaner(exclusion_writer=JsonlWriter("removed/")), JsonlWriter("clean/")]
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from cleaner.integrations import check_errors, goes_on, metadata, missing
from cleaner.pipeline import BATCH_DOCUMENTS, Cleaner
from cleaner.records import CleanArticle
from cleaner.stream import clean_each

try:
    from datatrove.data import Document, DocumentsPipeline
    from datatrove.pipeline.base import PipelineStep
    from datatrove.pipeline.writers.disk_base import DiskWriter
    from datatrove.utils.batching import batched
    from datatrove.utils.typeshelper import StatHints
except ImportError as error:
    raise missing("datatrove", error) from error


class ArticleCleaner(PipelineStep):
    """Takes the advertising and the site furniture out of documents; put it after the extractor, before the filters.

    Options and metadata as `cleaner.integrations` tells. As datatrove's own steps do, it changes the documents in place. The
    statistics count the characters that went by label (``removed_as_ad`` ...), the documents ``changed``, ``emptied`` and
    ``failed``. ``exclusion_writer`` gets, for each document that lost something, a document of the same id whose text is
    what was removed and whose metadata holds the segments; and each document that was dropped because it failed.
    """

    name = "Article cleaner"
    type = "🧹 - CLEANER"

    def __init__(
        self, model: str | None = None, keep: Sequence[str] | None = None, favor: str | None = None, errors: str = "raise",
        exclusion_writer: DiskWriter | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.cleaner = Cleaner(model, keep, favor)
        self.errors = check_errors(errors)
        self.exclusion_writer = exclusion_writer

    def run(self, data: DocumentsPipeline, rank: int = 0, world_size: int = 1) -> DocumentsPipeline:
        """Clean documents, in order. `DocumentError` for one that cannot be cleaned, unless ``errors`` says otherwise."""
        with self.exclusion_writer or contextlib.nullcontext() as writer:
            for batch in batched(data, BATCH_DOCUMENTS):
                with self.track_time("batch"):
                    results = list(clean_each(self.cleaner, [document.text for document in batch]))
                for document, result in zip(batch, results):
                    self.stat_update(StatHints.total)
                    excluded = self._cleaned(document, result) if isinstance(result, CleanArticle) else self._failed(document, result)
                    if writer is not None and excluded is not None:
                        writer.write(excluded, rank)
                    if excluded is document:
                        self.stat_update(StatHints.dropped)
                        continue
                    self.stat_update(StatHints.forwarded)
                    self.update_doc_stats(document)
                    yield document

    def _cleaned(self, document: Document, article: CleanArticle) -> Document | None:
        """Change the document; what it lost comes back as a document of its own."""
        counts = metadata(self.cleaner, article)
        document.text = article.text
        document.metadata.update(counts)
        if not article.dropped:
            return None
        self.stat_update("changed", *([] if article.text.strip() else ["emptied"]))
        for name, count in counts.items():
            if count and name.startswith("removed_as_"):
                self.stat_update(name, value=int(count))
        segments = [segment.as_dict() for segment in article.dropped]
        lost = "\n".join(segment.text for segment in article.dropped)
        return Document(text=lost, id=document.id, metadata={**document.metadata, "removed": segments})

    def _failed(self, document: Document, problem: Exception) -> Document | None:
        """The document itself if it is to be dropped."""
        self.stat_update("failed")
        if goes_on(document.id, problem, self.errors):
            document.metadata["cleaner_error"] = str(problem)
            return None
        document.metadata["filter_reason"] = str(problem)
        return document
