"""The measures, against an example counted by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cleaner.corpus import LabelledDocument
from cleaner.evaluate import evaluate_model, format_table, measure
from cleaner.segment import segment

DROPPED = ("ad", "boilerplate")

# Line by line: its visible characters, its label, and whether it goes below.
DIRTY = LabelledDocument(
    "1", "ko", "a", "web", ("가나다라 마바사아", "", "광고 하나", "광고 둘", "나기자 기자"), ("editorial", None, "ad", "ad", "byline")
)
CLEAN = LabelledDocument("2", "en", "b", "wire", ("abcdefgh ij", "klmno"), ("editorial", "caption"))
GONE = [False, True, False, True, False, False]


def quality(documents, gone, weights=None):
    return measure(documents, segment([document.text for document in documents]), np.array(gone), DROPPED, weights)


def test_counted_by_hand():
    """One ad of two gone, a byline lost: 8 + 10 + 5 of 28 characters live; precision, recall and F1 a half."""
    got = quality([DIRTY, CLEAN], GONE)
    assert (got.documents, got.runs, got.chars, got.alive) == (2, 6, 28, 23)
    assert (got.true_drops, got.false_drops, got.missed_drops) == (1, 1, 1)
    assert (got.precision, got.recall, got.f1) == (0.5, 0.5, 0.5)
    assert got.kept_chars == 23 / 28
    assert (got.clean_untouched, got.dirty_perfect) == (1, 0)
    assert got.gone_by_label == {"editorial": (0, 2), "ad": (1, 2), "byline": (1, 1), "caption": (0, 1)}
    assert got.rounded() == {
        "documents": 2, "runs": 6, "kept_chars": 0.8214, "drop_precision": 0.5, "drop_recall": 0.5, "drop_F1": 0.5,
        "clean_untouched": 1, "dirty_perfect": 0, "editorial_gone": 0, "ad_gone": 0.5, "byline_gone": 1, "caption_gone": 0,
    }  # fmt: skip


def test_perfect_and_nothing_done():
    """All on the right side is 1 everywhere; nothing dropped keeps all characters and recalls nothing."""
    perfect = quality([DIRTY, CLEAN], [False, True, True, False, False, False])
    assert {perfect.kept_chars, perfect.precision, perfect.recall, perfect.f1, perfect.clean_untouched, perfect.dirty_perfect} == {1.0}
    nothing = quality([DIRTY, CLEAN], [False] * 6)
    assert (nothing.kept_chars, nothing.recall, nothing.f1) == (1, 0, 0)
    assert math.isnan(nothing.precision)
    assert "drop_precision" not in nothing.rounded()


def test_weights_count_documents():
    """A document of weight 2 counts as two of it, one of weight 0 not at all."""
    twice = quality([DIRTY, CLEAN], GONE, np.array([2.0, 1.0]))
    same = quality([DIRTY, DIRTY, CLEAN], [*GONE[:4], *GONE])
    assert twice.rounded() == same.rounded()
    assert quality([DIRTY, CLEAN], GONE, np.array([1.0, 0.0])).rounded() == quality([DIRTY], GONE[:4]).rounded()


def test_a_run_survives_when_more_than_half_of_it_does():
    """Pieces of one line: a run goes when at least half of its characters go, white space aside."""
    document = LabelledDocument("1", "ko", "a", "", ("가나다. ▶ 라마바",), ("editorial",))
    assert len(segment([document.text])) == 2
    assert quality([document], [False, True]).runs == 1
    assert quality([document], [False, True]).false_drops == 1  # four of eight
    longer = LabelledDocument("1", "ko", "a", "", ("가나다라. ▶ 마바사",), ("editorial",))
    assert quality([longer], [False, True]).false_drops == 0  # five of nine live
    assert quality([longer], [True, False]).false_drops == 1
    assert quality([longer], [True, False]).alive == 4


def test_runs_within_a_line_are_judged_apart():
    """A line with a byline and an ad is two runs, and may be half right."""
    document = LabelledDocument("1", "ko", "a", "", ("나기자 기자 a@b.kr ▶ 대출 상담",), (((0, "byline"), (14, "ad")),))
    got = quality([document], [False, True])
    assert (got.true_drops, got.false_drops, got.missed_drops, got.dirty_perfect) == (1, 0, 0, 1)


def test_a_model_is_measured_as_it_cleans(cleaner):
    """The table's verdicts are those of the Cleaner: its policy, its threshold, and a row for each value of a field."""
    table = evaluate_model(cleaner.model, [DIRTY, CLEAN], by="lang")
    assert list(table) == ["all", "lang en", "lang ko"]
    gone = [len(article.dropped) for article in cleaner.clean_many([DIRTY.text, CLEAN.text])]
    dropped = table["all"].get("ad_gone", 0) * 2 + sum(
        table["all"][f"{label}_gone"] * n for label, n in (("editorial", 2), ("byline", 1), ("caption", 1))
    )
    assert dropped == pytest.approx(sum(gone))
    assert table["lang ko"]["documents"] == 1


def test_the_table_is_lined_up():
    """A head and a row for each, all of one width; a measure without a case is blank."""
    text = format_table({"all": {"documents": 2, "drop_F1": 0.5}, "lang ko": {"documents": 1, "kept_chars": 1.0}})
    head, *rows = text.splitlines()
    assert head.split() == ["documents", "drop_F1", "kept_chars"]
    assert rows[0].split() == ["all", "2", "0.5000"]
    assert rows[1].split() == ["lang", "ko", "1", "1.0000"]
    assert len({len(line) for line in (head, *rows)}) == 1
