"""Labels in and out: tables, Label Studio, doccano, pages with gold text; and what `labels check` finds."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from cleaner.corpus import LabelledDocument, load, save
from cleaner.errors import CorpusError, ReadError
from cleaner.gold_pages import align
from cleaner.label_check import check
from cleaner.labels import Defaults, Imported, export_labels, import_labels

DOCUMENTS = [
    LabelledDocument(
        "harbour/1.html",
        "en",
        "Harbour Gazette",
        "web",
        (
            "Ferry returns after storm",
            "",
            "The ferry sailed again on Monday 😀 at noon. Sign up for alerts",
            '=SUM(A1) sale, call "now"',
            "- Jo Pine, 3 May",
        ),
        ("editorial", None, ((0, "editorial"), (45, "boilerplate")), "ad", "byline"),
        "person",
    ),
    LabelledDocument(
        "ko/2.txt",
        "ko",
        "한빛일보",
        "paper",
        ("한빛시, 새 도서관 연다", "  들여 쓴 문단이다. ▶구독하기  ", "보청기; 할인,\t무료", "'=인용"),
        ("editorial", ((0, "editorial"), (13, "boilerplate")), "ad", "caption"),
        "Kim",
    ),
]


def write(path, value, *, lines=False):
    text = "\n".join(json.dumps(item, ensure_ascii=False) for item in value) if lines else json.dumps(value, ensure_ascii=False)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("form", "name"),
    [("csv", "a.csv"), ("tsv", "a.tsv"), ("label-studio", "a.json"), ("label-studio-spans", "a.json"), ("doccano", "a.jsonl")],
)
def test_round_trip(tmp_path, form, name):
    """What goes out in any format comes back the same: lines, runs, ids, groups, who labelled."""
    export_labels(DOCUMENTS, tmp_path / name, form)
    back = import_labels([tmp_path / name]).documents
    assert back == DOCUMENTS


def test_files_of_other_tools_are_told_apart(tmp_path):
    """Without --from the format is found from the name and the first item."""
    for form, name in (("csv", "a.csv"), ("label-studio", "b.json"), ("doccano", "c.jsonl")):
        export_labels(DOCUMENTS[:1], tmp_path / name, form)
    assert len(import_labels([tmp_path / "a.csv", tmp_path / "b.json", tmp_path / "c.jsonl"]).documents) == 3
    with pytest.raises(CorpusError, match="--from"):
        import_labels([write(tmp_path / "d.json", [{"title": "x"}])])


def test_table_of_a_spreadsheet(tmp_path):
    """A semicolon table with a byte order mark, other column names and a CP949 table are read; a document ends at an empty row."""
    table = tmp_path / "t.csv"
    table.write_text(
        "\ufeffCategory;Text\neditorial;First line\nad;Buy; now\n".replace("Buy; now", '"Buy; now"') + ";\neditorial;Another\n",
        encoding="utf-8",
    )
    documents = import_labels([table], defaults=Defaults(group="G", lang="en")).documents
    assert [document.lines for document in documents] == [("First line", "Buy; now"), ("Another",)]
    assert documents[0].labels == ("editorial", "ad")
    assert documents[0].group == "G"
    korean = tmp_path / "k.csv"
    korean.write_bytes("text,label\n시의회는 예산안을 의결했다.,editorial\n보청기 무료 체험,ad\n".encode("cp949"))
    assert import_labels([korean]).documents[0].lines[1] == "보청기 무료 체험"


def test_table_without_columns_names_them(tmp_path):
    """A table without the two columns is refused with their names."""
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(CorpusError, match="`text` and `label`"):
        import_labels([tmp_path / "t.csv"])


def test_spreadsheets_meet_no_formula(tmp_path):
    """No cell of the text column starts with what a spreadsheet would run."""
    export_labels(DOCUMENTS, tmp_path / "a.csv", "csv")
    rows = (tmp_path / "a.csv").read_text(encoding="utf-8-sig").splitlines()
    assert any("'=SUM" in row for row in rows)
    assert not any(",=SUM" in row or ',"=SUM' in row or ",- Jo" in row for row in rows)


def task(result, **data):
    return {"id": 7, "data": data, "annotations": [{"id": 1, "was_cancelled": False, "result": result}]}


def region(kind, labels, **value):
    return {"id": "x", "from_name": "label", "to_name": "text", "type": kind, "value": {**value, kind: labels}}


def test_label_studio_spans_as_documented(tmp_path):
    """Spans over a text: offsets in code points, or in UTF-16 units as older versions wrote them, told apart by the region's text."""
    text = "😀😀 The mayor spoke.\nBuy now!"
    for extra in (0, 2):  # each emoji is one code point and two UTF-16 units
        result = [
            region("labels", ["editorial"], start=0, end=19 + extra, text="😀😀 The mayor spoke."),
            region("labels", ["ad"], start=20 + extra, end=28 + extra, text="Buy now!"),
        ]
        documents = import_labels([write(tmp_path / "t.json", [task(result, text=text)])]).documents
        assert documents[0].lines == ("😀😀 The mayor spoke.", "Buy now!")
        assert documents[0].labels == ("editorial", "ad")
        assert documents[0].id == "t-7"


