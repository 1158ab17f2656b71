"""LangChain: clean documents on their way to a vector store.

python examples/integrations/with_langchain.py
"""

import json
from pathlib import Path

from langchain_core.documents import Document

from cleaner.integrations.langchain import ArticleCleaner

ARTICLES = Path(__file__).parent.parent / "search" / "articles.jsonl"
rows = [json.loads(line) for line in ARTICLES.read_text(encoding="utf-8").splitlines()]
documents = [Document(page_content=row["text"], metadata={"source": row["id"]}) for row in rows]

documents = ArticleCleaner().transform_documents(documents)  # then the text splitter, the embeddings, the store

for document in documents:
    print(document.metadata["source"], document.metadata["removed_characters"], document.metadata["removed_share"])
