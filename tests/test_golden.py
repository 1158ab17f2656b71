"""Golden cases: whole documents of our own writing, and the lines that must go. A bug arrives here first."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cleaner import Cleaner

GOLDEN = Path(__file__).parent / "golden"


def cases(name):
    """The cases of one file, each named for its id."""
    return [pytest.param(case, id=case["id"]) for case in json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))]


def dropped_lines(case):
    """Which lines of a case the packaged model drops."""
    gone = {segment.text for segment in Cleaner().clean("\n".join(case["lines"])).dropped}
    return [number for number, line in enumerate(case["lines"]) if line in gone]


@pytest.mark.parametrize("case", cases("in_the_wild_style"))
def test_in_the_wild_style(case):
    """Pages such as a paper or a portal has them."""
    assert dropped_lines(case) == case["drop"]


@pytest.mark.parametrize("case", cases("synthetic"))
def test_synthetic(case):
    """One thing at a time."""
    assert dropped_lines(case) == case["drop"]


@pytest.mark.parametrize("case", cases("negative"))
def test_negative(case):
    """Editorial that looks like advertising stays to the last line."""
    assert case["drop"] == []
    assert dropped_lines(case) == []


@pytest.mark.parametrize("case", cases("known_failures"))
@pytest.mark.xfail(strict=True, reason="known failures; one that passes must move to another file")
def test_known_failures(case):
    """What the model is known to get wrong."""
    assert dropped_lines(case) == case["drop"]
