"""Golden cases: whole documents of our own writing, and what must go. A bug arrives here first.

``drop`` lists the numbers of the lines that must go; ``gone``, in its place, the pieces that must go from inside lines.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"
FILES = ("in_the_wild_style", "synthetic", "negative", "known_failures")


def cases(name):
    """The cases of one file, each named for its id."""
    return [pytest.param(case, id=case["id"]) for case in json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))]


def check(cleaner, case):
    """What the packaged model drops is what must go, and nothing else."""
    gone = [segment.text for segment in cleaner.clean("\n".join(case["lines"])).dropped]
    assert gone == (case["gone"] if "gone" in case else [case["lines"][number].strip() for number in case["drop"]])


@pytest.mark.parametrize("case", cases("in_the_wild_style"))
def test_in_the_wild_style(cleaner, case):
    """Pages such as a paper or a portal has them."""
    check(cleaner, case)


@pytest.mark.parametrize("case", cases("synthetic"))
def test_synthetic(cleaner, case):
    """One thing at a time."""
    check(cleaner, case)


@pytest.mark.parametrize("case", cases("negative"))
def test_negative(cleaner, case):
    """Editorial that looks like advertising stays to the last line."""
    assert case["drop"] == []
    check(cleaner, case)


@pytest.mark.parametrize("case", cases("known_failures"))
@pytest.mark.xfail(strict=True, reason="known failures; one that passes must move to another file")
def test_known_failures(cleaner, case):
    """What the model is known to get wrong."""
    check(cleaner, case)


def test_the_files_are_in_order():
    """Every case has an id of its own, a note, and names only lines that it has."""
    found = [case.values[0] for name in FILES for case in cases(name)]
    assert len({case["id"] for case in found}) == len(found)
    for case in found:
        assert case["note"]
        assert {"drop", "gone"} & set(case)
        assert all(0 <= number < len(case["lines"]) and case["lines"][number].strip() for number in case.get("drop", []))
        assert all(piece in "\n".join(case["lines"]) for piece in case.get("gone", []))
