"""What each framework's step costs on top of ``Cleaner.clean_many`` on the same documents.

    python benchmarks/integrations.py [--documents 1000] [--rounds 7]

CPU time of this process, the best of some rounds, the steps taking turns, so that other work on the machine counts little. What
is measured is the step alone: the framework's documents stand ready, and what comes out is a list.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
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


def main() -> None:
    parser = argparse.ArgumentParser(description="Overhead of the integrations.")
    parser.add_argument("--documents", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    texts = list(articles(options.documents, 40))
    steps = {name: make(texts) for name, (make, package) in STEPS.items() if find_spec(package)}
    best = dict.fromkeys(steps, float("inf"))
    for _ in range(options.rounds):
        for name, (make, clean) in steps.items():
            documents = make()
            begin = time.process_time()
            clean(documents)
            best[name] = min(best[name], time.process_time() - begin)
    print(f"{len(texts)} documents of 40 lines, best of {options.rounds}\n\n| step | CPU seconds | on top of clean_many |\n|---|---|---|")
    for name, seconds in best.items():
        print(f"| {name} | {seconds:.3f} | {seconds / best['clean_many'] - 1:+.1%} |")


if __name__ == "__main__":
    main()
