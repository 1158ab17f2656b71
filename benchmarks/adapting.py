"""Adapting to few new labels: what they bring on publishers that gave none of them, and what is lost on the corpus.

For each draw the publishers (groups) of the gold are parted in two halves. Documents of the one half are learned from, up to so many
lines; what the model then makes of the other half is measured ("others"), and of what was left over of the first ("same").
Before: the model of the base alone, by the same recipe. The loss is measured on the base's own folds, the same in all runs.

Two fits of one recipe differ by a hundredth or two of drop F1 on a few hundred documents, by luck; and a packaged model was chosen
among several. So that one lucky fit does not stand against every draw, each draw leaves a hundredth of the base out, before and after.

    python benchmarks/adapting.py gold.jsonl --sizes 50 200 1000 --draws 3

takes draws x (1 + sizes) trainings: twelve, some 20 minutes on two idle cores. What is measured so far is written after each; a run
that was broken off goes on with the next training.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from report import markdown_table, save

from cleaner import carried, corpus, findings, training
from cleaner.carried import Base, load_base
from cleaner.compare import merged
from cleaner.corpus import LabelledDocument
from cleaner.evaluate import evaluate_model
from cleaner.lesson import base_folder, lesson_of
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
    gold, base = corpus.load([arguments.gold]), load_base(base_folder(arguments.base))
    setting = {"base": base.card["weights_sha256"], "weight": arguments.weight, "gold": carried.digest(gold)}
    rows = earlier(arguments.results, setting)
    for seed in range(arguments.draws):
        missing = [size for size in arguments.sizes if not any((row["draw"], row["size"]) == (seed, size) for row in rows)]
        if not missing:
            continue
        drawn, part = draw(gold, seed), without_some(base, seed)
        say(f"draw {seed}: before, {len(part.documents)} documents of the base")
        before, _ = trained([], part, arguments)
        for size in missing:
            new, left = drawn.first(size)
            started = time.monotonic()
            after, counts = trained(new, part, arguments)
            row = {
                "draw": seed, "size": size, "lines": count_lines(new), "documents": len(new), "groups": len({d.group for d in new}),
                "counts": counts, "others before": on(before.model, drawn.others), "others after": on(after.model, drawn.others),
                "same before": on(before.model, left), "same after": on(after.model, left),
                "corpus before": on_folds(before, len(part.documents)), "corpus after": on_folds(after, len(part.documents)),
                "thresholds": [before.model.policy.threshold, after.model.policy.threshold],
                "minutes": round((time.monotonic() - started) / 60, 1),
            }  # fmt: skip
            say(json.dumps(row, ensure_ascii=False))
            rows.append(row)
            save(arguments.results, "adapting", {"setting": setting, "runs": rows}, table(rows))
    return rows


def trained(new: Sequence[LabelledDocument], base: Base, arguments: argparse.Namespace) -> tuple[training.Training, float]:
    """A training on the base and the new documents, and how much each new one counted."""
    taught = lesson_of(new, base, counts=arguments.weight)
    result = training.train(taught.documents, keep=taught.keep, counts=taught.counts, folds=taught.folds, n_jobs=arguments.jobs)
    return result, taught.counts[-1] if new else 0.0


def without_some(base: Base, seed: int, share: float = 0.01) -> Base:
    """The base without a random part of its documents."""
    rng = random.Random(f"leave out/{seed}")
    out = set(rng.sample(range(len(base.documents)), round(share * len(base.documents))))
    left = [i for i in range(len(base.documents)) if i not in out]
    return replace(base, documents=tuple(base.documents[i] for i in left), counts=tuple(base.counts[i] for i in left))


def earlier(folder: Path, setting: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows that a run of the same base, gold and weight has left."""
    path = folder / "adapting.json"
    found = json.loads(path.read_text(encoding="utf-8"))["results"] if path.exists() else {}
    return list(found["runs"]) if found.get("setting") == setting else []


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
    parser.add_argument("--weight", type=float, help="how much a new document counts beside one of the base [default: as in training]")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results")
    arguments = parser.parse_args()
    print(table(run(arguments)))


if __name__ == "__main__":
    main()