def test_label_studio_paragraphs_as_documented(tmp_path):
    """Paragraphs: indices as strings or numbers, offsets in UTF-16 units, a region over several paragraphs."""
    data = [
        {"author": "1", "text": "Ein Satz 😀 hier. Abo!"},
        {"author": "2", "text": ""},
        {"author": "3", "text": "Kaufen"},
        {"author": "4", "text": "Sofort"},
    ]
    result = [
        region("paragraphlabels", ["editorial"], start="0", end="0", startOffset=0, endOffset=17),
        region("paragraphlabels", ["boilerplate"], start=0, end=0, startOffset=18, endOffset=22),
        region("paragraphlabels", ["ad"], start="2", end="3", startOffset=0, endOffset=6),
    ]
    (document,) = import_labels([write(tmp_path / "p.json", [task(result, dialogue=data)])]).documents
    assert document.labels == (((0, "editorial"), (17, "boilerplate")), None, "ad", "ad")


def test_label_studio_takes_the_annotation_that_counts(tmp_path):
    """Cancelled annotations and tasks without one are left out; the ground truth comes before a later one; JSON-MIN is read too."""
    one = [region("labels", ["ad"], start=0, end=3)]
    tasks = [
        {"id": 1, "data": {"text": "Buy"}, "annotations": [{"was_cancelled": True, "result": one}]},
        {"id": 2, "data": {"text": "Buy"}, "annotations": [], "predictions": [{"result": one}]},
        {
            "id": 3,
            "data": {"text": "Buy"},
            "annotations": [{"result": one, "ground_truth": True}, {"result": [region("labels", ["editorial"], start=0, end=3)]}],
        },
    ]
    imported = import_labels([write(tmp_path / "t.json", tasks)])
    assert imported.unlabelled == 2
    assert [document.labels for document in imported.documents] == [("ad",)]
    minimal = [
        {"id": 9, "text": "Buy", "label": [{"start": 0, "end": 3, "text": "Buy", "labels": ["ad"]}], "annotator": 1, "annotation_id": 4}
    ]
    assert import_labels([write(tmp_path / "m.json", minimal)]).documents[0].labels == ("ad",)


def test_label_studio_gets_predictions_of_a_model(tmp_path):
    """A model's labels go out as predictions, for a person to correct; the configuration names the labels, escaped."""
    by_model = LabelledDocument("m", "en", "g", "", ("Buy",), ('a"d<',), "model")
    files = export_labels([by_model], tmp_path / "m.json", "label-studio")
    (made,) = json.loads(files[0].read_text(encoding="utf-8"))
    assert "annotations" not in made
    assert made["predictions"][0]["result"][0]["value"] == {
        "text": "Buy",
        "start": "0",
        "end": "0",
        "startOffset": 0,
        "endOffset": 3,
        "paragraphlabels": ['a"d<'],
    }
    assert "value='a\"d&lt;'" in files[1].read_text(encoding="utf-8")


def test_doccano_as_documented(tmp_path):
    """Triples, entities of a project with relations, labelled lines, and metadata beside them or under `meta`."""
    rows = [
        {"id": 1, "text": "News here.\nBuy", "label": [[0, 10, "editorial"], [11, 14, "ad"]], "Comments": [], "group": "G"},
        {
            "id": 2,
            "text": "Buy",
            "entities": [{"id": 0, "start_offset": 0, "end_offset": 3, "label": "ad"}],
            "relations": [],
            "meta": {"lang": "en"},
        },
        {"id": 3, "text": "First", "label": ["editorial"], "document": "d"},
        {"id": 4, "text": "Second", "label": ["ad"], "document": "d"},
    ]
    documents = import_labels([write(tmp_path / "d.jsonl", rows, lines=True)]).documents
    assert [document.labels for document in documents] == [("editorial", "ad"), ("ad",), ("editorial", "ad")]
    assert [document.group for document in documents] == ["G", "d-2", "d"]
    assert documents[1].lang == "en"


