"""The same articles indexed raw and cleaned, in SQLite FTS5 and in Tantivy: which advertising words still find an article?

    python examples/search/search.py              the table
    python examples/search/search.py --list       and the queries behind its numbers

Both indexes hold character 2-grams, two letters at a time within a word: Korean words carry particles (``공장`` stands in
``공장을``, ``공장에서``), and a word index would not find them. A word of a query is a phrase of its 2-grams.

``articles.jsonl`` are articles as scrapers and scanners give them, written for this example; ``queries.json`` asks for words of
the ads (``ad``), for words of the articles (``article``), and for words that ads share with a story about them (``about``).
"""

from __future__ import annotations

import argparse
import json
import re
import sqlite3
import tempfile
import time
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from cleaner import Cleaner

HERE = Path(__file__).parent
TOP = 10

Search = Callable[[str], list[str]]


class Index(NamedTuple):
    search: Search  # a query -> the ids of all articles it finds, best first
    size: int  # bytes
    seconds: float  # to build it


class Row(NamedTuple):
    name: str
    finds: dict[str, int]  # of the queries of each kind, how many find all they are after (any article, if they are after none)
    hits: dict[str, int]  # articles found, over all queries of a kind
    precision: dict[str, float]  # of the first ten articles shown, the share that the query is after
    built: Index
    query_seconds: float  # the mean


def grams(text: str) -> list[list[str]]:
    """The 2-grams of each word; a word of one letter is its own.

    >>> grams("공장을 a2")
    [['공장', '장을'], ['a2']]
    """
    words = re.findall(r"\w+", unicodedata.normalize("NFKC", text).lower())
    return [[word[i : i + 2] for i in range(len(word) - 1)] or [word] for word in words]


def spaced(text: str) -> str:
    """The text as an index takes it: its 2-grams with spaces between."""
    return " ".join(gram for word in grams(text) for gram in word)


def sqlite(texts: dict[str, str], folder: Path) -> Index:
    """An FTS5 table that keeps no copy of the text."""
    begin = time.perf_counter()
    file = folder / "fts5.db"
    database = sqlite3.connect(file)
    database.execute("CREATE VIRTUAL TABLE article USING fts5(body, content='', tokenize='unicode61 remove_diacritics 0')")
    names = list(texts)
    database.executemany("INSERT INTO article(rowid, body) VALUES (?, ?)", enumerate(map(spaced, texts.values())))
    database.execute("INSERT INTO article(article) VALUES ('optimize')")
    database.commit()
    seconds = time.perf_counter() - begin

    def search(query: str) -> list[str]:
        match = " AND ".join('"' + " ".join(word) + '"' for word in grams(query))
        found = database.execute("SELECT rowid FROM article WHERE article MATCH ? ORDER BY rank", (match,))
        return [names[rowid] for (rowid,) in found]

    return Index(search, file.stat().st_size, seconds)


def tantivy(texts: dict[str, str], folder: Path) -> Index:
    """A Tantivy index with the ids as its only stored field."""
    import tantivy as engine  # type: ignore[import-untyped, unused-ignore]

    begin = time.perf_counter()
    schema = (
        engine.SchemaBuilder()
        .add_text_field("id", stored=True, tokenizer_name="raw")
        .add_text_field("body", tokenizer_name="whitespace", index_option="position")
        .build()
    )
    index = engine.Index(schema, path=str(folder))
    writer = index.writer(num_threads=1)
    for name, text in texts.items():
        writer.add_document(engine.Document(id=name, body=spaced(text)))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    seconds = time.perf_counter() - begin
    searcher = index.searcher()

    def search(query: str) -> list[str]:
        words = [
            engine.Query.phrase_query(schema, "body", [*word]) if len(word) > 1 else engine.Query.term_query(schema, "body", word[0])
            for word in grams(query)
        ]
        found = searcher.search(engine.Query.boolean_query([(engine.Occur.Must, word) for word in words]), limit=max(len(texts), 1))
        return [searcher.doc(address)["id"][0] for _, address in found.hits]

    return Index(search, sum(file.stat().st_size for file in folder.iterdir()), seconds)


ENGINES = {"SQLite FTS5": sqlite, "Tantivy": tantivy}


