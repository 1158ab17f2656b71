"""The batch: what a file, a page, a core, a hundred thousand documents and a run with nothing to do cost.

    python benchmarks/batch.py text     10,000 text files of 2 to 8 kB on one core, beside copying them with Python
    python benchmarks/batch.py cores    100,000 text files, two workers beside one
    python benchmarks/batch.py pages --pages DIR    pages beside trafilatura alone in the same layout of processes
    python benchmarks/batch.py memory   peak memory over 100,000 documents beside that over 1,000
    python benchmarks/batch.py nothing  a second run over 100,000 files, beside walking and stat-ing them
    python benchmarks/batch.py kill     20 runs killed at random moments, each finished by a second
    python benchmarks/batch.py dask     a cluster of separate worker processes, one of them killed; and shards, one after the other
    python benchmarks/batch.py all --pages DIR

Times are those of whole processes, start and end included; tools take turns within a run, ratios are taken within a run, and
medians over the runs are reported. CPU time is that of a process and all its children; on a machine that others use, it says more
than the time on the clock. Documents are composed from ``corpus/``; ``--work`` names the folder for them (a disk, not memory).
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import batch_faults
import batch_inside
from batch_sets import record_file, text_folder
from report import markdown_table, save

HERE = Path(__file__).parent
Results = dict[str, dict[str, "float | int | str | None"]]


class Used(NamedTuple):
    """What a process and its children took, in seconds."""

    wall: float
    cpu: float


def texts(options: argparse.Namespace, work: Path, default: int) -> tuple[Path, int]:
    """The folder of text files and their number; with ``--work``, made once and left for the next measurement."""
    files = options.files or default
    folder = (options.work or work) / f"texts-{files}"
    return folder if folder.exists() else text_folder(folder, files), files


def take(command: Sequence[str], core: int | None = None) -> Used:
    """Run a command, on one core if it is named; the exit status must be 0 or 1 (some inputs failed)."""
    allowed = os.sched_getaffinity(0)
    started, before = time.perf_counter(), os.times()
    if core is not None:
        os.sched_setaffinity(0, {core})
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    finally:
        os.sched_setaffinity(0, allowed)
    if done.returncode > 1:
        raise SystemExit(done.stderr)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Used(time.perf_counter() - started, cpu)


def clean(source: Path, out: Path, jobs: int, *more: str) -> list[str]:
    return [sys.executable, "-m", "cleaner.cli", "clean", str(source), "-o", str(out), "-j", str(jobs), "-q", *more]


def script(name: str, *arguments: object) -> list[str]:
    return [sys.executable, str(HERE / "batch_inside.py"), name, *map(str, arguments)]


def turns(tools: dict[str, Callable[[], Used]], runs: int) -> list[dict[str, Used]]:
    """Each tool once a run, in another order each time."""
    names, result = list(tools), []
    for number in range(runs):
        shift = number % len(names)
        result.append({name: tools[name]() for name in names[shift:] + names[:shift]})
        print("  " + ", ".join(f"{name} {used.wall:.1f} s ({used.cpu:.1f} s CPU)" for name, used in result[-1].items()), file=sys.stderr)
    return result


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def beside(taken: list[dict[str, Used]], base: str, files: int) -> Results:
    """A row for each tool: times a file, and the ratio to the base within a run."""
    return {
        name: {
            "µs a file": 1e6 * median([turn[name].wall for turn in taken]) / files,
            "CPU µs a file": 1e6 * median([turn[name].cpu for turn in taken]) / files,
            f"× {base}": median([turn[name].wall / turn[base].wall for turn in taken]),
            f"× {base}, CPU": median([turn[name].cpu / turn[base].cpu for turn in taken]),
        }
        for name in taken[0]
    }


class Fresh:
    """A new folder for each run. The old ones stay until all is measured: to remove them keeps the disk busy."""

    def __init__(self, work: Path) -> None:
        self._work, self._last = work, 0

    def __call__(self) -> Path:
        os.sync()
        self._last += 1
        return self._work / f"out{self._last}"


def text(options: argparse.Namespace, work: Path) -> tuple[Results, str]:
    """Text files on one core beside copying them, and where the time goes."""
    source, files = texts(options, work, 10_000)
    fresh, core = Fresh(work), max(os.sched_getaffinity(0))
    tools = {"copy": lambda: take(script("copy", source, fresh()), core), "cleaner": lambda: take(clean(source, fresh(), 1), core)}
    tools["copy"]()
    table = beside(turns(tools, options.runs), "copy", files)
    parts = batch_inside.parts_of(script("parts", source, fresh()), core)
    shown = f"{files:,} files of 2 to 8 kB, one core\n\n{markdown_table(table, 1)}"
    return {**table, **parts}, f"{shown}\n\nWhere the time goes, one run\n\n{markdown_table(parts, 1)}"


def cores(options: argparse.Namespace, work: Path) -> tuple[Results, str]:
    """Two workers beside one."""
    source, files = texts(options, work, 100_000)
    fresh = Fresh(work)
    tools = {"one": lambda: take(clean(source, fresh(), 1)), "two": lambda: take(clean(source, fresh(), 2))}
    taken = turns(tools, options.runs)
    table: Results = {
        name: {
            "seconds": median([turn[name].wall for turn in taken]), "CPU seconds": median([turn[name].cpu for turn in taken]),
            "× as fast as one": median([turn["one"].wall / turn[name].wall for turn in taken]),
        }
        for name in tools
    }  # fmt: skip
    return table, f"{files:,} files of 2 to 8 kB\n\n{markdown_table(table, 2)}"


def pages(options: argparse.Namespace, work: Path) -> tuple[Results, str]:
    """Pages beside trafilatura alone, each in a worker with a child process that parses."""
    if not options.pages:
        raise SystemExit("name a folder of pages with --pages.")
    found = sorted(path for path in options.pages.rglob("*") if path.suffix in (".html", ".htm"))
    source, fresh = work / "in", Fresh(work)
    source.mkdir()
    for copy in range(options.repeat):
        for number, path in enumerate(found):
            shutil.copyfile(path, source / f"{copy}-{number:05}.html")
    tools = {"trafilatura": lambda: take(script("extract", source, fresh())), "cleaner": lambda: take(clean(source, fresh(), 1))}
    tools["trafilatura"]()
    table = beside(turns(tools, options.runs), "trafilatura", len(found) * options.repeat)
    return table, f"{len(found):,} pages, {options.repeat} times each\n\n{markdown_table(table, 2)}"


def memory(options: argparse.Namespace, work: Path) -> tuple[Results, str]:
    """Peak memory of all processes of a run, for few and for many documents."""
    source, many = texts(options, work, 100_000)
    fewer = many // 5  # records: one file of them, which a single worker reads
    texts_by_count = {1000: text_folder(work / "few", 1000), many: source}
    records_by_count = {count: record_file(work / f"{count}" / "records.jsonl", count) for count in (1000, fewer)}
    table: Results = {}
    for name, inputs in (("text files", texts_by_count), ("records in one file", records_by_count)):
        peaks = []
        for count, path in inputs.items():
            out = _whole(options, work, many) if path == source else work / f"out-{count}-{name[0]}"
            shutil.rmtree(out, ignore_errors=True)
            peaks.append(batch_inside.peak(clean(path, out, 2)))
        table[name] = {"MB at 1,000": peaks[0], "documents": max(inputs), "MB at so many": peaks[1], "MB more": peaks[1] - peaks[0]}
    return table, f"Peak memory of all processes of a run with two workers (proportional set size)\n\n{markdown_table(table, 1)}"


def _whole(options: argparse.Namespace, work: Path, files: int) -> Path:
    """Where the clean text of all files stands, for the run that finds nothing to do."""
    return (options.work or work) / f"clean-{files}"


def nothing(options: argparse.Namespace, work: Path) -> tuple[Results, str]:
    """A run with nothing to do, beside walking and stat-ing the files."""
    source, files = texts(options, work, 100_000)
    out = _whole(options, work, files)
    take(clean(source, out, 2))
    tools = {"walk and stat": lambda: take(script("walk", source)), "cleaner": lambda: take(clean(source, out, 2))}
    tools["walk and stat"]()
    table = beside(turns(tools, max(5, options.runs)), "walk and stat", files)
    return table, f"{files:,} files, all of them unchanged\n\n{markdown_table(table, 2)}"


def kill(options: argparse.Namespace, work: Path) -> tuple[Results, str]:
    """Runs that are killed, and finished by the next."""
    table = batch_faults.kill(options.files or 3000, options.kills, work, lambda source, out: clean(source, out, 2))
    return table, markdown_table(table)


def dask(options: argparse.Namespace, work: Path) -> tuple[Results, str]:
    """A cluster that loses a worker; shards."""
    table = batch_faults.cluster(options.files or 5000, work) | batch_faults.shards(options.files or 5000, work)
    return table, markdown_table(table)


MEASURES: dict[str, Callable[[argparse.Namespace, Path], tuple[Results, str]]] = {
    "text": text, "cores": cores, "pages": pages, "memory": memory, "nothing": nothing, "kill": kill, "dask": dask,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=[*MEASURES, "all"])
    parser.add_argument("--files", type=int, help="how many inputs [default: as above]")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--pages", type=Path, metavar="DIR", help="a folder of .html files")
    parser.add_argument("--repeat", type=int, default=3, help="take the pages so many times over")
    parser.add_argument("--work", type=Path, metavar="DIR", help="where inputs and outputs are made; texts are left there")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="where the tables go")
    options = parser.parse_args()
    if options.work:
        options.work.mkdir(parents=True, exist_ok=True)
    for name in MEASURES if options.what == "all" else [options.what]:
        with tempfile.TemporaryDirectory(dir=options.work) as folder:
            table, shown = MEASURES[name](options, Path(folder))
        print(f"**{name}**: {shown}\n", flush=True)
        save(options.out, f"batch-{name}", table, shown, "joblib", "distributed")


if __name__ == "__main__":
    main()
