"""What each part of the model brings: the packaged corpus is trained on again with one part switched off at a time.

    python benchmarks/ablation.py [[NAME=]GOLD.jsonl...] [--corpus corpus] [--only PART] [--jobs 2] [--out DIR]

Every row is a whole training by `cleaner.training.train`, with columns of the feature table, a stage, or the variants of the
documents taken away; threshold and calibration are chosen anew. Measured on the grouped folds of the corpus (no publisher on
both sides) and on each GOLD file. A row takes as long as a training does.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from report import markdown_table, save

from cleaner import blocks, features, training
from cleaner.corpus import LabelledDocument, load
from cleaner.evaluate import evaluate_model
from cleaner.fitting import StageOne

NEIGHBOURS = r"go[+-]\d|label_\d[+-]\d|line_go|go_(before|after|document|near)|body_(back|ahead)|sure_document"
POOLED = r"pool[+-].*"
VOCABULARY = "|".join(map(re.escape, features.VOCABULARY_NAMES)) + r"|shared_.*|keys"
POSITION = r"index|left|relative|segments|chars_before|chars_document|line_(pieces|place|left|length)"
SHAPE = "|".join(map(re.escape, features.SHAPE_NAMES)) + r"|(length|stop)[+-]\d"


@dataclass(frozen=True)
class Part:
    """What is taken away: columns of stage two's table, all of stage three, the mean over stage one's fits, or the variants.

    ``columns`` are those whose name matches; with ``but`` only those that match stay.
    """

    columns: str = ""
    but: str = ""
    look_again: bool = True
    averaged: bool = True
    variants: bool = True
    kinds: tuple[str, ...] = ()

    def stays(self, name: str) -> bool:
        if self.but:
            return re.fullmatch(self.but, name) is not None
        return re.fullmatch(self.columns, name) is None


PARTS = {
    "whole model": Part(),
    "stage one alone": Part(but="go", look_again=False),
    "without stage three": Part(look_again=False),
    "one fit of stage one, not the mean of six": Part(averaged=False),
    "without neighbours' verdicts": Part(NEIGHBOURS, look_again=False),
    "without neighbours' verdicts and pooled text": Part(f"{NEIGHBOURS}|{POOLED}", look_again=False),
    "without pooled text": Part(POOLED),
    "without shared vocabulary": Part(VOCABULARY),
    "without position": Part(POSITION),
    "without shape": Part(SHAPE),
    "without repetition": Part("repeated"),
    "without variants in training": Part(variants=False),
    **{f"without {kind} variants": Part(kinds=(kind,)) for kind in ("transplanted", "flattened", "wrapped", "cropped")},
}


@contextmanager
def switched_off(part: Part) -> Iterator[None]:
    """The stages without a part, for training and for judging alike.

    The table is cut where it is made, so that trees never see what is switched off and the shares of columns they sample
    mean what they say.
    """
    context, revisited, mean, variants = features.context, blocks.revisited, training.mean_stage_one, training.variants

    def cut_context(*args: Any, **options: Any) -> tuple[features.Floats, list[str]]:
        table, names = context(*args, **options)
        staying = [row for row, name in enumerate(names) if part.stays(name)]
        return np.ascontiguousarray(table[staying]), [names[row] for row in staying]

    def cut_revisited(*args: Any, **options: Any) -> features.Floats:
        return revisited(*args, **options)[: None if part.look_again else 0]

    def one_of(stages: Sequence[StageOne]) -> StageOne:
        return mean(stages) if part.averaged else stages[-1]

    def cut_variants(*args: Any, **options: Any) -> tuple[list[LabelledDocument], list[int]]:
        made, folds = variants(*args, **options)
        chosen = [i for i, document in enumerate(made) if part.variants and not document.id.endswith(part.kinds or ("\0",))]
        return [made[i] for i in chosen], [folds[i] for i in chosen]

    patches: Sequence[tuple[Any, str, Callable[..., Any]]] = (
        (features, "context", cut_context), (blocks, "revisited", cut_revisited), (training, "mean_stage_one", one_of),
        (training, "variants", cut_variants),
    )  # fmt: skip
    with ExitStack() as stack:
        for patch in patches:
            stack.enter_context(mock.patch.object(*patch))
        yield


def row(part: Part, corpus: Sequence[LabelledDocument], gold: dict[str, list[LabelledDocument]], jobs: int) -> dict[str, float]:
    """Train with a part switched off and measure."""
    with switched_off(part):
        model = training.train(corpus, n_jobs=jobs).model
        tables = {name: evaluate_model(model, documents)["all"] for name, documents in gold.items()}
    measures = {"threshold": model.policy.threshold}
    for name, table in {"folds": model.card["quality"]["all"], **tables}.items():
        measures |= {f"{name}: F1": table["drop_F1"], f"{name}: kept": table["kept_chars"]}
    return measures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gold", nargs="*", metavar="[NAME=]GOLD", help="labelled documents, and the name of their columns")
    parser.add_argument("--corpus", default=Path(__file__).parent.parent / "corpus")
    parser.add_argument("--only", action="append", metavar="PART", choices=list(PARTS), help="this row alone (may be given again)")
    parser.add_argument("--jobs", type=int, default=2, help="cores to train on")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    corpus, gold = load([options.corpus]), {}
    for argument in options.gold:
        name, _, path = argument.rpartition("=")
        gold[name or Path(path).stem] = load([path])
    table: dict[str, dict[str, float]] = {}
    for name in options.only or PARTS:
        table[name] = row(PARTS[name], corpus, gold, options.jobs)
        print(name, table[name], flush=True)
        save(options.out, "ablation", table, markdown_table(table))
    print(markdown_table(table))


if __name__ == "__main__":
    main()