def measure(name: str, index: Index, queries: Iterable[dict[str, Any]]) -> Row:
    """Run the queries on an index."""
    kinds: dict[str, list[tuple[set[str], list[str]]]] = {}
    begin = time.perf_counter()
    asked = 0
    for asked, query in enumerate(queries, 1):  # noqa: B007
        kinds.setdefault(query["kind"], []).append((set(query["relevant"]), index.search(query["query"])))
    query_seconds = (time.perf_counter() - begin) / max(asked, 1)
    finds = {kind: sum(wanted <= set(found) if wanted else bool(found) for wanted, found in all_) for kind, all_ in kinds.items()}
    hits = {kind: sum(len(found) for _, found in all_) for kind, all_ in kinds.items()}
    precision = {kind: sum(_precision(wanted, found) for wanted, found in all_) / len(all_) for kind, all_ in kinds.items()}
    return Row(name, finds, hits, precision, index, query_seconds)


def _precision(wanted: set[str], found: list[str]) -> float:
    shown = found[:TOP]
    return sum(name in wanted for name in shown) / len(shown) if shown else 0.0


def load(name: str) -> list[dict[str, Any]]:
    """The rows of a JSON file, or of a JSON Lines file, beside this script."""
    text = (HERE / name).read_text(encoding="utf-8")
    return list(json.loads(text)) if name.endswith(".json") else [json.loads(line) for line in text.splitlines()]


def compare(engine: str, raw: dict[str, str], clean: dict[str, str], queries: list[dict[str, Any]]) -> tuple[Row, Row]:
    """The same queries on the raw and on the cleaned articles."""
    with tempfile.TemporaryDirectory() as a, tempfile.TemporaryDirectory() as b:
        before = measure(f"{engine}, raw", ENGINES[engine](raw, Path(a)), queries)
        after = measure(f"{engine}, cleaned", ENGINES[engine](clean, Path(b)), queries)
    return before, after


def table(rows: Iterable[Row], queries: list[dict[str, Any]]) -> str:
    """The rows as a Markdown table."""
    count = {kind: sum(query["kind"] == kind for query in queries) for kind in ("ad", "article", "about")}
    find = "queries that find"
    head = [
        "index", f"ad {find} (of {count['ad']})", "hits", f"article {find} (of {count['article']})", "P@10",
        f"about {find} (of {count['about']})", "P@10", "size", "built in", "a query",
    ]  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in rows:
        cells = [
            row.name, row.finds["ad"], row.hits["ad"], row.finds["article"], f"{row.precision['article']:.3f}",
            row.finds["about"], f"{row.precision['about']:.3f}",
            f"{row.built.size / 1000:.0f} kB", f"{row.built.seconds * 1000:.0f} ms", f"{row.query_seconds * 1e6:.0f} µs",
        ]  # fmt: skip
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Index the same articles raw and cleaned, and compare what queries find.")
    parser.add_argument("--list", action="store_true", help="print each query with the articles it finds, before and after")
    options = parser.parse_args()
    articles, queries = load("articles.jsonl"), load("queries.json")
    raw = {article["id"]: article["text"] for article in articles}
    cleaner = Cleaner()
    begin = time.perf_counter()
    clean = {name: result.text for name, result in zip(raw, cleaner.clean_many(raw.values()))}
    seconds = time.perf_counter() - begin
    rows: list[Row] = []
    for engine in ENGINES:
        try:
            rows += compare(engine, raw, clean, queries)
        except ImportError:
            print(f"{engine} is left out: it is not installed; pip install 'article-cleaner[search]'\n")
    went = 1 - sum(map(len, clean.values())) / sum(map(len, raw.values()))
    print(f"{len(raw)} articles cleaned in {seconds * 1000:.0f} ms; {went:.1%} of their characters went.\n\n{table(rows, queries)}")
    if options.list:
        with tempfile.TemporaryDirectory() as a, tempfile.TemporaryDirectory() as b:
            before, after = sqlite(raw, Path(a)), sqlite(clean, Path(b))
            for query in queries:
                found = [" ".join(index.search(query["query"])) for index in (before, after)]
                print(f"{query['kind']:8} {query['query']}: {found[0]} -> {found[1]}")


if __name__ == "__main__":
    main()
