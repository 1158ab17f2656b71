"""scikit-learn: topics of articles, not of the ads inside them.

python examples/integrations/with_sklearn.py
"""

import json
from pathlib import Path

from sklearn.cluster import KMeans
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline

from cleaner.integrations.sklearn import ArticleCleaner

ARTICLES = Path(__file__).parent.parent / "search" / "articles.jsonl"
rows = [json.loads(line) for line in ARTICLES.read_text(encoding="utf-8").splitlines()]
texts = [row["text"] for row in rows]

pipeline = make_pipeline(ArticleCleaner(), TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 3)), KMeans(5, random_state=0))
topics = pipeline.fit_predict(texts)

for row, topic in zip(rows, topics):
    print(row["id"], topic, row["title"])
