"""Every command and every snippet of the documentation pages is run here, in the order of the page.

A page runs in a folder of its own that holds ``examples/``, a folder ``scraped/`` and a file ``records.jsonl``. Fences marked
``python`` and ``bash`` are run, all others are only shown. Commands find the ``cleaner`` of this checkout, and a ``curl`` that
checks what it is to send.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import cleaner

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(page.name for page in DOCS.glob("*.md"))
OPTIONAL = ("dask", "datatrove", "haystack", "langchain_core", "llama_index", "pandas", "polars")

CURL = """#!{python}
import json, pathlib, sys
files = [a[1:] for a in sys.argv[1:] if a.startswith("@")]
lines = pathlib.Path(files[0]).read_text(encoding="utf-8").splitlines()
assert len(lines) % 2 == 0 and lines, "actions and sources come in pairs"
for action, source in zip(lines[::2], lines[1::2]):
    assert json.loads(action)["index"]["_id"] and "text" in json.loads(source)
"""


def blocks(page):
    """The fenced blocks of a page: language, code, and the line where they begin."""
    text = page.read_text(encoding="utf-8")
    for match in re.finditer(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield match[1], match[2], text.count("\n", 0, match.start()) + 2


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """A folder such as the pages speak of, and the commands they use."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    (tmp_path / "scraped").mkdir()
    (tmp_path / "scraped" / "a.txt").write_text("The council met on Monday.\n", encoding="utf-8")
    (tmp_path / "records.jsonl").write_text(json.dumps({"id": 1, "text": "The council met on Monday."}) + "\n", encoding="utf-8")
    tools = tmp_path / ".bin"
    tools.mkdir()
    for name, script in {
        "cleaner": f'#!/bin/sh\nexec "{sys.executable}" -m cleaner.cli "$@"\n',
        "python": f'#!/bin/sh\nexec "{sys.executable}" "$@"\n',
        "curl": CURL.format(python=sys.executable),
    }.items():
        (tools / name).write_text(script, encoding="utf-8")
        (tools / name).chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(Path(cleaner.__file__).parent.parent))  # the package that these tests see
    monkeypatch.setenv("HAYSTACK_TELEMETRY_ENABLED", "False")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def missing(code):
    """An optional package that the code needs and that is not installed."""
    wanted = [name for name in OPTIONAL if re.search(rf"^(from|import) {name}\b", code, re.MULTILINE)]
    return next((name for name in wanted if find_spec(name) is None), None)


@pytest.mark.skipif(os.name != "posix", reason="the commands are those of a POSIX shell")
@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize("name", PAGES)
def test_every_command_and_snippet_runs(name):
    """What a page shows can be typed as it stands; bash stops at the first command that fails."""
    namespace = {"__name__": "__main__"}
    for language, code, line in blocks(DOCS / name):
        if language == "bash":
            done = subprocess.run(["bash", "-euo", "pipefail", "-c", code], capture_output=True, text=True, check=False, timeout=120)
            assert done.returncode == 0, f"{name}:{line}: {done.stderr}"
        elif language == "python" and not missing(code):
            exec(compile(code, f"{name}:{line}", "exec"), namespace)


def test_pages_have_something_to_run():
    """A page whose fences the pattern above does not find would pass untested."""
    counts = {name: sum(language in ("bash", "python") for language, _, _ in blocks(DOCS / name)) for name in PAGES}
    assert counts["indexing.md"] >= 15
    assert counts["index.md"] >= 2
    assert counts["how-it-decides.md"] >= 3


def test_links_between_pages_lead_somewhere():
    """Each link to another page of the site names a file that exists."""
    for page in DOCS.glob("*.md"):
        for target in re.findall(r"\]\(([^)#:]+\.md)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (DOCS / target).resolve().exists(), f"{page.name}: {target}"


def test_the_site_builds(tmp_path):
    """Sphinx builds the site without a warning, and the reference holds the classes."""
    pytest.importorskip("sphinx", reason="the extra `docs` is not installed")
    pytest.importorskip("myst_parser", reason="the extra `docs` is not installed")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-d", str(tmp_path / "trees"), str(DOCS), str(tmp_path / "site")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    reference = (tmp_path / "site" / "api.html").read_text(encoding="utf-8")
    for name in ("cleaner.Cleaner.clean_many", "cleaner.pipe.clean_records", "cleaner.integrations.DocumentError"):
        assert f'id="{name}"' in reference


INTEGRATION = re.compile(r"from cleaner\.integrations\.(\w+) import")
TEXT = "The council met on Monday."


def readme_snippets():
    readme = ROOT / "README.md"
    found = [code for language, code, _ in blocks(readme) if language == "python"] if readme.exists() else []
    return {match[1]: code for code in found if (match := INTEGRATION.search(code))}


@pytest.mark.parametrize("extra", ["langchain", "llamaindex", "haystack", "datatrove", "sklearn"])
def test_the_two_lines_of_the_readme_run(extra, workspace):
    """The two lines that the README shows for a framework do their work, given what they speak of."""
    pytest.importorskip({"langchain": "langchain_core", "llamaindex": "llama_index.core"}.get(extra, extra), reason="not installed")
    before, after = globals()[f"{extra}_around"](workspace)
    exec(compile(readme_snippets()[extra], "README.md", "exec"), before)
    assert after(before)


def langchain_around(_):
    from langchain_core.documents import Document

    return {"documents": [Document(page_content=TEXT)]}, lambda made: made["documents"][0].metadata["removed_share"] == 0


def llamaindex_around(_):
    from llama_index.core import Document
    from llama_index.core.ingestion import IngestionPipeline
    from llama_index.core.node_parser import SentenceSplitter

    names = {"IngestionPipeline": IngestionPipeline, "SentenceSplitter": SentenceSplitter}
    return names, lambda made: made["pipeline"].run(documents=[Document(text=TEXT)])[0].metadata["removed_share"] == 0


def haystack_around(_):
    from haystack import Document, Pipeline

    given = {"cleaner": {"documents": [Document(content=TEXT)]}}
    return {"pipeline": Pipeline()}, lambda made: made["pipeline"].run(given)["cleaner"]["documents"][0].content == TEXT


def datatrove_around(folder):
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers import JsonlWriter

    names = {"reader": JsonlReader(str(folder), glob_pattern="records.jsonl"), "writer": JsonlWriter(str(folder / "corpus"))}

    def run(made):
        LocalPipelineExecutor(made["pipeline"], logging_dir=str(folder / "log"), tasks=1).run()
        return list((folder / "corpus").iterdir())

    return names, run


def sklearn_around(_):
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline

    names = {"make_pipeline": make_pipeline, "TfidfVectorizer": TfidfVectorizer}
    return names, lambda made: made["pipeline"].fit_transform([TEXT]).shape == (1, 5)
