"""Verdicts become text: what a cleaned document looks like, and the audit row that gives the rest back."""

from __future__ import annotations

import json

import pytest

from cleaner import CleanArticle, Document, Segment
from cleaner.corpus import from_row
from cleaner.segment import segment
from cleaner.write import audit_row, clean_text


def spans_of(text, dropped):
    """The segments of a text as spans; those that begin with one of `dropped` go."""
    cut = segment([text])
    return [
        (line, start, end, not text[start:end].startswith(tuple(dropped)))
        for line, start, end in zip(cut.line.tolist(), cut.start.tolist(), cut.end.tolist())
    ]


def cleaned(text, *dropped):
    return clean_text(text, spans_of(text, dropped or ("\0",)))


@pytest.mark.parametrize("text", ["", "\n\n", "  줄  ", "첫째\r\n\r\n\r\n둘째\t\n", "\ufeff머리\x0b다음\u2028끝"])
def test_nothing_dropped_nothing_changed(text):
    """Down to the last line end and blank."""
    assert cleaned(text) == text


def test_everything_dropped_leaves_nothing():
    """Not even the line ends."""
    assert cleaned("X\n\nX\n", "X") == ""


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a\nX\nb", "a\nb"),
        ("a\n\nX\n\nb", "a\n\nb"),
        ("a\n\n\nX\nb", "a\n\n\nb"),
        ("a\nX\nX\n\nX\nb\n", "a\n\nb\n"),
        ("X\n\na\nb\n", "a\nb\n"),
        ("a\n\nX", "a"),
        ("a\n\nX\n", "a\n"),
        ("a\r\nb\r\nX\r\n\r\nc\r\n", "a\r\nb\r\n\r\nc\r\n"),
        ("a\r\nX", "a"),
        ("a\rX\r\nb", "a\r\nb"),
    ],
)
def test_the_gap_of_a_dropped_line_closes(text, wanted):
    """A line that goes takes its line end along; of the blank lines around it the wider gap stays. CR LF stays CR LF."""
    assert cleaned(text, "X") == wanted


def test_a_piece_inside_a_line_goes():
    """What stays of a line stays on one line, with white space between its parts and none invented at its ends."""
    text = "끝났다. ▶ 구독 ☞ 제보\n다음이다."
    assert cleaned(text, "▶") == "끝났다. ☞ 제보\n다음이다."
    assert cleaned(text, "☞", "▶") == "끝났다.\n다음이다."
    assert cleaned(text, "끝") == "▶ 구독 ☞ 제보\n다음이다."
    assert cleaned("끝났다▶구독☞제보", "▶") == "끝났다 ☞제보"


def test_kept_lines_are_unchanged_inside():
    """Double spaces and tabs within a kept segment are the source's own."""
    assert cleaned("가  나\t다\nX\n라   마", "X") == "가  나\t다\n라   마"


def article(text, *dropped):
    segments = tuple(
        Segment(start, end, text[start:end], "editorial" if kept else "ad", 0.1 if kept else 0.9, kept)
        for _, start, end, kept in spans_of(text, dropped)
    )
    return CleanArticle(cleaned(text, *dropped), segments, Document(text, id="one", language="ko"))


AUDITED = "제목이다\n\n끝났다. ▶ 구독 ☞ 제보\nX 광고\r\n\u2028다음이다.\x0b끝"


def test_the_audit_row_gives_the_source_back():
    """Its lines are the source's lines, so that clean text and audit together lose nothing but line ends."""
    row = audit_row(article(AUDITED, "X", "▶"))
    assert row["lines"] == AUDITED.splitlines()
    assert len(row["lines"]) == len(row["labels"]) == len(row["scores"]) == len(row["kept"])


def test_the_audit_row_is_a_row_of_the_corpus():
    """It reads as labelled documents do: one label for a whole line, runs where there are several, null for a blank one."""
    row = json.loads(json.dumps(audit_row(article(AUDITED, "X", "▶"), {"source": "a.txt"})))
    assert row["labels"] == [
        "editorial", None, [[0, "editorial"], [5, "ad"], [10, "editorial"]], "ad", None, "editorial", "editorial",
    ]  # fmt: skip
    assert row["scores"] == [[0.1], None, [0.1, 0.9, 0.1], [0.9], None, [0.1], [0.1]]
    assert row["kept"] == [[True], None, [True, False, True], [False], None, [True], [True]]
    assert (row["id"], row["lang"], row["by"], row["source"]) == ("one", "ko", "model", "a.txt")
    document = from_row(row, "audit")
    assert document.text.split() == AUDITED.split()
    assert document.by == "model"


def test_the_audit_row_of_real_articles(cleaner, texts):
    """For every kind of text: the row is valid, its runs carry the verdicts of the article, and its text is the source."""
    for found in cleaner.clean_many(texts):
        row = audit_row(found)
        document = from_row(row, "audit")
        assert "".join(document.text.split()) == "".join(found.document.text.split())
        assert [label for *_, label in document.runs()] == [segment.label for segment in found.segments]
        assert [score for scores in row["scores"] for score in scores or []] == [segment.score for segment in found.segments]
