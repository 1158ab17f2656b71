"""How long a co-process takes to answer one record, and how many it answers a second when they come in a flood.

    python benchmarks/latency.py [--records 500] [--lines 40]

Starts ``cleaner clean -``, sends records of an article of so many lines one at a time, each after the answer to the last, and
takes the time from writing a line to having read its answer. Every article is different; their lines come from the articles of
``examples/search``, cut at sentence ends.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

ARTICLES = Path(__file__).parent.parent / "examples" / "search" / "articles.jsonl"


def articles(count: int, lines: int) -> Iterator[str]:
    """Different articles of so many lines each."""
    rows = [json.loads(line) for line in ARTICLES.read_text(encoding="utf-8").splitlines()]
    sentences = [part for row in rows for line in row["text"].splitlines() for part in re.split(r"(?<=[.!?]) ", line) if part.strip()]
    stream = cycle(sentences)
    for number in range(count):
        yield "\n".join([f"{number}.", *islice(stream, lines - 1)])


def one_at_a_time(records: list[bytes]) -> tuple[float, list[float]]:
    """Seconds to the first answer from nothing, and seconds for each answer after it."""
    begin = time.perf_counter()
    with subprocess.Popen([sys.executable, "-m", "cleaner.cli", "clean", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin and process.stdout
        times = []
        for record in records:
            sent = time.perf_counter()
            process.stdin.write(record)
            process.stdin.flush()
            assert process.stdout.readline().endswith(b"}\n")
            times.append(time.perf_counter() - sent)
            if len(times) == 1:
                first = time.perf_counter() - begin
        process.stdin.close()
    return first, times[1:]


def flood(records: list[bytes]) -> float:
    """Seconds for all records at once, start-up included."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-m", "cleaner.cli", "clean", "-"], input=b"".join(records), stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin


def children() -> float:
    """CPU seconds of the processes that have ended."""
    used = os.times()
    return used.children_user + used.children_system


def main() -> None:
    parser = argparse.ArgumentParser(description="Latency and throughput of `cleaner clean -`.")
    parser.add_argument("--records", type=int, default=500)
    parser.add_argument("--lines", type=int, default=40)
    options = parser.parse_args()
    texts = list(articles(options.records, options.lines))
    records = [json.dumps({"id": i, "text": text}, ensure_ascii=False).encode() + b"\n" for i, text in enumerate(texts)]
    one_at_a_time(records[:1])
    start = children()
    first, times = one_at_a_time(records)
    busy = children() - 2 * start  # the processor's share, which other work on the machine leaves as it is
    ordered = sorted(times)
    print(f"{len(records)} records of {options.lines} lines, {statistics.mean(map(len, texts)):.0f} characters")
    print(f"first answer, from starting the process  {first * 1000:8.0f} ms")
    for name, share in (("median", 0.5), ("95 %", 0.95), ("99 %", 0.99)):
        print(f"one at a time, {name:25} {ordered[int(share * len(ordered))] * 1000:8.2f} ms")
    print(f"one at a time, CPU time, mean             {busy / len(times) * 1000:8.2f} ms")
    from cleaner import Cleaner

    cleaner = Cleaner()
    alone = []
    for text in texts:
        begin = time.perf_counter()
        cleaner.clean(text)
        alone.append(time.perf_counter() - begin)
    print(f"Cleaner.clean in this process, median    {statistics.median(alone) * 1000:8.2f} ms")
    rate = len(records) / max(flood(records * 4) - first, 1e-9) * 4
    print(f"in a flood, after start-up               {rate:8.0f} records/s ({rate * options.lines:.0f} lines/s)")


if __name__ == "__main__":
    main()
