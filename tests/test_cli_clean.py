"""``cleaner clean`` and ``cleaner restore`` as people type them: what is printed, what is written, and the exit status."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from batch_help import PAGE, STORY, make, rows
from click.testing import CliRunner, Result

from cleaner.cli import main

ROOT = Path(__file__).parent.parent


def _run(*arguments: Any, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], input=stdin)


def test_one_file_is_printed(tmp_path: Path) -> None:
    """Without -o, the clean text of one file goes to stdout, whatever its encoding and packing."""
    make(tmp_path, {"a.txt": STORY, "b.txt": STORY.encode("cp949"), "c.txt.gz": gzip.compress(STORY.encode("utf-16"))})
    for name in ("a.txt", "b.txt", "c.txt.gz"):
        result = _run("clean", tmp_path / name)
        assert (result.exit_code, result.stdout.split()) == (0, STORY.split())


def test_one_page_and_records_are_printed(tmp_path: Path) -> None:
    """A page gives its article; a file of records gives records; a compressed file of records too."""
    line = json.dumps({"id": 1, "text": STORY, "n": 2}) + "\n"
    make(tmp_path, {"a.html": PAGE, "b.jsonl": line, "c.jsonl.gz": gzip.compress(line.encode())})
    page = _run("clean", tmp_path / "a.html").stdout
    assert "지붕을 고친다고" in page
    assert "처음으로" not in page
    for name in ("b.jsonl", "c.jsonl.gz"):
        assert json.loads(_run("clean", tmp_path / name).stdout)["n"] == 2


def test_folder_is_mirrored(tmp_path: Path) -> None:
    """Folders and files in, a mirrored folder out, status 0; stderr says what was done, --quiet says nothing."""
    source = make(tmp_path / "in", {"a.txt": STORY, "sub/b.txt": STORY})
    result = _run("clean", source, "-o", tmp_path / "out", "-j", 1)
    assert result.exit_code == 0
    assert "2 inputs" in result.stderr
    assert (tmp_path / "out/sub/b.txt").read_text() == STORY
    assert "nothing to do, 2 unchanged" in _run("clean", source, "-o", tmp_path / "out", "-j", 1).stderr
    assert _run("clean", source, "-o", tmp_path / "quiet", "-j", 1, "-q").output == ""


def test_failures_are_listed(tmp_path: Path) -> None:
    """One bad or missing input gives status 1 and one sentence that names it; the rest is done; so does the next run."""
    make(tmp_path, {"a.txt": STORY, "b\n.txt": b"\0" * 999})
    for _ in range(2):
        result = _run("clean", tmp_path / "a.txt", tmp_path / "b\n.txt", tmp_path / "c.txt", "-o", tmp_path / "out", "-j", 1)
        assert result.exit_code == 1
        assert r"b\n.txt: holds NUL bytes" in result.stderr
        assert "c.txt: no such file" in result.stderr
    assert (tmp_path / "out/a.txt").exists()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.txt", b"", ""),
        ("binary.txt", bytes(range(256)) * 9, "NUL"),
        ("cut.txt.gz", gzip.compress(STORY.encode() * 9)[:-12], "truncated"),
        ("missing.txt", None, "no such file"),
    ],
)
def test_bad_input_alone(tmp_path: Path, name: str, content: bytes | None, says: str) -> None:
    """A single bad file gives one sentence on stderr that names it, and status 1; an empty file is no error."""
    if content is not None:
        make(tmp_path, {name: content})
    result = _run("clean", tmp_path / name)
    assert result.exit_code == (1 if says else 0)
    assert result.stdout == ""
    assert not says or (name in result.stderr and says in result.stderr and result.stderr.count("\n") == 1)


def test_wrong_use(tmp_path: Path) -> None:
    """What cannot be meant is status 2, with advice, and nothing is written."""
    source = make(tmp_path / "in", {"a.txt": STORY, "m/card.json": "{}"})
    for arguments, says in (
        (["clean"], "-o"),
        (["clean", source], "-o"),
        (["clean", source, "-o", source / "a.txt"], "is a file"),
        (["clean", source, "-o", tmp_path / "out", "--model", tmp_path / "nothing"], "model"),
        (["clean", source, "-o", tmp_path / "out", "--model", source / "m"], "not a model folder"),
        (["clean", source, "-o", tmp_path / "out", "--keep", "nonsense"], "nonsense"),
        (["clean", source, "-o", tmp_path / "out", "--format", "pdf"], "pdf"),
        (["clean", source, "-o", tmp_path / "out", "--encoding", "klingon"], "klingon"),
        (["clean", source, "-o", tmp_path / "out", "--shard", "4/3"], "3/16"),
        (["clean", source, "-o", tmp_path / "out", "--max-bytes", "many"], "size"),
        (["clean", "-", source, "-o", tmp_path / "out"], "alone"),
        (["clean", source, "--text"], "go with `-`"),
        (["restore", source, "-o", tmp_path / "back"], "manifest"),
    ):
        result = _run(*arguments, *(["-j", 1] if arguments[0] == "clean" else []))
        assert (result.exit_code, says in result.stderr) == (2, True), (arguments, result.stderr)
    assert (source / "a.txt").read_text() == STORY
    assert [path.name for path in tmp_path.glob("out/*")] == [".cleaner"]


def test_stdin() -> None:
    """`-` takes records, and with --text one plain text."""
    result = _run("clean", "-", stdin=json.dumps({"id": 1, "text": STORY}).encode() + b"\nbroken\n")
    assert result.exit_code == 1
    first, second = map(json.loads, result.stdout.splitlines())
    assert first["text"].split() == STORY.split()
    assert (second["id"], second["line"]) == (None, 2)
    assert _run("clean", "--text", "-", stdin=STORY.encode("cp949")).stdout.split() == STORY.split()


def test_retry_prune_and_parts(tmp_path: Path) -> None:
    """The options of the batch reach it."""
    source, out = make(tmp_path / "in", {"a.txt": b"\0" * 999, "b.txt": STORY, "c/d.txt": STORY, "c.jpg": b"\xff"}), tmp_path / "out"
    base = ["clean", source, "-o", out, "-j", 1, "--exclude", "d.txt"]
    assert _run(*base).exit_code == 1
    assert "--retry-failed" in _run(*base).stderr
    assert "1 inputs" in _run(*base, "--retry-failed").stderr
    (source / "b.txt").unlink()
    assert "--prune" in _run(*base).stderr
    assert _run(*base, "--prune").exit_code == 1
    assert [row["path"] for row in rows(out)] == ["a.txt", "c.jpg"]
    assert _run("clean", source, "-o", tmp_path / "parts", "--format", "jsonl", "--parts", 2, "-j", 1).exit_code == 1
    assert {path.name for path in (tmp_path / "parts").iterdir()} <= {".cleaner", "part-00000-of-00002.jsonl", "part-00001-of-00002.jsonl"}


def test_restore(tmp_path: Path) -> None:
    """`restore` gives the source text back, as a folder or one document on stdout."""
    source = make(tmp_path / "in", {"a.txt": STORY, "b.txt": STORY})
    _run("clean", source, "-o", tmp_path / "out", "-j", 1)
    assert _run("restore", tmp_path / "out", "-o", tmp_path / "back").exit_code == 0
    assert (tmp_path / "back/b.txt").read_text().split() == STORY.split()
    assert _run("restore", tmp_path / "out", "--only", "a.txt").stdout.split() == STORY.split()
    assert _run("restore", tmp_path / "out", "--only", "z.txt").exit_code == 1


def test_interrupt(tmp_path: Path) -> None:
    """Ctrl-C ends the run with status 130 and without a traceback; the next run goes on."""
    source = make(tmp_path / "in", {f"{n}.txt": STORY * 5 for n in range(3000)})
    command = [sys.executable, "-m", "cleaner.cli", "clean", str(source), "-o", str(tmp_path / "out"), "-j", "1"]
    process = subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("out/*.txt")) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert "again" in said


def test_interrupt_while_workers_start(tmp_path: Path) -> None:
    """Ctrl-C that meets workers at their start is the business of the run alone: none of them shows a traceback."""
    source = make(tmp_path / "in", {f"{n}.txt": STORY for n in range(600)})
    command = [sys.executable, "-m", "cleaner.cli", "clean", str(source), "-j", "2"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for wait in (0.0, 0.1, 0.2, 0.4, 0.7):
        out = tmp_path / f"out{wait}"
        command_here = [*command, "-o", str(out)]
        process = subprocess.Popen(command_here, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True)
        deadline = time.monotonic() + 60
        while not (out / ".cleaner/run.json").exists() and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(wait)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=60)
        assert "Traceback" not in said, said
        assert process.returncode in (0, 130)


def test_a_record_above_max_bytes_fails_alone() -> None:
    """In the pipe, a line above the limit is an error in its place, wherever reads cut it; the others are cleaned."""
    records = [{"id": 1, "text": STORY}, {"id": 2, "text": "가" * 2_000_000}, {"id": 3, "text": STORY}]
    stdin = b"".join(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in records)
    for given in (stdin, stdin + stdin.splitlines()[1]):
        result = _run("clean", "-", "--max-bytes", "1M", stdin=given)
        first, second, third, *last = map(json.loads, result.stdout.splitlines())
        assert (result.exit_code, first["id"], third["id"]) == (1, 1, 3)
        assert (second["id"], second["line"], "--max-bytes" in second["error"]) == (None, 2, True)
        assert [record["line"] for record in last] == [4] * (given is not stdin)


def test_python_dash_m(tmp_path: Path) -> None:
    """`python -m cleaner` is the command, under its own name."""
    make(tmp_path, {"a.txt": STORY})
    done = subprocess.run([sys.executable, "-m", "cleaner", "clean", str(tmp_path / "a.txt")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, STORY.split(), "")
    said = subprocess.run([sys.executable, "-m", "cleaner", "clean", "--no-such"], capture_output=True, text=True, check=False)
    assert said.returncode == 2
    assert said.stderr.startswith("Usage: python -m cleaner clean")
