"""What each framework's step costs on top of ``Cleaner.clean_many`` on the same documents.

    python benchmarks/integrations.py [--documents 1000] [--rounds 5]

CPU time of this process. In each call of a step the time inside ``clean_many`` is taken too: what the step costs is the rest, so
that other work on the machine, which slows both, counts little. The framework's documents stand ready, and what comes out is a list.
Of some rounds, the median.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from typing import Any

from latency import articles

from cleaner import Cleaner

os.environ.setdefault("HAYSTACK_TELEMETRY_ENABLED", "False")

Step = tuple[Callable[[], Any], Callable[[Any], Any]]  # makes the documents; cleans them


def clean_many(texts: list[str]) -> Step:
    cleaner = Cleaner()
    return lambda: texts, lambda documents: list(cleaner.clean_many(documents))


def langchain(texts: list[str]) -> Step:
    from langchain_core.documents import Document

    from cleaner.integrations.langchain import ArticleCleaner

    return lambda: [Document(page_content=text) for text in texts], ArticleCleaner().transform_documents


def llamaindex(texts: list[str]) -> Step:
    from llama_index.core import Document

    from cleaner.integrations.llamaindex import ArticleCleaner

    return lambda: [Document(text=text) for text in texts], ArticleCleaner()


def haystack(texts: list[str]) -> Step:
    from haystack import Document

    from cleaner.integrations.haystack import ArticleCleaner

    return lambda: [Document(content=text) for text in texts], ArticleCleaner(keep_id=True).run


def datatrove(texts: list[str]) -> Step:
    from datatrove.data import Document

    from cleaner.integrations.datatrove import ArticleCleaner

    step = ArticleCleaner()
    return lambda: [Document(text=text, id=str(i)) for i, text in enumerate(texts)], lambda documents: list(step.run(iter(documents)))


def sklearn(texts: list[str]) -> Step:
    from cleaner.integrations.sklearn import ArticleCleaner

    return lambda: texts, ArticleCleaner().transform


STEPS = {
    "clean_many": (clean_many, "numpy"), "langchain": (langchain, "langchain_core"), "llamaindex": (llamaindex, "llama_index"),
    "haystack": (haystack, "haystack"), "datatrove": (datatrove, "datatrove"), "sklearn": (sklearn, "sklearn"),
}  # fmt: skip


class Clock:
    """Takes the time that is spent inside `Cleaner.clean_many`."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._real = Cleaner.clean_many
        clock = self

        def timed(cleaner: Cleaner, documents: Iterable[Any]) -> Iterator[Any]:
            return clock.timed(cleaner, documents)

        Cleaner.clean_many = timed  # type: ignore[method-assign]

    def timed(self, cleaner: Cleaner, documents: Iterable[Any]) -> Iterator[Any]:
        begin = time.process_time()
        articles = list(self._real(cleaner, documents))
        self.seconds += time.process_time() - begin
        return iter(articles)


def measure(step: Step, clock: Clock) -> tuple[float, float]:
    """CPU seconds of one call of a step, and of ``clean_many`` inside it."""
    documents = step[0]()
    clock.seconds, begin = 0.0, time.process_time()
    step[1](documents)
    return time.process_time() - begin, clock.seconds


def main() -> None:
    parser = argparse.ArgumentParser(description="Overhead of the integrations.")
    parser.add_argument("--documents", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    texts = list(articles(options.documents, 40))
    steps = {name: make(texts) for name, (make, package) in STEPS.items() if find_spec(package)}
    clock = Clock()
    rounds = [{name: measure(step, clock) for name, step in steps.items()} for _ in range(options.rounds)]
    print(f"{len(texts)} documents of 40 lines, median of {options.rounds} rounds\n")
    print("| step | CPU seconds | on top of clean_many |\n|---|---|---|")
    for name in steps:
        seconds = statistics.median(one[name][0] for one in rounds)
        on_top = statistics.median(one[name][0] / one[name][1] - 1 for one in rounds)
        print(f"| {name} | {seconds:.3f} | {on_top:+.1%} |")


if __name__ == "__main__":
    main()
