"""The steps for frameworks, each against the real package."""

from __future__ import annotations

import asyncio
import gzip
import importlib
import json
import logging
import os
import pickle
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from cleaner import Cleaner, UsageError
from cleaner.integrations import DocumentError

os.environ.setdefault("HAYSTACK_TELEMETRY_ENABLED", "False")  # no network in tests

EXAMPLES = Path(__file__).parent.parent / "examples" / "integrations"
STORY = (
    "군은 3일 옛 역 앞 창고를 고쳐 청년 공방 열두 칸을 열었다고 밝혔다.\n"
    "공방에는 도자기와 가죽, 나무를 다루는 청년 열여덟 명이 들어왔고 임대료는 한 달 3만원이다.\n"
    '군 관계자는 "빈 창고 두 동을 더 사들여 내년에는 판매장도 짓겠다"고 말했다.'
)
AD = (
    "밝은귀보청기센터\n최신 보청기 최대 50% 할인\n보청기 무료 체험\n무료 청력검사 예약 전화 062) 000-1234\n"
    "의료광고심의필 제 000000-중-00000호"
)
DIRTY = f"{STORY}\n\n{AD}"
WORD = "무료 체험"
EMBEDDED = [0.1, 0.2]
PACKAGES = [("datatrove", "datatrove"), ("haystack", "haystack"), ("langchain", "langchain_core"), ("llamaindex", "llama_index")]


def framework(package: str, extra: str):
    pytest.importorskip(package, reason=f"the extra `{extra}` is not installed")
    return importlib.import_module(f"cleaner.integrations.{extra}").ArticleCleaner


@pytest.fixture(scope="module")
def clean():
    """What the plain cleaner makes of the dirty text."""
    return Cleaner().clean(DIRTY)


@pytest.fixture
def failing(monkeypatch):
    """A heart that breaks on one text."""
    real = Cleaner.clean_many

    def fragile(self, documents):
        documents = list(documents)
        if any(text == "broken" for text in documents):
            raise RuntimeError("no verdict")
        return real(self, documents)

    monkeypatch.setattr(Cleaner, "clean_many", fragile)


@pytest.fixture
def batches(monkeypatch):
    """How many documents each call of the cleaner got."""
    sizes = []
    real = Cleaner.clean_many

    def counting(self, documents):
        documents = list(documents)
        sizes.append(len(documents))
        return real(self, documents)

    monkeypatch.setattr(Cleaner, "clean_many", counting)
    return sizes


def says_what_went(metadata, clean):
    lost, total = (sum(len(segment.text) for segment in segments) for segments in (clean.dropped, clean.segments))
    by_label = {key: value for key, value in metadata.items() if key.startswith("removed_as_")}
    return (
        metadata["removed_characters"] == lost > 0
        and metadata["removed_share"] == round(lost / total, 4)
        and sum(by_label.values()) == lost
        and set(by_label) == {"removed_as_ad", "removed_as_boilerplate"}
    )


# --- LangChain ---------------------------------------------------------------------------------------------------------


def langchain_documents(*texts):
    from langchain_core.documents import Document

    return [Document(id=f"d{i}", page_content=text, metadata={"source": f"s{i}"}) for i, text in enumerate(texts)]


def test_langchain(clean, batches):
    """The transformer gives clean copies with their ids and metadata, in order, from one batch."""
    step = framework("langchain_core", "langchain")()
    documents = langchain_documents(DIRTY, STORY, "")
    out = step.transform_documents(documents)
    assert [document.page_content for document in out] == [clean.text, STORY, ""]
    assert [document.id for document in out] == ["d0", "d1", "d2"]
    assert out[0].metadata["source"] == "s0"
    assert says_what_went(out[0].metadata, clean)
    assert out[1].metadata["removed_characters"] == 0
    assert documents == langchain_documents(DIRTY, STORY, "")
    assert batches == [3]


def test_langchain_async(clean):
    """The asynchronous method gives the same."""
    step = framework("langchain_core", "langchain")()
    (out,) = asyncio.run(step.atransform_documents(langchain_documents(DIRTY)))
    assert out.page_content == clean.text