@pytest.mark.parametrize("span", [[0, 99, "ad"], [3, 3, "ad"], [-1, 2, "ad"], ["0", 2, "ad"], [0, 2], {"start_offset": 0}])
def test_doccano_span_outside_the_text(tmp_path, span):
    """A span that does not lie within its text is an error that names the row."""
    with pytest.raises(CorpusError, match=r"d\.jsonl"):
        import_labels(
            [write(tmp_path / "d.jsonl", [{"text": "Buy", "label": [[0, 3, "ad"]]}, {"text": "Buy", "label": [span]}], lines=True)],
            "doccano",
        )


def test_no_label_in_silence(tmp_path):
    """Text without a label is an error unless a label for all such text is given; then it is counted."""
    file = write(tmp_path / "d.jsonl", [{"text": "News here. Buy", "label": [[11, 14, "ad"]]}, {"text": "More", "label": []}], lines=True)
    with pytest.raises(CorpusError, match=r"line 1: no label on .News here\.."):
        import_labels([file], "doccano")
    imported = import_labels([file], "doccano", Defaults(rest="editorial"))
    assert [document.labels for document in imported.documents] == [(((0, "editorial"), (11, "ad")),), ("editorial",)]
    assert (imported.filled, imported.unlabelled) == (2, 0)


def test_overlapping_labels_are_counted(tmp_path):
    """Where two labels lie over each other the later one counts, and the person is told."""
    file = write(tmp_path / "d.jsonl", [{"text": "News. Buy", "label": [[0, 9, "editorial"], [6, 9, "ad"]]}], lines=True)
    imported = import_labels([file], "doccano")
    assert imported.documents[0].labels == (((0, "editorial"), (6, "ad")),)
    assert imported.overlaps == 1


@pytest.mark.parametrize("content", ["", "[", "[1, 2]", '{"text": "x"}\nnot json', "[[[[", '"text"', "\x00\x01"])
def test_broken_files(tmp_path, content):
    """A file that is no JSON of the kind is an error in one sentence, never a traceback of another kind."""
    (tmp_path / "x.json").write_text(content)
    with pytest.raises((CorpusError, ReadError)):
        import_labels([tmp_path / "x.json"], "label-studio")
        raise CorpusError("an empty file holds nothing")


# --- pages with gold text ---------------------------------------------------------------------------------------------

BODY = "The harbour office closed the pier on Friday.\nEngineers found cracks in two of the eleven pillars, and a crane will come in March."


def test_align_lines():
    """Body lines are found though quotes, spaces and line breaks differ; menus and teasers are not; blank lines stay blank."""
    lines = [
        "Menu",
        "The  harbour office closed the pier on Friday. Engineers found cracks in two of the eleven pillars,",
        "and a crane will come in March.",
        "",
        "Read more: the best beaches of the year",
    ]
    assert align(lines, BODY) == ("boilerplate", "editorial", "editorial", None, "boilerplate")


def test_align_pieces_of_a_line():
    """A prompt glued to the end of a body line gets its own run."""
    line = "Engineers found cracks in two of the eleven pillars, and a crane will come in March. ▶ Subscribe to our newsletter now"
    (label,) = align([line], BODY)
    assert label == ((0, "editorial"), (line.index("▶"), "boilerplate"))


def test_align_short_lines_by_their_place():
    """A short line counts as body only where the lines around it leave room for it, not because its letters occur somewhere."""
    gold = "한빛시는 시립도서관을 내년 봄에 개관한다고 밝혔다.\n책\n장서는 팔만 권이며 열람실은 밤 열 시까지 연다고 한다."
    lines = [
        "책",
        "한빛시는 시립도서관을 내년 봄에 개관한다고 밝혔다.",
        "책",
        "장서는 팔만 권이며 열람실은 밤 열 시까지 연다고 한다.",
        "책",
    ]
    assert align(lines, gold) == ("boilerplate", "editorial", "editorial", "editorial", "boilerplate")


def html(body):
    paragraphs = "".join(f"<p>{line}</p>" for line in body)
    return f"<html lang='en'><head><title>Pier closed</title></head><body><article><h1>Pier closed</h1>{paragraphs}</article></body></html>"


