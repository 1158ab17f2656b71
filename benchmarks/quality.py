"""Quality on labelled documents: article-cleaner beside its peers, by the measures of `cleaner evaluate`.

    python benchmarks/quality.py [NAME=]GOLD.jsonl... [--joined] [--corpus corpus] [--outputs DIR] [--out DIR]

GOLD is in corpus format and must be none of what the models were trained on. With ``--joined`` every document is first joined
into one line, as scrapers do that lose the line breaks; the labels stay on their runs. ``kept_chars`` is the share of the
newsroom's characters that survive; precision, recall and F1 count runs, a dropped label being the positive.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from peers import DROPPED, Span, peers
from report import markdown_table, save

from cleaner.corpus import LabelledDocument, load
from cleaner.evaluate import measure
from cleaner.segment import Segments, segment
from cleaner.write import clean_text

COLUMNS = {
    "drop_F1": "drop F1", "drop_precision": "precision", "drop_recall": "recall", "kept_chars": "kept characters", "ad_gone": "ads gone",
    "boilerplate_gone": "furniture gone", "clean_untouched": "clean documents untouched", "dirty_perfect": "others perfect",
}  # fmt: skip


def joined(document: LabelledDocument) -> LabelledDocument:
    """The document as one line, a space where each line ended, every run with its label."""
    text, runs = "", []
    for start, end, label in document.runs():
        part = document.text[start:end]
        if not part.strip():
            continue
        if text and (start == 0 or document.text[start - 1] == "\n"):
            text += " "
        runs.append((len(text), label))
        text += part
    return replace(document, lines=(text,) if text else (), labels=(tuple(runs),) if runs else ())


def union(spans: Sequence[Span]) -> list[Span]:
    """The same characters as spans that do not overlap, in order."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def score(documents: Sequence[LabelledDocument], removed: Sequence[Sequence[Span]]) -> dict[str, float]:
    """The measures of `cleaner evaluate`, for what any tool removed."""
    cut = segment([document.text for document in documents])
    offsets = cut.offsets[:-1].tolist()
    spans = [(number, offset + start, offset + end) for number, offset in enumerate(offsets) for start, end in union(removed[number])]
    number, start, end = np.array(spans, dtype=np.int64).reshape(-1, 3).T
    gone = Segments(cut.codes, cut.offsets, number, np.zeros_like(number), start, end)
    quality = measure(documents, gone, np.ones(len(gone), dtype=bool), DROPPED).rounded()
    return {title: quality[name] for name, title in COLUMNS.items() if name in quality}


def remaining(document: LabelledDocument, removed: Sequence[Span]) -> str:
    """The text without the spans, laid out as `cleaner clean` lays it out."""
    pieces, at, text = [], 0, document.text
    line_of = np.cumsum([0, *(c == "\n" for c in text)])
    for start, end in [*union(removed), (len(text), len(text))]:
        for low, high, kept in ((at, start, True), (start, end, False)):
            start_of = low
            for part in text[low:high].splitlines(keepends=True):
                if part.strip():
                    pieces.append((int(line_of[start_of]), start_of, start_of + len(part.rstrip()), kept))
                start_of += len(part)
        at = end
    return clean_text(text, pieces)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gold", nargs="+", metavar="[NAME=]GOLD", help="labelled documents, and the name their table gets")
    parser.add_argument("--joined", action="store_true", help="join each document into one line first")
    parser.add_argument("--corpus", default=Path(__file__).parent.parent / "corpus", help="what the classifiers among the peers learn from")
    parser.add_argument("--model", help="a model folder [default: the packaged model]")
    parser.add_argument("--only", action="append", metavar="PEER", help="run this one alone (may be given again)")
    parser.add_argument("--outputs", type=Path, metavar="DIR", help="write the cleaned texts, {id, text} as JSON Lines")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results", help="where the tables go")
    options = parser.parse_args()
    tools = peers(load([options.corpus]), options.model, options.only)
    ending = "-joined" if options.joined else ""
    tables, texts = {}, []
    for argument in options.gold:
        name, _, path = argument.rpartition("=")
        name = (name or Path(path).stem) + ending
        documents = load([path])
        if options.joined:
            documents = [joined(document) for document in documents]
        tables[name] = {}
        for tool, peer in tools.items():
            removed = peer(documents)
            tables[name][tool] = score(documents, removed)
            if options.outputs:
                rows = [json.dumps({"id": d.id, "text": remaining(d, spans)}, ensure_ascii=False) for d, spans in zip(documents, removed)]
                options.outputs.mkdir(parents=True, exist_ok=True)
                file = options.outputs / f"{name}-{tool.replace(' ', '-')}.jsonl"
                file.write_text("\n".join(rows) + "\n", encoding="utf-8", errors="backslashreplace")
        runs = sum(1 for document in documents for _ in document.runs())
        texts.append(f"**{name}**: {len(documents)} documents, {runs} runs\n\n{markdown_table(tables[name])}")
    print("\n\n".join(texts))
    save(options.out, f"quality{ending}", tables, "\n\n".join(texts), "jusText", "fasttext-wheel")


if __name__ == "__main__":
    main()
