"""A small labelled corpus for the tests of training: clear-cut documents, put together from sentences written for it."""

from __future__ import annotations

import random
from collections.abc import Sequence

from cleaner.corpus import LabelledDocument

PAPERS = ("Harbour Post", "Valley Record", "Moor Gazette", "Quay Bulletin", "Hill Courier", "Fen Observer")

WHO = ("The council", "A farmers' union", "The school board", "The harbour office", "A court in the county town", "The rescue service")
DID = (
    "voted on Tuesday to rebuild", "will inspect", "has closed until spring", "asked residents about", "found new cracks in",
    "agreed to pay for",
)  # fmt: skip
WHAT = ("the old stone bridge near the mill", "the playground behind the library", "the coast road", "the reading room", "the weather mast")
WHY = (
    "after a winter of heavy rain", "because the budget allows it at last", "although two members spoke against it",
    "as the engineers had advised in March", "while a wider plan is being drawn up",
)  # fmt: skip
ADS = (
    "Hearing aids half price this week only! Call 0800 111 222", "FREE eye test – book now at Brightside Opticians",
    "Sofas from 199! Sale ends Sunday at Comfort Barn", "Loans in ten minutes, no questions: dial 0800 333 444",
    "New teeth in a day! Smile Clinic, free consultation 0800 555 666", "Double glazing: 50% off, call now for a free quote",
)  # fmt: skip
FURNITURE = (
    "Copyright – all rights reserved, no reproduction without permission", "Subscribe to our newsletter", "Share on social media",
    "Most read: five stories you missed", "Sign in to leave a comment", "Follow our channel for more news",
)  # fmt: skip


def sentence(rng: random.Random) -> str:
    """A sentence of news."""
    return f"{rng.choice(WHO)} {rng.choice(DID)} {rng.choice(WHAT)} {rng.choice(WHY)}, a spokesman said on day {rng.randint(1, 999)}."


def document(number: int, group: str, tail: Sequence[tuple[str, str]] = (), seed: int = 0) -> LabelledDocument:
    """A document of a paper: a few sentences, then `tail`, pairs of (line, label)."""
    rng = random.Random(f"{seed}/{number}/{group}")
    lines = [(sentence(rng), "editorial") for _ in range(rng.randint(3, 6))]
    lines += [(f"By Robin Marlow, {group}", "byline"), *tail]
    return LabelledDocument(
        f"{group}-{seed}-{number}", "en", group, "regional", tuple(line for line, _ in lines), tuple(label for _, label in lines), "person"
    )


def corpus(papers: Sequence[str] = PAPERS, each: int = 5, seed: int = 0, more: Sequence[tuple[str, str]] = ()) -> list[LabelledDocument]:
    """`each` documents of each paper, two thirds of them with an ad or furniture; `more` are further tails to draw from."""
    documents = []
    for group in papers:
        for number in range(each):
            rng = random.Random(f"tail/{seed}/{group}/{number}")
            tails = [(rng.choice(ADS), "ad"), (rng.choice(FURNITURE), "boilerplate"), *more]
            documents.append(document(number, group, rng.sample(tails, min(len(tails), number % 3)) if number % 3 else [], seed))
    return documents
