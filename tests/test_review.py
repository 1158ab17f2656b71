"""What goes into the review page: inputs gathered, verdicts laid beside runs, the choice of what is worth a look."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys

import pytest

from cleaner import Cleaner
from cleaner.corpus import LabelledDocument, from_row
from cleaner.errors import CleanerError
from cleaner.gather import gather, unlabelled
from cleaner.judged import Judged, Run, judge
from cleaner.model import Policy
from cleaner.review import page, select
from cleaner.uncertain import Candidate, Look, choose, reasons_to_look, uncertainty
from cleaner.write import audit_row

STORY = (
    "한빛시는 12일 강변동에 짓고 있는 시립도서관을 내년 4월 개관한다고 밝혔다.\n\n"
    "시는 장서 8만 권을 갖추고 밤 10시까지 열람실을 운영할 계획이다."
)
AD = "잘들려보청기 한빛점\n무이자 12개월 할부, 무료 청력검사 상담전화 062) 555-0100"
LABELS = ("editorial", "caption", "byline", "ad", "boilerplate")
POLICY = Policy(LABELS[:3], 0.8)


def documents(found):
    return [document for document in found if isinstance(document, LabelledDocument)]


def errors(found):
    return [str(error) for error in found if isinstance(error, CleanerError)]


def one(ident, runs, group="g", person=False):
    """A judged document of one line a run: (text, label, verdict, score, probability that it goes by its own words)."""
    lines = tuple(text for text, *_ in runs)
    document = LabelledDocument(ident, "en", group, "", lines, tuple(label for _, label, *_ in runs))
    made = [
        Run(i, 0, len(text), label, verdict, score, score < POLICY.threshold, (1 - alone, 0, 0, alone, 0))
        for i, (text, label, verdict, score, alone) in enumerate(runs)
    ]
    return Judged(document, tuple(made), person)


# --- gather ----------------------------------------------------------------------------------------------------------


def test_gather_folders_records_and_labelled_files(tmp_path):
    """Text, a packed text, records and labelled rows of a folder come out as documents; its groups are folders, fields or hosts."""
    (tmp_path / "paper").mkdir()
    (tmp_path / "paper" / "a.txt").write_text("One.\r\nTwo.")
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress("압축한 글.".encode()))
    rows = [
        {"id": "r1", "text": "Three.", "publisher": "Gazette", "keep": 7}, {"text": "Four.", "url": "https://www.example.org/x"},
        {"id": 3, "lines": ["Five."], "labels": ["ad"], "by": "Kim"},
    ]  # fmt: skip
    (tmp_path / "r.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "image.png").write_bytes(b"\x89PNG")
    (tmp_path / "review.html").write_text("<p>the page of an earlier run</p>")
    found = {document.id: document for document in documents(gather([tmp_path], out=tmp_path / "review.html"))}
    assert set(found) == {"paper/a.txt", "b.txt.gz", "r1", "r.jsonl:2", "3"}
    assert found["paper/a.txt"].lines == ("One.", "Two.")
    assert [found[i].group for i in ("paper/a.txt", "b.txt.gz", "r1", "r.jsonl:2", "3")] == [
        "paper",
        "b.txt.gz",
        "Gazette",
        "example.org",
        "3",
    ]
    assert found["r1"].extra == {"publisher": "Gazette", "keep": 7}
    assert found["3"].labels == ("ad",)


def test_gather_goes_on_after_an_error(tmp_path):
    """A missing file, broken JSON and a row without text are named with their place; the good row is there."""
    file = tmp_path / "r.jsonl"
    file.write_text('{"text": "Fine."}\n{broken\n{"title": "no text"}\n')
    found = list(gather([tmp_path / "missing.txt", file, tmp_path / "missing"]))
    assert [document.text for document in documents(found)] == ["Fine."]
    assert len(errors(found)) == 4
    assert any("missing.txt" in error for error in errors(found))
    assert any("r.jsonl:2" in error for error in errors(found))
    assert any("--field" in error for error in errors(found))


def test_gather_reads_the_audit_of_a_cleaned_folder(tmp_path):
    """A folder that `cleaner clean` wrote gives the documents of its audit, with the verdicts they were cleaned by."""
    article = Cleaner().clean(f"{STORY}\n\n{AD}")
    (tmp_path / ".cleaner").mkdir()
    row = {"path": "paper/a.txt", **audit_row(article, {"id": "paper/a.txt"})}
    (tmp_path / ".cleaner" / "audit.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    (tmp_path / "a.txt").write_text("clean text, not to be read")
    (document,) = documents(gather([tmp_path]))
    assert (document.id, document.group, document.by) == ("paper/a.txt", "paper", "model")
    (judged,) = judge(Cleaner(), [document])
    assert not judged.by_person
    assert [(run.verdict, run.score, run.kept) for run in judged.runs] == [(s.label, s.score, s.kept) for s in article.segments]


# --- judge -----------------------------------------------------------------------------------------------------------


def test_runs_of_an_unlabelled_document_are_the_models_segments():
    """Runs fill their lines, carry the model's verdicts, and spell the text again."""
    text = f"  {STORY} ▶ 한빛일보 구독하기  \n{AD}"
    document = unlabelled(text, "a", group="g")
    (judged,) = judge(Cleaner(), [document])
    article = Cleaner().clean(document.text)
    assert [(run.verdict, run.score, run.kept) for run in judged.runs] == [(s.label, s.score, s.kept) for s in article.segments]
    spelt = ["".join(judged.text(run) for run in judged.runs if run.line == n) for n in range(len(document.lines))]
    assert spelt == [line if line.strip() else "" for line in document.lines]


