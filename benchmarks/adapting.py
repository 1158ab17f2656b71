"""Adapting to few new labels: what they bring on publishers that gave none of them, and what is lost on the corpus.

For each draw the publishers (groups) of the gold are parted in two halves. Documents of the one half are learned from, up to so many
lines; what the model then makes of the other half is measured ("others"), and of what was left over of the first ("same").
Before: the model of the corpus alone, by the same recipe. The loss is measured on the corpus's own folds, the same in all runs.

    python benchmarks/adapting.py gold.jsonl --sizes 50 200 1000 --draws 3
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from report import markdown_table, save

from cleaner import corpus, findings, training
from cleaner.compare import merged
from cleaner.corpus import LabelledDocument
from cleaner.evaluate import evaluate_model
from cleaner.lesson import NEW_COUNTS, lesson
from cleaner.model import Model

FIGURES = ("drop_F1", "kept_chars")
Row = dict[str, float]


@dataclass(frozen=True)
class Draw:
    """Documents to learn from, in order, and those of other groups to measure on."""

    learn: list[LabelledDocument]
    others: list[LabelledDocument]

    def first(self, lines: int) -> tuple[list[LabelledDocument], list[LabelledDocument]]:
        """The first documents up to so many lines, and the rest of their half."""
        taken = 0
        for number, document in enumerate(self.learn):
            if taken >= lines:
                return self.learn[:number], self.learn[number:]
            taken += count_lines([document])
        return self.learn, []


def count_lines(documents: Sequence[LabelledDocument]) -> int:
    return sum(label is not None for document in documents for label in document.labels)


def draw(gold: Sequence[LabelledDocument], seed: int) -> Draw:
    """Half of the groups, by lines, to learn from."""
    rng = random.Random(seed)
    groups = sorted({document.group for document in gold})
    rng.shuffle(groups)
    half, learn = count_lines(gold) / 2, []
    while groups and count_lines(learn) < half:
        group = groups.pop()
        learn += [document for document in gold if document.group == group]
    rng.shuffle(learn)
    return Draw(learn, [document for document in gold if document.group in groups])


def on_folds(result: training.Training, n: int) -> Row:
    """Quality of the first n documents on the folds."""
    quality = merged(findings.qualities(result)[:n]).rounded()
    return {figure: quality[figure] for figure in FIGURES}


def on(model: Model, documents: Sequence[LabelledDocument]) -> Row:
    if not documents:
        return {}
    quality = evaluate_model(model, documents)["all"]
    return {figure: quality.get(figure, float("nan")) for figure in FIGURES}


def run(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """One row for each draw and size."""
    gold = corpus.load([arguments.gold])
    with tempfile.TemporaryDirectory() as scratch:
        base = lesson([], arguments.base)
        say(f"before: {len(base.documents)} documents of the base")
        before = training.train(base.documents, keep=base.keep, counts=base.counts, folds=base.folds, n_jobs=arguments.jobs, report=say)
        own_before, rows = on_folds(before, len(base.documents)), []
        for seed in range(arguments.draws):
            drawn = draw(gold, seed)
            others_before = on(before.model, drawn.others)
            for size in arguments.sizes:
                new, left = drawn.first(size)
                path = Path(scratch) / f"{seed}-{size}.jsonl"
                corpus.save(new, path)
                started = time.monotonic()
                taught = lesson([path], arguments.base, counts=arguments.weight)
                after = training.train(taught.documents, keep=taught.keep, counts=taught.counts, folds=taught.folds, n_jobs=arguments.jobs)
                row = {
                    "draw": seed, "size": size, "lines": count_lines(new), "documents": len(new), "groups": len({d.group for d in new}),
                    "others before": others_before, "others after": on(after.model, drawn.others),
                    "same before": on(before.model, left), "same after": on(after.model, left),
                    "corpus before": own_before, "corpus after": on_folds(after, len(base.documents)),
                    "thresholds": [before.model.policy.threshold, after.model.policy.threshold],
                    "minutes": round((time.monotonic() - started) / 60, 1),
                }  # fmt: skip
                say(json.dumps(row, ensure_ascii=False))
                rows.append(row)
    return rows


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Means over the draws, before and after."""
    result: dict[str, dict[str, Any]] = {}
    for size in dict.fromkeys(row["size"] for row in rows):
        own = [row for row in rows if row["size"] == size]
        cells: dict[str, Any] = {"draws": len(own)}
        for where in ("others", "same", "corpus"):
            for figure in FIGURES:
                pairs = [(r[f"{where} before"].get(figure), r[f"{where} after"].get(figure)) for r in own]
                known = [(a, b) for a, b in pairs if a is not None and b is not None]
                if known:
                    first, second = (statistics.mean(side) for side in zip(*known))
                    cells[f"{where}: {figure}"] = f"{first:.3f} → {second:.3f}"
        cells["worst loss on the corpus"] = max(r["corpus before"]["drop_F1"] - r["corpus after"]["drop_F1"] for r in own)
        result[f"{size} lines"] = cells
    return markdown_table(result, places=4)


def say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gold", help="labelled documents of several groups (corpus format)")
    parser.add_argument("--base", default="default", help="the model to adapt [default: the packaged one]")
    parser.add_argument("--sizes", type=int, nargs="+", default=[50, 200, 1000], help="labelled lines to learn from")
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--weight", type=float, default=NEW_COUNTS, help="how much a new document counts beside one of the base")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results")
    arguments = parser.parse_args()
    rows = run(arguments)
    text = table(rows)
    print(text)
    save(arguments.results, "adapting", {"weight": arguments.weight, "runs": rows}, text)


if __name__ == "__main__":
    main()
