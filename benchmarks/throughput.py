"""Throughput on one core, records in to records out: article-cleaner beside two classifiers of single lines.

    python benchmarks/throughput.py INPUT.jsonl... [--runs 5] [--repeat N] [--corpus corpus] [--out DIR]

An INPUT holds records ({"id", "text"}) or labelled documents, whose lines become the text. JSON Lines in memory go in and come
out; every tool parses each record, judges its lines, joins those that stay and writes the record. article-cleaner is measured
twice: through the path of ``cleaner clean -``, and with ``Cleaner.clean_many`` between the same reading and writing as the
others. The peers judge all lines in one call, which suits them best. Each run takes every tool once, in another order; the
medians over the runs are reported, and of the ratios within a run. Lines are those that are not blank.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before NumPy is imported

from peers import LineJudge, fasttext, tfidf
from report import markdown_table, save

from cleaner import Cleaner
from cleaner.corpus import load
from cleaner.pipe import clean_records

Tool = Callable[[bytes], bytes]
PIPE, MANY, FASTTEXT, STOCK = "article-cleaner, pipe", "article-cleaner, clean_many", "fastText", "TF-IDF + logistic regression"


def read_records(path: str) -> list[dict[str, str]]:
    """The records of a file, as id and text alone."""
    with Path(path).open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file if line.strip()]
    return [{"id": str(row.get("id", "")), "text": row["text"] if "text" in row else "\n".join(row["lines"])} for row in rows]


def as_json_lines(records: Sequence[dict[str, str]]) -> bytes:
    return b"".join(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in records)


def pipe(cleaner: Cleaner) -> Tool:
    def run(data: bytes) -> bytes:
        out = io.BytesIO()
        clean_records(io.BytesIO(data), out, cleaner)
        return out.getvalue()

    return run


def clean_many(cleaner: Cleaner) -> Tool:
    def run(data: bytes) -> bytes:
        records = [json.loads(line) for line in data.splitlines()]
        for record, article in zip(records, cleaner.clean_many(record["text"] for record in records)):
            record["text"] = article.text
        return as_json_lines(records)

    return run


def by_line(judge: LineJudge) -> Tool:
    def run(data: bytes) -> bytes:
        records = [json.loads(line) for line in data.splitlines()]
        lines = [record["text"].split("\n") for record in records]
        verdicts = iter(judge([line for own in lines for line in own if line.strip()]))
        for record, own in zip(records, lines):
            record["text"] = "\n".join(line for line in own if not line.strip() or not next(verdicts))
        return as_json_lines(records)

    return run


def pin() -> None:
    """Stay on one core, where the system lets us."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def measure(tools: dict[str, Tool], data: bytes, runs: int) -> dict[str, list[float]]:
    """CPU seconds of each tool in each run; the first, unmeasured, run warms what there is to warm."""
    names, seconds = list(tools), {name: [] for name in tools}
    for number in range(-1, runs):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            started = time.process_time()
            tools[name](data)
            if number >= 0:
                seconds[name].append(time.process_time() - started)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("inputs", nargs="+", metavar="[NAME=]INPUT")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--repeat", type=int, default=1, help="take the records so many times over")
    parser.add_argument("--corpus", default=Path(__file__).parent.parent / "corpus", help="what the peers learn from")
    parser.add_argument("--model", help="a model folder [default: the packaged model]")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    pin()
    corpus, cleaner = load([options.corpus]), Cleaner(options.model)
    tools = {PIPE: pipe(cleaner), MANY: clean_many(cleaner), FASTTEXT: by_line(fasttext(corpus)), STOCK: by_line(tfidf(corpus))}
    tables, texts = {}, []
    for argument in options.inputs:
        name, _, path = argument.rpartition("=")
        name = name or Path(path).stem
        records = read_records(path) * options.repeat
        lines = sum(bool(line.strip()) for record in records for line in record["text"].split("\n"))
        characters = sum(len(record["text"]) for record in records)
        seconds = measure(tools, as_json_lines(records), options.runs)
        tables[name] = {
            tool: {
                "lines/s": round(lines / statistics.median(own)), "million characters/s": characters * 1e-6 / statistics.median(own),
                "× fastText": statistics.median(a / b for a, b in zip(seconds[FASTTEXT], own)),
                "× TF-IDF + LR": statistics.median(a / b for a, b in zip(seconds[STOCK], own)),
            }
            for tool, own in seconds.items()
        }  # fmt: skip
        texts.append(f"**{name}**: {len(records)} records, {lines} lines, {characters} characters\n\n{markdown_table(tables[name], 2)}")
    print("\n\n".join(texts))
    save(options.out, "throughput", tables, "\n\n".join(texts), "fasttext-wheel")


if __name__ == "__main__":
    main()