@pytest.mark.usefixtures("failing")
def test_langchain_errors(caplog):
    """A document that cannot be cleaned raises, stays as it was, or goes: never silently, and never with its neighbours."""
    step = framework("langchain_core", "langchain")
    documents = langchain_documents(STORY, "broken", DIRTY)
    with pytest.raises(DocumentError, match=r"'d1'.*no verdict.*errors="):
        step().transform_documents(documents)
    with caplog.at_level(logging.WARNING, logger="cleaner"):
        kept = step(errors="keep").transform_documents(documents)
        dropped = step(errors="drop").transform_documents(documents)
    assert [document.page_content == "broken" for document in kept] == [False, True, False]
    assert kept[1].metadata == {"source": "s1", "cleaner_error": "no verdict"}
    assert [document.id for document in dropped] == ["d0", "d2"]
    assert [record.getMessage().split("; ")[-1] for record in caplog.records] == ["kept as it was.", "dropped."]


def test_langchain_text_that_is_none():
    """A document without text is a document that cannot be cleaned."""
    step = framework("langchain_core", "langchain")
    document = langchain_documents("x")[0].model_copy(update={"page_content": None})
    with pytest.raises(DocumentError, match="missing"):
        step().transform_documents([document])


# --- LlamaIndex --------------------------------------------------------------------------------------------------------


def test_llamaindex(clean, batches):
    """The component gives clean copies; what it adds to the metadata stays out of embeddings and prompts."""
    step = framework("llama_index.core", "llamaindex")()
    from llama_index.core import Document
    from llama_index.core.schema import MetadataMode, TextNode

    others = [TextNode(text=text, embedding=EMBEDDED) for text in (STORY, DIRTY)]
    nodes = [Document(text=DIRTY, metadata={"a": 1}, id_="one"), *others]
    before = [node.model_copy(deep=True) for node in nodes]
    out = step(nodes)
    assert [node.get_content() for node in out] == [clean.text, STORY, clean.text]
    assert [node.node_id for node in out] == [node.node_id for node in nodes]
    assert [node.embedding for node in out] == [None, EMBEDDED, None]
    assert says_what_went(out[0].metadata, clean)
    assert out[0].get_metadata_str(MetadataMode.EMBED) == out[0].get_metadata_str(MetadataMode.LLM) == "a: 1"
    assert nodes == before
    assert batches == [3]


def test_llamaindex_pipeline_and_cache(clean, batches):
    """In an ingestion pipeline with a splitter; a second run is answered from the cache, other settings are not."""
    step = framework("llama_index.core", "llamaindex")
    from llama_index.core import Document
    from llama_index.core.ingestion import IngestionPipeline
    from llama_index.core.node_parser import SentenceSplitter

    pipeline = IngestionPipeline(transformations=[step(), SentenceSplitter()])
    documents = [Document(text=DIRTY, id_="one")]
    first = pipeline.run(documents=documents)
    assert [node.get_content() for node in first] == [clean.text]
    assert first[0].ref_doc_id == "one"
    assert [node.node_id for node in pipeline.run(documents=documents)] == [first[0].node_id]
    assert batches == [1]
    pipeline.transformations = [step(keep=["editorial", "caption", "byline", "ad", "boilerplate"]), SentenceSplitter()]
    assert WORD in pipeline.run(documents=documents)[0].get_content()
    assert batches == [1, 1]


def test_llamaindex_settings():
    """Settings and the model's digest are part of the step's written form; it comes back from it, and from a pickle."""
    step = framework("llama_index.core", "llamaindex")
    made = step(favor="keeping", errors="drop")
    written = made.to_dict()
    assert written["weights"] == Cleaner().model.card["weights_sha256"]
    assert step.from_dict(written).to_dict() == written
    assert pickle.loads(pickle.dumps(step()))([]) == []
    with pytest.raises(UsageError, match="errors is"):
        step(errors="ignore")


@pytest.mark.usefixtures("failing")
def test_llamaindex_errors():
    """Raise, keep, drop."""
    step = framework("llama_index.core", "llamaindex")
    from llama_index.core import Document

    nodes = [Document(text=STORY, id_="a"), Document(text="broken", id_="b")]
    with pytest.raises(DocumentError, match="'b'"):
        step()(nodes)
    kept = step(errors="keep")(nodes)
    assert kept[1].get_content() == "broken"
    assert kept[1].metadata["cleaner_error"] == "no verdict"
    assert [node.node_id for node in step(errors="drop")(nodes)] == ["a"]


# --- Haystack ----------------------------------------------------------------------------------------------------------


