"""The index gets better: what the example in examples/search shows is held here."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from cleaner import Cleaner

HERE = Path(__file__).parent.parent / "examples" / "search"
STILL_FOUND = 0.25
"""At most this share of the ad queries may still find an article after cleaning."""


@pytest.fixture(scope="module")
def example():
    spec = importlib.util.spec_from_file_location("search_example", HERE / "search.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["search_example"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def articles(example):
    """The articles by id, raw and cleaned."""
    raw = {article["id"]: article["text"] for article in example.load("articles.jsonl")}
    return raw, {name: article.text for name, article in zip(raw, Cleaner().clean_many(raw.values()))}


def rows(example, articles, engine):
    if engine == "Tantivy":
        pytest.importorskip("tantivy", reason="the extra `search` is not installed")
    return example.compare(engine, *articles, example.load("queries.json"))


@pytest.mark.parametrize("engine", ["SQLite FTS5", "Tantivy"])
def test_the_index_gets_better(example, articles, engine):
    """Every ad query finds a raw article and few a cleaned one; no article query is lost; a story about the goods is found."""
    before, after = rows(example, articles, engine)
    count = {kind: sum(query["kind"] == kind for query in example.load("queries.json")) for kind in ("ad", "article", "about")}
    assert before.finds == count
    assert {kind: after.finds[kind] for kind in ("article", "about")} == {kind: count[kind] for kind in ("article", "about")}
    assert after.finds["ad"] <= STILL_FOUND * count["ad"]
    assert after.hits["ad"] < before.hits["ad"] / 4
    assert after.precision["about"] > before.precision["about"]
    assert after.precision["article"] >= before.precision["article"]
    assert after.built.size < before.built.size


def test_both_engines_find_the_same(example, articles):
    """The 2-grams mean the same in both engines, so that their rows can be compared."""
    sqlite, tantivy = (rows(example, articles, engine)[0] for engine in ("SQLite FTS5", "Tantivy"))
    assert (sqlite.finds, sqlite.hits) == (tantivy.finds, tantivy.hits)


def test_a_word_is_found_within_its_particles(example, tmp_path):
    """A Korean word is found whatever particle stands on it; letters of neighbouring words are no word."""
    index = example.sqlite({"a": "공장을 새로 지었다.", "b": "성공 장려금을 준다.", "c": "A plant."}, tmp_path)
    assert index.search("공장") == ["a"]
    assert index.search("plant") == ["c"]
    assert index.search("없는말") == []


def test_the_table_has_a_row_for_each_index(example, articles):
    """The printed table is Markdown: a head, a rule, and one row for each index."""
    lines = example.table(rows(example, articles, "SQLite FTS5"), example.load("queries.json")).splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| SQLite FTS5, raw", "| SQLite FTS5, cleaned"]
    assert len({line.count("|") for line in lines}) == 1