def test_gold_pages(tmp_path):
    """Pages as files or in the rows, a dictionary of rows or a list; marked as labelled by `gold`; the title is the newsroom's."""
    long = [
        *BODY.split("\n"),
        "The office said that ships would use the northern quay until then.",
        "Subscribe to the Harbour Gazette for one euro a week.",
    ]
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "a1.html").write_text(html(long))
    gold = {
        "a1": {"articleBody": "\n".join(long[:-1]), "url": "https://example.org/a1", "title": "Pier closed", "publisher": "Harbour Gazette"}
    }
    (document,) = import_labels([write(tmp_path / "gold.json", gold)]).documents
    assert (document.id, document.group, document.by) == ("a1", "Harbour Gazette", "gold")
    named = dict(zip(document.lines, document.labels))
    assert named[long[0]] == "editorial"
    assert named[long[-1]] == "boilerplate"
    assert named.get("Pier closed", "editorial") == "editorial"
    rows = [{"id": "b", "body": "\n".join(long), "html": html(long)}]
    (again,) = import_labels([write(tmp_path / "gold.jsonl", rows, lines=True)], "gold").documents
    assert set(again.labels) - {None} == {"editorial"}


def test_gold_page_names_stay_in_their_folder(tmp_path):
    """An id that leads out of the folder of pages reaches no file there."""
    (tmp_path / "secret.html").write_text(html(["A secret line of text."]))
    (tmp_path / "pages").mkdir()
    file = write(tmp_path / "gold.jsonl", [{"id": "../secret", "body": "x"}], lines=True)
    with pytest.raises(ReadError, match="no page"):
        import_labels([file], "gold", pages=tmp_path / "pages")


# --- check -----------------------------------------------------------------------------------------------------------


def found(path, **options):
    return [(finding.kind, finding.line) for finding in check([path], **options).findings]


def row(**changes):
    return {
        "id": "a",
        "lang": "en",
        "group": "g",
        "kind": "",
        "lines": ["One line here.", "Buy"],
        "labels": ["editorial", "ad"],
        "by": "person",
        **changes,
    }


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"labels": ["editorial"]}, [("count", 0)]),
        ({"labels": ["editorail", "ad"]}, [("unknown", 1)]),
        ({"labels": ["editorial", None]}, [("label", 2)]),
        ({"labels": ["editorial", [[0, "ad"], [9, "ad"]]]}, [("runs", 2)]),
        ({"labels": ["editorial", [[1, "ad"]]]}, [("runs", 2)]),
        ({"labels": [3, "ad"]}, [("runs", 1)]),
        ({"lines": ["", " "], "labels": [None, None]}, [("text", 0)]),
        ({"lines": ["One line here.", ""], "labels": ["editorial", "ad"]}, [("blank", 2)]),
        ({"lines": "One"}, [("row", 0)]),
        ({"by": "model"}, [("model", 0)]),
        ({}, []),
    ],
)
def test_check_one_row(tmp_path, changes, expected):
    """Each fault of a row is found on its line, and a good row has none."""
    assert found(write(tmp_path / "a.jsonl", [row(**changes)], lines=True)) == expected


def test_check_lists_every_fault(tmp_path):
    """All faults of a file are listed, not only the first; broken JSON does not stop the others; labels of one's own may be named."""
    file = tmp_path / "a.jsonl"
    file.write_text(
        "{broken\n" + json.dumps(row(labels=["x", "y"])) + "\n" + json.dumps(row(labels=["sponsored", "ad"], id="b")) + "\n",
        encoding="utf-8",
    )
    assert [kind for kind, _ in found(file) if kind in ("json", "unknown")] == ["json", "unknown", "unknown", "unknown"]
    assert ("unknown", 1) not in found(
        write(tmp_path / "b.jsonl", [row(labels=["sponsored", "ad"])], lines=True), labels=["sponsored", "ad"]
    )
    message = next(f.message for f in check([write(tmp_path / "c.jsonl", [row(labels=["editorail", "ad"])], lines=True)]).findings)
    assert "did you mean 'editorial'" in message


def test_check_finds_the_same_line_labelled_two_ways(tmp_path):
    """The rarer label of a line that stands in several documents is named, with the place."""
    rows = [
        row(id=str(n), group=str(n), lines=[f"Story {n} about pier {n}.", "Sign up for alerts"], labels=["editorial", "boilerplate"])
        for n in range(3)
    ]
    rows.append(row(id="x", group="x", lines=["Other story.", "Sign up  for alerts!"], labels=["editorial", "editorial"]))
    checked = check([write(tmp_path / "a.jsonl", rows, lines=True)])
    (finding,) = [f for f in checked.findings if f.kind == "two ways"]
    assert finding.where.endswith("a.jsonl:4")
    assert finding.line == 2