def test_haystack(clean, batches):
    """The component gives new documents; a vector of the old text goes; ids follow the content unless they are to be kept."""
    step = framework("haystack", "haystack")
    from haystack import Document

    documents = [Document(content=DIRTY, meta={"k": 1}, embedding=EMBEDDED), Document(content=STORY, embedding=EMBEDDED)]
    before = [document.to_dict() for document in documents]
    out = step().run(documents)["documents"]
    assert [document.content for document in out] == [clean.text, STORY]
    assert [document.embedding for document in out] == [None, EMBEDDED]
    assert out[0].id != documents[0].id
    assert out[0].meta["k"] == 1
    assert says_what_went(out[0].meta, clean)
    assert [document.id for document in step(keep_id=True).run(documents)["documents"]] == [document.id for document in documents]
    assert [document.to_dict() for document in documents] == before
    assert batches == [2, 2]


def test_haystack_pipeline_comes_back_from_yaml(clean):
    """A pipeline with the component is written as YAML, read again, and does the same."""
    step = framework("haystack", "haystack")
    from haystack import Document, Pipeline

    pipeline = Pipeline()
    pipeline.add_component("cleaner", step(keep=["editorial", "caption", "byline"], errors="keep"))
    trust = {"allowed_modules": ["cleaner.integrations.haystack"]} if "allowed_modules" in Pipeline.loads.__annotations__ else {}
    again = Pipeline.loads(pipeline.dumps(), **trust)
    assert again.dumps() == pipeline.dumps()
    assert again.run({"cleaner": {"documents": [Document(content=DIRTY)]}})["cleaner"]["documents"][0].content == clean.text


def test_haystack_errors():
    """Raise, keep, drop; a document of bytes alone has no text to clean."""
    step = framework("haystack", "haystack")
    from haystack import Document
    from haystack.dataclasses import ByteStream

    documents = [Document(content=STORY), Document(blob=ByteStream(b"x"))]
    with pytest.raises(DocumentError, match="missing"):
        step().run(documents)
    kept = step(errors="keep").run(documents)["documents"]
    assert kept[1].content is None
    assert "cleaner_error" in kept[1].meta
    assert len(step(errors="drop").run(documents)["documents"]) == 1
    with pytest.raises(UsageError, match="errors is"):
        step(errors="")


# --- datatrove ---------------------------------------------------------------------------------------------------------


def read_shards(folder):
    lines = [line for file in sorted(folder.rglob("*.jsonl.gz")) for line in gzip.decompress(file.read_bytes()).splitlines()]
    return [json.loads(line) for line in lines]


def test_datatrove_local_executor(clean, tmp_path):
    """In the local executor: clean text out, what went to the exclusion writer, statistics for each label."""
    step = framework("datatrove", "datatrove")
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers import JsonlWriter

    (tmp_path / "in").mkdir()
    texts = {"a": DIRTY, "b": STORY, "c": DIRTY}
    (tmp_path / "in" / "x.jsonl").write_text("".join(json.dumps({"id": name, "text": text}) + "\n" for name, text in texts.items()))
    pipeline = [
        JsonlReader(str(tmp_path / "in")), step(exclusion_writer=JsonlWriter(str(tmp_path / "removed"))), JsonlWriter(str(tmp_path / "out"))
    ]  # fmt: skip
    stats = LocalPipelineExecutor(pipeline, tasks=1, logging_dir=str(tmp_path / "log")).run()
    out, removed = read_shards(tmp_path / "out"), read_shards(tmp_path / "removed")
    assert [(row["id"], row["text"]) for row in out] == [("a", clean.text), ("b", STORY), ("c", clean.text)]
    assert says_what_went(out[0]["metadata"], clean)
    assert [row["id"] for row in removed] == ["a", "c"]
    assert removed[0]["text"] == "\n".join(segment.text for segment in clean.dropped)
    assert [segment["label"] for segment in removed[0]["metadata"]["removed"]] == [segment.label for segment in clean.dropped]
    counted = json.loads(json.dumps(stats.stats[1].to_dict()["stats"]))
    assert (counted["total"], counted["forwarded"], counted["changed"]) == (3, 3, 2)
    assert counted["removed_as_ad"]["total"] == 2 * out[0]["metadata"]["removed_as_ad"]


def test_datatrove_batches_and_sendable(batches):
    """Documents are cleaned in batches, and the step can be sent to a worker."""
    step = framework("datatrove", "datatrove")
    from datatrove.data import Document

    made = pickle.loads(pickle.dumps(step()))
    assert len(list(made.run(Document(text=STORY, id=str(i)) for i in range(600)))) == 600
    assert batches == [512, 88]