def test_runs_of_a_labelled_document_are_its_labels():
    """The runs follow the labels; beside each stands the verdict that most of its characters got."""
    lines = [*STORY.split("\n"), *AD.split("\n")]
    row = {"id": "x", "group": "g", "lines": lines, "labels": ["ad", None, [[0, "editorial"], [5, "caption"]], "ad", "ad"], "by": "Kim"}
    (judged,) = judge(Cleaner(), [from_row(row, "here")])
    assert judged.by_person
    assert [run.label for run in judged.runs] == ["ad", "editorial", "caption", "ad", "ad"]
    assert [(run.line, run.start) for run in judged.runs] == [(0, 0), (2, 0), (2, 5), (3, 0), (4, 0)]
    assert judged.runs[0].kept
    assert not judged.runs[-1].kept


def test_judging_a_batch_is_judging_each():
    """Documents together get what each gets alone, empty ones too."""
    some = [unlabelled(text, str(n), group="g") for n, text in enumerate([STORY, "", AD, "\n\n", f"{AD}\n{STORY}"] * 20)]
    cleaner = Cleaner()
    together = list(judge(cleaner, some))
    assert len(together) == 100
    assert [judged.runs for judged in together[:5]] == [next(judge(cleaner, [document])).runs for document in some[:5]]


# --- what is worth a look ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.95, 1.0])
def test_uncertainty_is_highest_at_the_threshold(threshold):
    """Uncertainty rises up to the threshold and falls behind it, within 0 and 1."""
    values = [uncertainty(step / 100, threshold) for step in range(101)]
    assert all(0 <= value <= 1 for value in values)
    assert values[round(threshold * 100)] == 1 == max(values)
    assert values[0] == 0


def test_reasons_to_look():
    """Each reason of its own: a close call, a dropped sentence, a kept ad, a label the model denies; and none where all agree."""
    look = lambda text, **known: reasons_to_look(text, threshold=0.8, **known)[0]  # noqa: E731
    assert look("Fine.", score=0.01, kept=True, alone=0.02) == Look(0)
    assert look("Perhaps", score=0.7, kept=True, alone=0.3) == Look.CLOSE
    assert (
        look("The council met on Monday to vote on the new bridge over the river.", score=0.99, kept=False, alone=0.99)
        == Look.DROPPED_EDITORIAL
    )
    assert look("Half price today", score=0.05, kept=True, alone=0.9) == Look.KEPT_AD
    assert look("Buy", score=0.99, kept=False, alone=0.99, given_kept=True) == Look.DISAGREES
    assert look("Fine.", score=0.01, kept=True, alone=0.02, given_kept=True, same_label=False) == Look.DISAGREES


def test_disagreement_comes_first_and_repeats_last():
    """A label that the model denies comes before a close call; of many copies of one line the first counts most."""
    plain = one("plain", [("A fine line.", "editorial", "editorial", 0.01, 0.01)], person=True)
    close = one("close", [("Hm.", "editorial", "editorial", 0.75, 0.4)], person=True)
    wrong = one("wrong", [("Cheap loans", "editorial", "ad", 0.99, 0.9)], person=True)
    copies = [one(f"copy{n}", [("Follow us today", "boilerplate", "editorial", 0.7, 0.5)]) for n in range(5)]
    selection = select([plain, close, *copies, wrong], POLICY, LABELS)
    order = [looked.judged.document.id for looked in selection.documents]
    assert order[0] == "wrong"
    assert order[-1] == "plain"
    assert order.index("copy4") > order.index("copy0")
    assert order.index("close") < order.index("copy1")


def test_limit_keeps_the_most_telling():
    """A page of two documents holds the two most telling of the stream, and knows how many were seen."""
    many = (
        one(str(n), [(f"Line {chr(97 + n % 26) * 3} {chr(97 + n // 26)} here", "editorial", "editorial", (n % 50) / 100, 0.1)])
        for n in range(100)
    )
    selection = select(many, POLICY, LABELS, limit=2)
    assert selection.seen == 100
    assert {looked.judged.runs[0].score for looked in selection.documents} == {0.49}


def test_choice_is_spread():
    """Of many uncertain lines, those chosen are no copies of one template and come from many groups and documents."""
    flood = [Candidate(f"Tel. 062-{n:03}-{n:04} hearing aids", 0.9, f"flood{n}", "template") for n in range(200)]
    big = [
        Candidate(f"{word} {n} {word[::-1]} sale of the week", 0.8, f"big{n}", "big")
        for n, word in enumerate(["Sofa", "Lamp", "Bike", "Tent"] * 30)
    ]
    small = [
        Candidate(text, 0.5, f"small{n}", f"paper{n}") for n, text in enumerate(["Photo: K. Lind", "Read on page 7", "Sponsored by Acme"])
    ]
    chosen = [(flood + big + small)[i] for i in choose(flood + big + small, 8)]
    assert sum(candidate.group == "template" for candidate in chosen) == 1
    assert len({candidate.group for candidate in chosen}) == 5
    assert len(chosen) == 8


