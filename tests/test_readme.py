"""The README: its Python snippets run, its commands exist, its links lead somewhere, its figures are those of the corpus."""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from cleaner.cli import main

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
FRAMEWORKS = {"langchain": "langchain_core", "llamaindex": "llama_index", "haystack": "haystack", "datatrove": "datatrove"}
STORY = "The ferry sails again from 1 June, the council said on Monday."


def namespace(framework):
    """What the reader of a snippet has at hand."""
    if framework == "langchain":
        from langchain_core.documents import Document

        return {"documents": [Document(page_content=STORY)]}
    if framework == "llamaindex":
        from llama_index.core.ingestion import IngestionPipeline

        return {"IngestionPipeline": IngestionPipeline}
    if framework == "haystack":
        from haystack import Pipeline

        return {"pipeline": Pipeline()}
    if framework == "sklearn":
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.pipeline import make_pipeline

        return {"TfidfVectorizer": TfidfVectorizer, "make_pipeline": make_pipeline}
    found = []
    return {"reader": None, "writer": None, "text": STORY, "texts": [STORY, STORY], "index": found.append, "found": found}


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda code: code.splitlines()[0][-40:])
def test_snippets_run(snippet):
    """Each Python snippet of the README runs as it stands, in the surroundings its reader has."""
    named = re.search(r"cleaner\.integrations\.(\w+)", snippet)
    framework = named[1] if named else ""
    if framework in FRAMEWORKS and find_spec(FRAMEWORKS[framework]) is None:
        pytest.skip(f"{framework} is not installed: pip install 'article-cleaner[{framework}]'")
    known = namespace(framework)
    exec(compile(snippet, "README.md", "exec"), known)
    if not framework:
        assert known["result"].text == STORY
        assert known["found"] == [STORY, STORY]
    if framework == "langchain":
        assert [document.page_content for document in known["documents"]] == [STORY]
    if framework == "sklearn":
        assert known["pipeline"].fit_transform([STORY, STORY]).shape[0] == 2


def test_the_five_frameworks_are_shown():
    """Each integration has its two lines."""
    shown = [re.search(r"cleaner\.integrations\.(\w+)", snippet) for snippet in SNIPPETS]
    assert {match[1] for match in shown if match} == {*FRAMEWORKS, "sklearn"}
    assert all(len(snippet.splitlines()) == 2 for snippet, match in zip(SNIPPETS, shown) if match)


def test_commands_exist():
    """Every `cleaner` subcommand that the README names answers to --help."""
    for name in set(re.findall(r"cleaner (clean|show|evaluate|train|review|labels|restore)\b", TEXT)):
        assert CliRunner().invoke(main, [name, "--help"]).exit_code == 0, name


def test_links_lead_somewhere():
    """Every relative link of the README is a file of the project."""
    links = SimpleNamespace(all=re.findall(r"\]\(([^)#]+)\)", TEXT))
    missing = [link for link in links.all if not link.startswith("http") and not (ROOT / link).exists()]
    assert not missing


def test_corpus_figures():
    """The number of documents that the README and the corpus datasheet state is the number there is."""
    documents = [json.loads(line) for file in sorted((ROOT / "corpus").glob("*.jsonl")) for line in file.open(encoding="utf-8")]
    stated = f"{len(documents):,}"
    assert f"{stated} labelled documents in {len({d['lang'] for d in documents})} languages" in " ".join(TEXT.split())
    assert f"{stated} documents" in (ROOT / "corpus" / "README.md").read_text(encoding="utf-8")
