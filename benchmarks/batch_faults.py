"""Runs that are killed, clusters that lose a worker, machines that share: is the outcome that of an undisturbed run?"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from batch_sets import mixed_folder, text_folder

from cleaner.manifest import TIMES

Command = Callable[[Path, Path], "list[str]"]


def documents(out: Path) -> dict[str, bytes]:
    """The clean text of a run, by name."""
    files = (path for path in out.rglob("*") if path.is_file())
    return {str(path.relative_to(out)): path.read_bytes() for path in files if ".cleaner" not in path.relative_to(out).parts}


def states(out: Path) -> dict[str, list[str]]:
    """Audit, failures and manifest (without its columns of time), sorted, of all shards together."""
    found: dict[str, list[str]] = {"audit": [], "failures": [], "manifest": []}
    for path in (out / ".cleaner").rglob("*.jsonl"):
        for row in map(json.loads, path.open(encoding="utf-8")):
            found[path.stem].append(json.dumps({key: value for key, value in row.items() if key not in TIMES}, sort_keys=True))
    return {name: sorted(lines) for name, lines in found.items()}


def differences(out: Path, whole: Path) -> int:
    """How many files and rows two runs do not share."""
    ours, theirs = documents(out), documents(whole)
    count = sum(ours.get(name) != theirs.get(name) for name in ours.keys() | theirs.keys())
    mine, other = states(out), states(whole)
    return count + sum(len(set(mine[name]) ^ set(other[name])) + (len(mine[name]) != len(other[name])) for name in mine)


def partial(out: Path, whole: dict[str, bytes]) -> int:
    """How many files of a run that was killed are not what an undisturbed run writes."""
    return sum(whole.get(name) != data for name, data in documents(out).items())


def kill(files: int, kills: int, work: Path, command: Command) -> dict[str, dict[str, int | float]]:
    """Kill the whole group of processes at a random moment of its life, run again, compare."""
    source = mixed_folder(work / "in", files)
    begun = time.perf_counter()
    subprocess.run(command(source, work / "whole"), stderr=subprocess.DEVNULL, check=False)
    life = time.perf_counter() - begun
    right, chance = documents(work / "whole"), random.Random()
    counts = {"runs killed": 0, "ended before": 0, "partial files": 0, "differences": 0}
    found_done: list[int] = []
    while counts["runs killed"] < kills:
        out = work / f"out{sum(counts.values())}"
        process = subprocess.Popen(command(source, out), stderr=subprocess.DEVNULL, start_new_session=True)
        time.sleep(chance.uniform(0, life))
        ended = process.poll() is not None
        if not ended:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        counts["ended before" if ended else "runs killed"] += 1
        found_done.append(len(documents(out)))
        counts["partial files"] += partial(out, right)
        subprocess.run(command(source, out), stderr=subprocess.DEVNULL, check=False)
        counts["differences"] += differences(out, work / "whole")
        print(f"  {len(found_done)}: {found_done[-1]} of {len(right)} files stood; {counts}", file=sys.stderr, flush=True)
        subprocess.run(["rm", "-rf", str(out)], check=True)
    return {"kill": {**counts, "fewest files at the kill": min(found_done), "most": max(found_done), "of": len(right)}}


@contextmanager
def dask_cluster(workers: int) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and workers, each a process of its own that knows the others by address alone, without a nanny."""
    begin = [sys.executable, "-m", "distributed.cli"]
    scheduler = subprocess.Popen(
        [*begin[:2], "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    started: list[subprocess.Popen[bytes]] = []
    try:
        assert scheduler.stderr
        address = next(match[0] for line in scheduler.stderr if (match := re.search(r"tcp://[\d.]+:\d+", line)))
        worker = [*begin[:2], "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
        started += [subprocess.Popen(worker, stderr=subprocess.DEVNULL) for _ in range(workers)]
        yield address, started
    finally:
        for process in (*started, scheduler):
            process.kill()
            process.wait()


def cluster(files: int, work: Path) -> dict[str, dict[str, int | float | str]]:
    """Three workers, one killed when a third of the inputs is done."""
    import joblib
    from distributed import Client

    from cleaner.batch import clean_batch

    source = text_folder(work / "in", files)
    clean_batch([source], work / "whole", jobs=1)
    seen = {"inputs": 0, "killed after": 0}
    with dask_cluster(3) as (address, workers), Client(address) as client, joblib.parallel_config(backend="dask"):
        client.wait_for_workers(3, timeout=60)

        def kill_one(done: object, _: int) -> None:
            seen["inputs"] += done.inputs  # type: ignore[attr-defined]
            if not seen["killed after"] and seen["inputs"] * 3 >= files:
                seen["killed after"] = seen["inputs"]
                workers[0].send_signal(signal.SIGKILL)

        outcome = clean_batch([source], work / "out", progress=kill_one)
    assert seen["killed after"], "the run was over before a worker was killed"
    wrong = differences(work / "out", work / "whole")
    return {"dask, a worker killed": {"inputs": outcome.inputs, "killed after": seen["killed after"], "differences": wrong}}


def shards(files: int, work: Path, of: int = 3) -> dict[str, dict[str, int | float | str]]:
    """So many machines one after the other into one OUT: the whole?"""
    if not (work / "in").exists():
        text_folder(work / "in", files)
    for number in range(1, of + 1):
        command = [sys.executable, "-m", "cleaner.cli", "clean", str(work / "in"), "-o", str(work / "shards"), "-q"]
        subprocess.run([*command, "--shard", f"{number}/{of}"], check=True)
    return {f"--shard 1/{of} to {of}/{of}": {"inputs": files, "differences": differences(work / "shards", work / "whole")}}
