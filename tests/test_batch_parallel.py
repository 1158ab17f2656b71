"""Work in parallel: the same bytes whatever the number of workers, workers that die, runs that are killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from batch_help import PAGE, STORY, WITH_AD, everything, make, plain, reasons  # noqa: F401 (a fixture among them)

from cleaner import parallel
from cleaner.batch import clean_batch
from cleaner.sources import Selection
from cleaner.task import Done, Settings, Task, clean_task

ROOT = Path(__file__).parent.parent


def _many(folder: Path, count: int = 300) -> Path:
    files: dict[str, str | bytes] = {f"{n % 7}/{n:04}.txt": WITH_AD * (1 + n % 3) for n in range(count)}
    return make(folder, files | {"bad.txt": b"\0" * 99, "page.html": PAGE, "r.jsonl": '{"text": "하나"}\nbroken\n'})


def test_output_does_not_depend_on_the_number_of_workers(tmp_path: Path) -> None:
    """Two workers and one give the same documents, audit, failures and manifest."""
    source = _many(tmp_path / "in")
    clean_batch([source], tmp_path / "one", jobs=1)
    clean_batch([source], tmp_path / "two", jobs=2)
    assert everything(tmp_path / "one") == everything(tmp_path / "two")


@pytest.mark.usefixtures("plain")
def test_input_that_kills_its_worker_fails_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a worker dies, its tasks are done again, at last one input at a time: only the one to blame fails."""
    source, out = make(tmp_path / "in", {f"{n:03}.txt": WITH_AD for n in range(200)} | {"100-killer.txt": STORY}), tmp_path / "out"

    def dying(work: Iterable[Task], settings: Settings, _: int | None) -> Iterator[Done]:
        for task in work:
            if any("killer" in item.key for item in task.sources):
                raise RuntimeError("a worker died")
            yield clean_task(task, settings)

    monkeypatch.setattr(parallel, "_parallel", dying)
    outcome = clean_batch([source], out, jobs=1)
    assert (outcome.documents, outcome.failed) == (200, 1)
    assert "killed the worker" in reasons(out)["100-killer.txt"]


def test_workers_that_never_live_end_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where every input kills its worker the fault lies elsewhere: the run ends with the error, not with a list of failures."""

    def dying(work: Iterable[Task], *_: object) -> Iterator[Done]:
        next(iter(work))
        raise RuntimeError("no worker starts")
        yield

    monkeypatch.setattr(parallel, "_parallel", dying)
    source = make(tmp_path / "in", {f"{n}.txt": STORY for n in range(100)})
    with pytest.raises(RuntimeError, match="no worker starts"):
        clean_batch([source], tmp_path / "out", jobs=1)


def _command(source: Path, out: Path) -> list[str]:
    return [sys.executable, "-m", "cleaner.cli", "clean", str(source), "-o", str(out), "-j", "2", "-q"]


def test_killed_run_is_finished_by_the_next(tmp_path: Path) -> None:
    """SIGKILL at a random moment, then a second run: the bytes of an undisturbed run, and nothing half written."""
    source = _many(tmp_path / "in", 1500)
    clean_batch([source], tmp_path / "whole", jobs=1)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    killed = subprocess.Popen(_command(source, tmp_path / "out"), env=environment, stderr=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("out/[0-6]/*.txt")) and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(random.random())
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    for path in tmp_path.glob("out/[0-9]/*.txt"):
        assert path.read_bytes() == (tmp_path / "whole" / path.relative_to(tmp_path / "out")).read_bytes()
    assert subprocess.run(_command(source, tmp_path / "out"), env=environment, stderr=subprocess.DEVNULL, check=False).returncode == 1
    assert everything(tmp_path / "out") == everything(tmp_path / "whole")


def test_shards_together_are_the_whole(tmp_path: Path) -> None:
    """What three machines do with --shard into one OUT is what one does alone: each input once, the same rows."""
    source, together = _many(tmp_path / "in", 60), tmp_path / "together"
    clean_batch([source], tmp_path / "whole", jobs=1)
    for number in (1, 2, 3):
        clean_batch(Selection((str(source),), shard=(number, 3)), together, jobs=1)
    states = [path.parent for path in together.glob(".cleaner/shard-*/manifest.jsonl")]
    assert len(states) == 3
    whole = everything(tmp_path / "whole")
    assert {name: data for name, data in everything(together, states).items() if name in whole} == whole


@pytest.fixture
def small_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many tasks for few inputs."""
    monkeypatch.setattr(parallel, "TASK_WEIGHT", 20)


@pytest.mark.usefixtures("small_tasks")
def test_dask_cluster_loses_a_worker(tmp_path: Path) -> None:
    """The same batch runs on a Dask cluster of separate processes, one of which is killed after a third of the tasks."""
    distributed = pytest.importorskip("distributed", reason="needs dask[distributed]")
    import joblib

    source = _many(tmp_path / "in", 600)
    clean_batch([source], tmp_path / "whole", jobs=1)
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
        joblib.parallel_config(backend="dask"),
    ):
        victims = list(client.run(os.getpid).values())
        done, killed = [], []

        def kill_one(*_: object) -> None:
            done.append(len(killed))
            if len(done) == 10:
                killed.append(victims[0])
                os.kill(victims[0], signal.SIGKILL)

        clean_batch([source], tmp_path / "out", progress=kill_one)
    assert len(done) > 20, "it was killed in the middle"
    assert everything(tmp_path / "out") == everything(tmp_path / "whole")
