"""Labelled documents: what loads, what is refused and with which words, and how labels reach segments."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest
from conftest import ROOT

from cleaner import CorpusError
from cleaner.corpus import LabelledDocument, from_row, label_names, load, save, segment_labels
from cleaner.segment import segment

ROW = {
    "id": "a-1", "lang": "ko", "group": "새벽신문", "kind": "web", "lines": ["제목", "", "본문이다. /나기자 기자", "광고"],
    "labels": ["editorial", None, [[0, "editorial"], [6, "byline"]], "ad"], "by": "writer", "hard": True,
}  # fmt: skip


def written(path, *rows):
    path.write_text(
        "".join((row if isinstance(row, str) else json.dumps(row, ensure_ascii=False)) + "\n" for row in rows), encoding="utf-8"
    )
    return path


def test_a_row_comes_back_as_it_was(tmp_path):
    """Loaded and saved, a row is the same, keys of its own included; plain or packed, alone or in a folder."""
    path = written(tmp_path / "one.jsonl", ROW, "", {**ROW, "id": "a-2"})
    documents = load([path])
    assert [document.row() for document in documents] == [ROW, {**ROW, "id": "a-2"}]
    save(documents, tmp_path / "again.jsonl")
    assert load([tmp_path / "again.jsonl"]) == documents
    (tmp_path / "again.jsonl").unlink()
    folder = tmp_path / "deep" / "er"
    folder.mkdir(parents=True)
    (folder / "two.jsonl.gz").write_bytes(gzip.compress(path.read_bytes()))
    assert load([tmp_path]) == [*load([folder / "two.jsonl.gz"]), *documents]


def test_what_a_row_may_leave_out():
    """Only lines and labels are needed; the group falls back to the publisher, then to the id, then to the place."""
    document = from_row({"lines": ["a"], "labels": ["ad"]}, "file:3")
    assert (document.id, document.group, document.lang, document.by) == ("file:3", "file:3", "", "")
    assert from_row({"lines": [], "labels": [], "id": 7, "publisher": "p"}, "x").group == "p"
    assert from_row({"lines": [], "labels": [], "id": 7, "group": None}, "x").group == "7"


def test_runs_are_in_code_points_of_the_text():
    """A label for a line, runs within a line, none for a blank one."""
    document = from_row(ROW, "x")
    assert [(document.text[start:end], label) for start, end, label in document.runs()] == [
        ("제목", "editorial"), ("본문이다. ", "editorial"), ("/나기자 기자", "byline"), ("광고", "ad"),
    ]  # fmt: skip


def test_a_blank_line_has_no_label():
    """Whatever stands there: white space is nothing to label."""
    assert from_row({"lines": ["", "  "], "labels": ["ad", "editorial"]}, "x").labels == (None, None)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([], "must be a JSON object with `lines` and `labels`, not list"),
        ({}, "`lines` must be a list of strings"),
        ({"lines": "a", "labels": ["ad"]}, "`lines` must be a list of strings"),
        ({"lines": ["a", 3], "labels": ["ad", "ad"]}, "`lines` must be a list of strings"),
        ({"lines": ["a", "b"], "labels": ["ad"]}, "2 lines but 1 labels"),
        ({"lines": ["a"]}, "1 lines but no labels"),
        ({"lines": ["a"], "labels": [None]}, "line 1: a label is a name"),
        ({"lines": ["a", "b"], "labels": ["ad", 3]}, "line 2: a label is a name"),
        ({"lines": ["a"], "labels": [""]}, "line 1: a label is a name"),
        ({"lines": ["abc"], "labels": [[]]}, "line 1: a label is a name"),
        ({"lines": ["abc"], "labels": [[[0, "ad"], [1]]]}, "line 1: a label is a name"),
        ({"lines": ["abc"], "labels": [[["0", "ad"]]]}, "line 1: a label is a name"),
        ({"lines": ["abc"], "labels": [[[1, "ad"]]]}, r"line 1: the runs must start at 0, rise, and lie within the line \(3"),
        ({"lines": ["abc"], "labels": [[[0, "ad"], [2, "ad"], [1, "ad"]]]}, "the runs must start at 0, rise"),
        ({"lines": ["abc"], "labels": [[[0, "ad"], [3, "ad"]]]}, "lie within the line"),
    ],
    ids=lambda value: json.dumps(value) if not isinstance(value, str) else "",
)
def test_a_row_that_breaks_the_format(tmp_path, row, message):
    """Refused with the file, the number of the row, and what is wrong."""
    path = written(tmp_path / "bad.jsonl", ROW, row)
    with pytest.raises(CorpusError, match=message) as caught:
        load([path])
    assert f"{path}:2" in str(caught.value)


def test_files_that_cannot_be_read(tmp_path):
    """Broken JSON, other encodings, broken archives, missing files and empty folders: each a CorpusError that names the place."""
    with pytest.raises(CorpusError, match=r"broken.jsonl:2: not JSON"):
        load([written(tmp_path / "broken.jsonl", ROW, '{"id": ')])
    (tmp_path / "latin.jsonl").write_bytes('{"id": "\xe9"}'.encode("latin-1"))
    (tmp_path / "cut.jsonl.gz").write_bytes(gzip.compress(b"{}\n" * 1000)[:40])
    (tmp_path / "no.jsonl.gz").write_bytes(b"plain")
    (tmp_path / "empty").mkdir()
    for name in ("latin.jsonl", "cut.jsonl.gz", "no.jsonl.gz", "missing.jsonl", "empty"):
        with pytest.raises(CorpusError, match=name):
            load([tmp_path / name])


def test_labels_by_the_greater_part():
    """A segment takes the label that most of its characters have; body text wins a tie; what stands at both ends need not win."""
    runs = ((0, "ad"), (2, "editorial")), ((0, "ad"), (1, "editorial")), ((0, "ad"), (1, "byline"), (6, "ad"))
    document = LabelledDocument("x", "ko", "g", "", ("가나다라마", "바사", "가나다라마바사"), runs)
    cut = segment([document.text, "마지막"])
    last = LabelledDocument("y", "ko", "g", "", ("마지막",), ("byline",))
    labels = segment_labels([document, last], cut, ["editorial", "ad", "byline"])
    assert labels.tolist() == [0, 0, 2, 2]


def test_segments_of_the_corpus_have_their_labels(texts):
    """Where a line is labelled as one, its segments all have that label."""
    documents = load([ROOT / "corpus"])[::16]
    names = label_names(documents)
    cut = segment([document.text for document in documents])
    labels = segment_labels(documents, cut, names)
    for number, document in enumerate(documents):
        mine = cut.document == number
        for line, label in zip(cut.line[mine].tolist(), labels[mine].tolist()):
            if isinstance(document.labels[line], str):
                assert names[label] == document.labels[line]


def test_labels_come_in_the_order_of_the_guide():
    """The five of the guide first, labels of one's own after them by name."""
    document = LabelledDocument("x", "ko", "g", "", ("a", "b", "c", "d"), ("zebra", "ad", "editorial", "apple"))
    assert label_names([document]) == ["editorial", "ad", "apple", "zebra"]


def test_the_digest_sees_the_text_alone():
    """Labels, ids and white space do not change it; a character does; lone surrogates have one."""
    document = from_row(ROW, "x")
    same = from_row(
        {**ROW, "id": "other", "lines": ["제목 ", " ", "본문이다. /나기자  기자", "광고"], "labels": ["ad", None, "ad", "ad"]}, "x"
    )
    assert document.digest == same.digest
    assert document.digest != from_row({**ROW, "lines": ["제목", "", "본문이다! /나기자 기자", "광고"]}, "x").digest
    assert from_row({"lines": ["\ud800"], "labels": ["ad"]}, "x").digest


def test_our_own_corpus_is_in_order():
    """Every row loads, no text stands in it twice, every group and language is named, and nothing is labelled by a model."""
    documents = load([ROOT / "corpus"])
    assert len({document.id for document in documents}) == len(documents)
    assert len({document.digest for document in documents}) == len(documents)
    assert all(document.group and document.lang and document.kind for document in documents)
    assert {document.by for document in documents} & {"", "model"} == set()
    assert label_names(documents) == ["editorial", "caption", "byline", "ad", "boilerplate"]
    assert np.mean([document.lang == "ko" for document in documents]) > 0.5