def test_check_finds_near_duplicates_across_files(tmp_path):
    """The same story with other line breaks and a changed ending, in another file and group, is a near-duplicate; another story is not."""
    story = " ".join(f"Sentence {n} tells how the crew of boat {n * 7} came home." for n in range(12))
    other = " ".join(f"Paragraph {n} reports what the council of ward {n * 3} decided." for n in range(12))
    first = write(tmp_path / "a.jsonl", [row(id="1", lines=[story], labels=["editorial"])], lines=True)
    copies = [
        row(id="2", group="h", lines=[story[:200], story[200:] + " End."], labels=["editorial"] * 2),
        row(id="3", group="i", lines=[other], labels=["editorial"]),
    ]
    second = write(tmp_path / "b.jsonl", copies, lines=True)
    (finding,) = [f for f in check([first, second]).findings if f.kind == "near-duplicate"]
    assert finding.where.endswith("b.jsonl:1")
    assert "different groups" in finding.message


def test_check_finds_a_planted_label_error(tmp_path):
    """Cross-validation names a line whose label the other groups contradict."""
    small_corpus = pytest.importorskip("small_corpus")
    documents = small_corpus.corpus(each=4)
    at = next(i for i, d in enumerate(documents) if "ad" in d.labels)
    wrong = documents[at]
    labels = tuple("editorial" if label == "ad" else label for label in wrong.labels)
    documents[at] = LabelledDocument(wrong.id, wrong.lang, wrong.group, wrong.kind, wrong.lines, labels, "person")
    save(documents, tmp_path / "a.jsonl")
    run = subprocess.run(
        [sys.executable, "-m", "cleaner.cli", "labels", "check", str(tmp_path / "a.jsonl")], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert f"a.jsonl:{at + 1}, line {wrong.labels.index('ad') + 1}" in run.stdout
    assert "sure it should go" in run.stdout


def test_check_does_not_guess_from_a_handful(tmp_path):
    """A handful of documents says nothing about its own labels: no doubts then, but the way to have some."""
    small_corpus = pytest.importorskip("small_corpus")
    save(small_corpus.corpus(each=2), tmp_path / "a.jsonl")
    run = cleaner("check", tmp_path / "a.jsonl")
    assert run.returncode == 0, run.stderr
    assert "12 documents are too few" in run.stderr
    assert "--base default" in run.stderr
    assert "likely" not in run.stdout


def test_documents_looked_at_in_part_go_out_as_a_models(tmp_path):
    """What nobody confirmed does not come back as a person's label by way of another tool."""
    document = LabelledDocument("a", "en", "g", "", ("One.", "Two."), ("ad", "ad"), "person", {"confirmed": [1]})
    save([document], tmp_path / "a.jsonl")
    said = cleaner("export", tmp_path / "a.jsonl", "-o", tmp_path / "a.csv")
    assert "looked at in part" in said.stderr
    assert import_labels([tmp_path / "a.csv"]).documents[0].by == "model"


def test_saving_text_that_is_no_unicode(tmp_path):
    """A lone surrogate, as broken JSON brings it, is saved as its escape and read back."""
    document = LabelledDocument("a", "en", "g", "", ("half \ud83d of it",), ("ad",), "person")
    save([document], tmp_path / "a.jsonl")
    assert load([tmp_path / "a.jsonl"]) == [document]


# --- the commands ----------------------------------------------------------------------------------------------------


def cleaner(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "cleaner.cli", "labels", *map(str, arguments)], capture_output=True, text=True, check=False
    )


def test_commands(tmp_path):
    """Export, import and check from the command line, with what a person wants to know on stderr and the exit status."""
    save(DOCUMENTS, tmp_path / "gold.jsonl")
    out = cleaner("export", tmp_path / "gold.jsonl", "-o", tmp_path / "new" / "table.csv")
    assert out.returncode == 0, out.stderr
    back = cleaner("import", tmp_path / "new" / "table.csv", "-o", tmp_path / "back.jsonl", "--by", "Lee")
    assert back.returncode == 0, back.stderr
    assert "2 documents" in back.stderr
    assert [document.by for document in load([tmp_path / "back.jsonl"])] == ["Lee", "Lee"]
    good = cleaner("check", tmp_path / "back.jsonl", "--fast")
    assert good.returncode == 0, good.stdout + good.stderr
    write(tmp_path / "bad.jsonl", [row(labels=["editorail", "ad"])], lines=True)
    bad = cleaner("check", tmp_path / "bad.jsonl", "--json")
    assert bad.returncode == 1
    assert json.loads(bad.stdout.splitlines()[0])["kind"] == "unknown"
    assert cleaner("export", tmp_path / "gold.jsonl", "-o", tmp_path / "x.unknown").returncode == 2
    missing = cleaner("import", tmp_path / "no.csv", "-o", tmp_path / "x.jsonl")
    assert missing.returncode == 1
    assert "no such file" in missing.stderr


def test_nothing_shared_is_changed():
    """Two imports do not see each other's counts."""
    assert Imported().documents is not Imported().documents
