"""What `batch.py` runs as processes of its own, and how it looks into them.

python benchmarks/batch_inside.py copy FROM TO       copy files: read, write
python benchmarks/batch_inside.py walk FROM          walk a folder and stat its files
python benchmarks/batch_inside.py extract FROM TO    trafilatura alone: a worker that writes texts, a child that parses pages
python benchmarks/batch_inside.py parts FROM TO      a batch, with the time that its parts take
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

STARTED = time.perf_counter()


def copy(source: str, target: str) -> None:
    for folder, folders, names in os.walk(source):
        inside = target + folder[len(source) :]
        os.makedirs(inside, exist_ok=True)
        folders.sort()
        for name in sorted(names):
            with open(f"{folder}/{name}", "rb") as file:
                data = file.read()
            with open(f"{inside}/{name}", "wb") as file:
                file.write(data)


def walk(source: str) -> None:
    for folder, _, names in os.walk(source):
        for name in names:
            os.stat(f"{folder}/{name}")


CHILD = """
import json, os, sys
from trafilatura import bare_extraction
answers = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)
while head := sys.stdin.buffer.read(4):
    html = sys.stdin.buffer.read(int.from_bytes(head, "big")).decode("utf-8", "replace")
    found = bare_extraction(html, include_comments=False, with_metadata=True)
    names = ("text", "title", "author", "date", "language")
    data = json.dumps({name: getattr(found, name, None) for name in names}).encode()
    answers.write(len(data).to_bytes(4, "big") + data)
    answers.flush()
"""


def extract(source: str, target: str) -> None:
    os.makedirs(target)
    with subprocess.Popen([sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        assert child.stdin and child.stdout
        for name in sorted(os.listdir(source)):
            page = Path(source, name).read_bytes()
            child.stdin.write(len(page).to_bytes(4, "big") + page)
            child.stdin.flush()
            answer = json.loads(child.stdout.read(int.from_bytes(child.stdout.read(4), "big")))
            Path(target, name + ".txt").write_text(answer["text"] or "", encoding="utf-8", errors="backslashreplace")
        child.stdin.close()


# --- where the time goes ---------------------------------------------------------------------------------------------------


def parts(source: str, target: str) -> None:
    """A batch in this process; prints the seconds of its parts as JSON."""
    from cleaner import batch, bulk, model, task
    from cleaner.model import Model

    spent: Counter[str] = Counter()

    def timed(name: str, owner: Any, attribute: str) -> None:
        function: Callable[..., Any] = getattr(owner, attribute)

        @functools.wraps(function)
        def wrapper(*arguments: Any, **named: Any) -> Any:
            begin = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                spent[name] += time.perf_counter() - begin

        setattr(owner, attribute, wrapper)

    timed("start: imports, the model", task, "_cleaner")
    for name, owner, attribute in (
        ("read the file", task, "read_limited"), ("digest", task, "digest"), ("find its character set", task, "decode"),
        ("segments", bulk, "segment"), ("n-grams, features, trees", Model, "probabilities"), ("language", model, "known"),
        ("verdicts", bulk, "decide"), ("clean text", bulk, "clean_text"), ("write the file", task, "write_whole"),
        ("audit", task.Spool, "line"), ("audit", task, "audit_columns"), ("manifest row", task._Run, "_row"),
        ("journal", batch.Journal, "add"), ("merge the manifest and the audit", batch, "merge"), ("report", batch, "_report"),
    ):  # fmt: skip
        timed(name, owner, attribute)
    task._cleaner(batch.settings_for(Path(target)))
    spent["start: imports, the model"] = time.perf_counter() - STARTED
    outcome = batch.clean_batch([source], target, jobs=1)
    whole = time.perf_counter() - STARTED
    spent["verdicts"] -= spent["language"]  # asked for while deciding
    print(json.dumps({"files": outcome.inputs, "whole": whole, "parts": spent}))


def parts_of(command: Sequence[str], core: int) -> dict[str, dict[str, float]]:
    """The parts as rows of a table: microseconds a file and shares."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        said = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    finally:
        os.sched_setaffinity(0, allowed)
    spent, whole, files = said["parts"], said["whole"], said["files"]
    spent["the rest: walking, tasks, joining"] = whole - sum(spent.values())
    return {name: {"µs a file": 1e6 * taken / files, "%": 100 * taken / whole} for name, taken in spent.items()}


# --- memory ----------------------------------------------------------------------------------------------------------------


def peak(command: Sequence[str]) -> float:
    """The most memory, in MB, that a command and its children held at once, looked at twenty times a second."""
    most = 0
    with subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            most = max(most, sum(map(_proportional, _session(process.pid))))
            time.sleep(0.05)
    return most / 1e6


def _session(leader: int) -> list[str]:
    found = []
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            if int(fields[3]) == leader:
                found.append(pid)
    return found


def _proportional(pid: str) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) << 10
    return 0


if __name__ == "__main__":
    {"copy": copy, "walk": walk, "extract": extract, "parts": parts}[sys.argv[1]](*sys.argv[2:])
