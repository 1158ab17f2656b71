"""Probabilities and a policy become verdicts: by hand, on a few segments."""

from __future__ import annotations

import numpy as np
import pytest

from cleaner import Cleaner, UsageError
from cleaner.decide import DROPPING_TARGET, KEEPING_TARGET, decide, policy_for
from cleaner.model import Model, Policy, load_model
from cleaner.segment import segment

LABELS = ("editorial", "byline", "ad", "boilerplate")
POLICY = Policy(("editorial", "byline"), 0.5)


def verdicts(text, rows, policy=POLICY, floors=None):
    return decide(segment([text] if isinstance(text, str) else text), np.array(rows, dtype=np.float64), LABELS, policy, floors)


def test_the_score_is_the_sum_over_the_labels_that_go():
    """Two labels that go add up; below the threshold a segment stays, at the threshold it goes."""
    got = verdicts("a\nb\nc", [[0.4, 0.1001, 0.2, 0.2999], [0.3, 0.2, 0.3, 0.2], [0.1, 0.1, 0.3, 0.5]])
    assert got.score.tolist() == [0.4999, 0.5, 0.8]
    assert got.kept.tolist() == [True, False, False]


def test_scores_are_rounded_before_they_meet_the_threshold():
    """What is printed is what decided: 0.49996 is 0.5 and goes, 0.49994 is 0.4999 and stays."""
    got = verdicts("a\nb", [[0.50004, 0, 0.49996, 0], [0.50006, 0, 0.49994, 0]])
    assert got.score.tolist() == [0.5, 0.4999]
    assert got.kept.tolist() == [False, True]


def test_the_label_is_the_most_probable_one_on_the_side_it_fell():
    """A byline that stays may be called an ad by no one, though `ad` has most of all."""
    got = verdicts("a\nb", [[0.2, 0.35, 0.45, 0.0], [0.45, 0.0, 0.25, 0.3]])
    assert [LABELS[number] for number in got.label.tolist()] == ["byline", "boilerplate"]


def test_a_policy_of_ones_own_moves_the_sides():
    """Keep the ads, and they count to the side that stays; keep nothing, or everything, and all goes, or stays."""
    rows = [[0.2, 0.0, 0.7, 0.1]]
    assert verdicts("a", rows).kept.tolist() == [False]
    keeping = verdicts("a", rows, Policy(("editorial", "byline", "ad"), 0.5))
    assert (keeping.kept.tolist(), keeping.score.tolist(), LABELS[keeping.label[0]]) == ([True], [0.1], "ad")
    nothing = verdicts("a", rows, Policy((), 0.5))
    assert (nothing.kept.tolist(), nothing.score.tolist(), LABELS[nothing.label[0]]) == ([False], [1.0], "ad")
    everything = verdicts("a", rows, Policy(LABELS, 0.5))
    assert (everything.kept.tolist(), everything.score.tolist()) == ([True], [0.0])


def test_pieces_of_a_line_with_one_verdict_are_joined():
    """Neighbours in a line with the same label are one segment again, their score the mean by length; others stay apart."""
    text = "첫 문장. 둘째 문장이다. ▶ 구독\n다음 줄. ▶ 구독"
    assert len(segment([text])) == 5
    stay, go = [0.9, 0.0, 0.1, 0.0], [0.1, 0.0, 0.0, 0.9]
    got = verdicts(text, [stay, [0.7, 0.0, 0.3, 0.0], go, stay, go])
    assert [text[a:b] for a, b in zip(got.start.tolist(), got.end.tolist())] == ["첫 문장. 둘째 문장이다.", "▶ 구독", "다음 줄.", "▶ 구독"]
    assert got.score.tolist() == [round((0.1 * 5 + 0.3 * 8) / 13, 4), 0.9, 0.1, 0.9]
    assert got.line.tolist() == [0, 0, 1, 1]


def test_pieces_are_not_joined_over_lines_or_documents():
    """The same verdict on the next line, or in the next document, is another segment."""
    got = verdicts(["a\nb", "c"], [[1, 0, 0, 0]] * 3)
    assert got.document.tolist() == [0, 0, 1]


def test_a_floor_raises_the_threshold_of_its_document():
    """In a document with a floor, only what reaches the floor goes; a floor below the threshold changes nothing."""
    got = verdicts(["a\nb", "c"], [[0.2, 0, 0.8, 0], [0.005, 0, 0.995, 0], [0.2, 0, 0.8, 0]], floors=np.array([0.99, 0.1]).take)
    assert got.kept.tolist() == [True, False, False]


def test_nothing_gives_nothing():
    """No segments, no verdicts."""
    assert len(verdicts("\n", np.zeros((0, 4))).kept) == 0


CURVE = [
    {"threshold": t, "kept_chars": k}
    for t, k in ((0.1, DROPPING_TARGET - 0.02), (0.2, DROPPING_TARGET), (0.5, 0.997), (0.8, KEEPING_TARGET), (0.95, 1.0))
]


def model(curve, threshold=0.5):
    base = load_model()
    return Model({**base.card, "curve": curve, "policy": {**base.card["policy"], "threshold": threshold}}, base.arrays)


def test_favor_moves_along_the_measured_curve():
    """Keeping: up to the threshold that loses almost nothing; dropping: down to the one that drops more. Never the other way."""
    assert policy_for(model(CURVE)).threshold == 0.5
    assert policy_for(model(CURVE), favor="keeping").threshold == 0.8
    assert policy_for(model(CURVE), favor="dropping").threshold == 0.2
    assert policy_for(model(CURVE, 0.9), favor="keeping").threshold == 0.9
    assert policy_for(model(CURVE, 0.15), favor="dropping").threshold == 0.15


def test_favor_moves_the_packaged_models_threshold_either_way():
    packaged = load_model()
    dropping, keeping = (policy_for(packaged, favor=favor).threshold for favor in ("dropping", "keeping"))
    assert dropping < packaged.policy.threshold - 0.1
    assert keeping > packaged.policy.threshold + 0.1


def test_favor_without_a_curve_that_reaches_its_target():
    """Keeping then asks for near certainty; dropping stays where it was."""
    low = [{"threshold": 0.5, "kept_chars": 0.5}]
    for curve in (low, []):
        assert policy_for(model(curve), favor="keeping").threshold == 0.99
        assert policy_for(model(curve), favor="dropping").threshold == 0.5


def test_favor_does_what_it_says(texts):
    """With the packaged model: favoring keeping drops no more than usual, favoring dropping no less."""
    dropped = {
        favor: sum(len(segment.text) for article in Cleaner(favor=favor).clean_many(texts) for segment in article.dropped)
        for favor in ("keeping", None, "dropping")
    }
    assert dropped["keeping"] <= dropped[None] <= dropped["dropping"]
    assert dropped[None] > 0


def test_keep_changes_which_labels_stay():
    """`keep` is the list of labels that stay, whatever the model's own; an unknown one is named with those there are."""
    assert policy_for(load_model(), keep=["editorial"]).keep == ("editorial",)
    assert policy_for(load_model(), keep=[]).keep == ()
    with pytest.raises(UsageError, match="no label 'adverts'; it has editorial, caption, byline, ad, boilerplate"):
        policy_for(load_model(), keep=["editorial", "adverts"])
    with pytest.raises(UsageError, match="`keeping` or `dropping`"):
        policy_for(load_model(), favor="neither")
