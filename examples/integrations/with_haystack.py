"""Haystack: an indexing pipeline with the cleaner between documents and store.

python examples/integrations/with_haystack.py
"""

import json
from pathlib import Path

from haystack import Document, Pipeline
from haystack.components.writers import DocumentWriter
from haystack.document_stores.in_memory import InMemoryDocumentStore

from cleaner.integrations.haystack import ArticleCleaner

ARTICLES = Path(__file__).parent.parent / "search" / "articles.jsonl"
rows = [json.loads(line) for line in ARTICLES.read_text(encoding="utf-8").splitlines()]
documents = [Document(id=row["id"], content=row["text"]) for row in rows]

store = InMemoryDocumentStore()
pipeline = Pipeline()
pipeline.add_component("cleaner", ArticleCleaner(keep_id=True))
pipeline.add_component("writer", DocumentWriter(store))
pipeline.connect("cleaner.documents", "writer.documents")
pipeline.run({"cleaner": {"documents": documents}})

for document in store.filter_documents():
    print(document.id, document.meta["removed_characters"], document.meta["removed_share"])
