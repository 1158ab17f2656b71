"""LlamaIndex: a transformation for ingestion pipelines.

from cleaner.integrations.llamaindex import ArticleCleaner
pipeline = IngestionPipeline(transformations=[ArticleCleaner(), SentenceSplitter()])
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cleaner.integrations import check_errors, cleaned, missing
from cleaner.pipeline import Cleaner

try:
    from llama_index.core.bridge.pydantic import Field, PrivateAttr, field_validator
    from llama_index.core.schema import BaseNode, MetadataMode, TransformComponent
except ImportError as error:
    raise missing("llamaindex", error) from error


class ArticleCleaner(TransformComponent):
    """Takes the advertising and the site furniture out of nodes; put it before the node parser.

    Options and metadata as `cleaner.integrations` tells; the metadata is kept from embeddings and prompts. The nodes that
    come out are copies. The pipeline's cache knows the step by its settings and by the digest of the model, so that a model
    trained again is not answered from the cache.
    """

    model: str | None = Field(default=None, description="A model folder; the packaged model, if None.")
    keep: list[str] | None = Field(default=None, description="The labels to keep; the model's policy, if None.")
    favor: str | None = Field(default=None, description="Move the threshold: keeping or dropping.")
    errors: str = Field(default="raise", description="What becomes of a document that cannot be cleaned: raise, keep or drop.")
    weights: str = Field(default="", description="The digest of the model; filled in.")
    _cleaner: Cleaner = PrivateAttr()

    _check_errors = field_validator("errors")(check_errors)

    def model_post_init(self, context: Any, /) -> None:
        """Load the model and take its digest for the cache."""
        super().model_post_init(context)
        self._cleaner = Cleaner(self.model, self.keep, self.favor)
        self.weights = str(self._cleaner.model.card.get("weights_sha256", ""))

    @classmethod
    def class_name(cls) -> str:
        """The name under which LlamaIndex writes the step."""
        return "ArticleCleaner"

    def __call__(self, nodes: Sequence[BaseNode], **kwargs: Any) -> Sequence[BaseNode]:
        """Clean nodes, in order. `DocumentError` for one that cannot be cleaned, unless ``errors`` says otherwise."""
        texts = (node.get_content(metadata_mode=MetadataMode.NONE) for node in nodes)
        names = (node.node_id for node in nodes)
        return [_copy(node, text, extra) for node, text, extra in cleaned(self._cleaner, nodes, texts, names, self.errors)]


def _copy(node: BaseNode, text: str | None, extra: dict[str, Any]) -> BaseNode:
    copy = node.model_copy(
        update={
            "metadata": {**node.metadata, **extra},
            "excluded_embed_metadata_keys": [*node.excluded_embed_metadata_keys, *extra],
            "excluded_llm_metadata_keys": [*node.excluded_llm_metadata_keys, *extra],
        }
    )
    if text is not None and text != node.get_content(metadata_mode=MetadataMode.NONE):
        copy.set_content(text)
        copy.embedding = None
    return copy