def test_choice_takes_the_unsure_before_the_sure():
    """Among unlike lines of one group the least sure ones are chosen; asking for more than there are gives all."""
    lines = [
        Candidate(text, worth, text, "g")
        for text, worth in [("alpha beam", 0.1), ("quiet river", 0.9), ("zinc mop", 0.8), ("oval den", 0.05)]
    ]
    assert sorted(choose(lines, 2)) == [1, 2]
    assert sorted(choose(lines, 9)) == [0, 1, 2, 3]
    assert choose([], 3) == []


def test_uncertain_marks_what_was_chosen():
    """With a number of lines wanted, exactly these are marked, documents labelled by a person are left out."""
    stream = [
        one(
            f"d{n}",
            [(f"Word{n} calm {n}", "editorial", "editorial", 0.01, 0.01), (f"Odd {chr(97 + n) * 5} thing", "ad", "ad", 0.5 + n / 50, 0.5)],
            f"g{n}",
        )
        for n in range(10)
    ]
    labelled = one("mine", [("Never mind", "ad", "ad", 0.79, 0.5)], person=True)
    selection = select([*stream, labelled], POLICY, LABELS, uncertain=4)
    assert selection.flagged == 4
    assert all(why in (Look(0), why | Look.CHOSEN) for looked in selection.documents for why, _ in looked.looks)
    assert "mine" not in {looked.judged.document.id for looked in selection.documents}


def test_uncertain_gives_what_there_is():
    """Where the model is sure of everything, its least sure segments are given nonetheless; asking for more gives all."""
    sure = [one(f"d{n}", [(f"Calm {chr(97 + n) * 4} water", "editorial", "editorial", 0.001 * n, 0.0)]) for n in range(5)]
    assert {looked.judged.document.id for looked in select(sure, POLICY, LABELS, uncertain=2).documents} == {"d3", "d4"}
    assert select(sure, POLICY, LABELS, uncertain=50).flagged == 5


# --- the file --------------------------------------------------------------------------------------------------------


def test_page_is_one_file_without_markup_of_the_data():
    """Nothing is fetched, the data stand once, escaped, and neither text nor title nor evidence can end an element."""
    hostile = "</script><script>alert(1)</script><!-- \u2028 \ud800 {{script}}"
    selection = select([one(hostile, [(hostile, "editorial", "editorial", 0.5, 0.5)], hostile)], POLICY, LABELS)
    made = page(selection, POLICY, LABELS, title=hostile, reasons=lambda _, runs: [[hostile] for _ in runs])
    made.encode("utf-8")
    assert "alert(1)</script>" not in made
    assert made.count("<script") == 2
    assert len(re.findall(r"(?:src|href)\s*=\s*[\"']?(?:https?:)?//", made)) == 0
    assert "default-src 'none'" in made
    data = re.search(r'id="data">\n(.*?)\n</script>', made, re.DOTALL)[1].split("\n")
    assert json.loads(data[1])["lines"] == [hostile]
    assert json.loads(data[1])["why"] == [[hostile]]


def test_page_is_the_same_for_the_same_documents():
    """The page and its digest depend on the documents alone, so that corrections find their page again."""
    make = lambda text: page(select([one("a", [(text, "editorial", "editorial", 0.5, 0.5)])], POLICY, LABELS), POLICY, LABELS)  # noqa: E731
    digest = lambda made: re.search(r'"digest":"(\w+)"', made)[1]  # noqa: E731
    assert make("One") == make("One")
    assert digest(make("One")) != digest(make("Two"))


def run(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "cleaner.cli", "review", *map(str, arguments)], capture_output=True, check=False, **options
    )


def test_command(tmp_path):
    """A folder becomes a page; unreadable inputs are named and give status 1; wrong use gives 2; nothing to show gives 1."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text(f"{STORY}\n\n{AD}", encoding="utf-8")
    good = run(tmp_path / "in", "-o", tmp_path / "new" / "page.html", "--labels", "sponsored")
    assert good.returncode == 0, good.stderr
    made = (tmp_path / "new" / "page.html").read_text(encoding="utf-8")
    assert "잘들려보청기" in made
    assert "sponsored" in made
    assert '"why":[[' in made
    bad = run(tmp_path / "in", tmp_path / "gone.txt", "-o", "-")
    assert bad.returncode == 1
    assert b"gone.txt" in bad.stderr
    assert bad.stdout.startswith(b"<!doctype html>")
    assert run(tmp_path / "in", "--uncertain", "0", "-o", tmp_path / "x.html").returncode == 2
    (tmp_path / "empty").mkdir()
    assert run(tmp_path / "empty", "-o", tmp_path / "x.html").returncode == 1
    assert not (tmp_path / "x.html").exists()
