"""LlamaIndex: clean documents inside an ingestion pipeline, before they are cut into nodes.

python examples/integrations/with_llamaindex.py
"""

import json
from pathlib import Path

from llama_index.core import Document
from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.node_parser import SentenceSplitter

from cleaner.integrations.llamaindex import ArticleCleaner

ARTICLES = Path(__file__).parent.parent / "search" / "articles.jsonl"
rows = [json.loads(line) for line in ARTICLES.read_text(encoding="utf-8").splitlines()]
documents = [Document(text=row["text"], id_=row["id"]) for row in rows]

pipeline = IngestionPipeline(transformations=[ArticleCleaner(), SentenceSplitter(chunk_size=512, chunk_overlap=50)])
nodes = pipeline.run(documents=documents)

for node in nodes:
    print(node.ref_doc_id, len(node.get_content()), node.metadata["removed_share"])