@pytest.mark.usefixtures("failing")
def test_datatrove_errors(tmp_path):
    """Raise, keep, drop; a document that is dropped is written out with the reason."""
    step = framework("datatrove", "datatrove")
    from datatrove.data import Document
    from datatrove.pipeline.writers import JsonlWriter

    def documents():
        return [Document(text=STORY, id="a"), Document(text="broken", id="b")]

    with pytest.raises(DocumentError, match="'b'"):
        list(step().run(documents()))
    kept = list(step(errors="keep").run(documents()))
    assert [document.id for document in kept] == ["a", "b"]
    assert kept[1].metadata["cleaner_error"] == "no verdict"
    dropping = step(errors="drop", exclusion_writer=JsonlWriter(str(tmp_path)))
    assert [document.id for document in dropping.run(documents())] == ["a"]
    assert [(row["id"], row["metadata"]["filter_reason"]) for row in read_shards(tmp_path)] == [("b", "no verdict")]


# --- scikit-learn ------------------------------------------------------------------------------------------------------


def test_sklearn_pipeline(clean, batches):
    """Text in, clean text out, in a pipeline: a vectoriser behind it never sees the ad."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.pipeline import make_pipeline

    step = framework("sklearn", "sklearn")
    pipeline = make_pipeline(step(), CountVectorizer())
    assert pipeline.fit_transform([DIRTY, STORY]).shape[0] == 2
    words = set(pipeline[-1].get_feature_names_out())
    assert "임대료는" in words
    assert "체험" not in words
    out = step().transform(np.array([DIRTY, STORY], dtype=object))
    assert out.tolist() == [clean.text, STORY]
    assert batches == [2, 2]


def test_sklearn_conventions():
    """It can be cloned, shown and pickled, says what it takes, needs no fit, and checks its options when fitted."""
    from sklearn.base import BaseEstimator, clone

    step = framework("sklearn", "sklearn")
    made = clone(step(keep=["editorial"], errors="keep"))
    assert made.get_params() == {"model": None, "keep": ["editorial"], "favor": None, "errors": "keep"}
    assert pickle.loads(pickle.dumps(made)).transform([]).shape == (0,)
    if hasattr(BaseEstimator, "__sklearn_tags__"):  # since 1.6
        tags = made.__sklearn_tags__()
        assert tags.input_tags.string
        assert not tags.requires_fit
    for wrong in (step(errors="?"), step(keep=["nonsense"])):
        with pytest.raises(UsageError):
            wrong.fit([STORY])
    with pytest.raises(UsageError, match="list"):
        made.transform(STORY)


def test_sklearn_errors():
    """Raise names the row; keep gives it back; drop leaves an empty text, since rows must stay."""
    step = framework("sklearn", "sklearn")
    with pytest.raises(DocumentError, match="document 1 "):
        step().transform([STORY, None])
    assert step(errors="keep").transform([STORY, None]).tolist() == [STORY, None]
    assert step(errors="drop").transform([STORY, float("nan")]).tolist() == [STORY, ""]


# --- all of them -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("extra", "package"), PACKAGES)
def test_a_missing_extra_names_the_command(extra, package, monkeypatch):
    """Without the framework, the import says how to install it."""
    for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"cleaner.integrations.{extra}", raising=False)
    with pytest.raises(ModuleNotFoundError, match=rf"pip install 'article-cleaner\[{extra}\]'"):
        importlib.import_module(f"cleaner.integrations.{extra}")


@pytest.mark.parametrize("extra", [extra for extra, _ in PACKAGES])
def test_the_extra_is_declared(extra):
    """The extra that messages and documents name stands in pyproject.toml."""
    assert f"\n{extra} = [" in (EXAMPLES.parent.parent / "pyproject.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(("extra", "package"), [*PACKAGES, ("sklearn", "sklearn")])
def test_the_example_runs(extra, package, monkeypatch, tmp_path, capsys):
    """What examples/integrations holds can be run as it stands."""
    framework(package, extra)
    monkeypatch.setattr(sys, "argv", [f"with_{extra}.py", str(tmp_path)])
    runpy.run_path(str(EXAMPLES / f"with_{extra}.py"), run_name="__main__")
    shown = capsys.readouterr().out
    assert "ko-01" in shown or read_shards(tmp_path / "clean")
