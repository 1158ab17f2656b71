"""The second look: what stage three is told of the block a segment stands in."""

from __future__ import annotations

import numpy as np
import pytest

from cleaner import blocks

LONG, SHORT = 400.0, 20.0


def look(go, counts, document=None):
    """The columns that `revisited` adds, by name."""
    document = np.zeros(len(go), dtype=np.int64) if document is None else np.asarray(document)
    table = blocks.revisited(np.asarray(go, dtype=np.float64), document, np.asarray(counts, dtype=np.float64))
    return dict(zip(blocks.revisited_names(), table.tolist()))


def test_a_block_lies_between_paragraphs_that_surely_stay():
    """Its size, its verdicts and its text are those of the segments between; a short line bounds no block, however sure it is."""
    seen = look([0.01, 0.4, 0.9, 0.01, 0.6, 0.01], [LONG, SHORT, SHORT, SHORT, SHORT, LONG])
    assert seen["block_segments"] == [0, 4, 4, 4, 4, 0]
    assert seen["block_gone"][1:5] == [2] * 4
    assert seen["block_go"][1] == pytest.approx(1e6 * (0.4 + 0.9 + 0.01 + 0.6) / 4)
    assert seen["block_text"][1] == pytest.approx(np.log1p(4 * SHORT), rel=1e-6)
    assert seen["stays_back"][1:5] == [1, 2, 3, 4]
    assert seen["stays_ahead"][1:5] == [4, 3, 2, 1]


def test_nothing_before_or_after_is_told():
    """At the ends of a document no paragraph bounds the block, and that is a column of its own."""
    seen = look([0.5, 0.01, 0.5], [SHORT, LONG, SHORT])
    assert seen["stays_never_back"] == [1, 1, 0]
    assert seen["stays_never_ahead"] == [0, 1, 1]


def test_how_far_the_next_sure_ad_is():
    """In segments and in text, to both sides; `FAR` where there is none."""
    seen = look([0.9, 0.3, 0.3, 0.95, 0.3], [SHORT, SHORT, LONG, SHORT, SHORT])
    assert seen["goes_back"] == [blocks.FAR, 1, 2, 3, 1]
    assert seen["goes_ahead"] == [3, 2, 1, blocks.FAR, blocks.FAR]
    assert seen["goes_text_ahead"][1] == pytest.approx(np.log1p(LONG), rel=1e-6)
    assert seen["goes_text_back"][1] == 0
    assert seen["goes_farther"][2] == 2


def test_documents_do_not_see_each_other():
    """A document beside others gets the columns it gets alone."""
    rng = np.random.default_rng(0)
    go, counts = rng.random(40), np.rint(rng.random(40) * 300)
    document = np.repeat([0, 1, 2], [15, 5, 20])
    together = look(go, counts, document)
    for number in range(3):
        mine = document == number
        alone = look(go[mine], counts[mine])
        for name, column in alone.items():
            np.testing.assert_array_equal(np.asarray(together[name])[mine], column, err_msg=name)
