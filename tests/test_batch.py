"""The batch: mirrored folders, resume, failures set aside, the audit."""

from __future__ import annotations

import gzip
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from batch_help import AD, STORY, WITH_AD, everything, make, plain, reasons, rows, statuses  # noqa: F401 (a fixture among them)

from cleaner import Cleaner, Document, UsageError, corpus
from cleaner.batch import clean_batch, locked, state_folder
from cleaner.bulk import judge
from cleaner.errors import CleanerError
from cleaner.manifest import Rules
from cleaner.sources import Selection
from cleaner.write import audit_columns, audit_row

pytestmark = pytest.mark.usefixtures("plain")


def test_mirrors_a_folder(tmp_path: Path) -> None:
    """Files keep their names and their text, without what was dropped; the audit holds the whole document, in corpus form."""
    source = make(tmp_path / "in", {"a.txt": WITH_AD, "sub/b.md": STORY, "c.txt.gz": gzip.compress(WITH_AD.encode())})
    outcome = clean_batch([source], tmp_path / "out", jobs=1)
    assert (outcome.inputs, outcome.documents, outcome.failed) == (3, 3, 0)
    assert (tmp_path / "out/a.txt").read_text() == STORY
    assert (tmp_path / "out/sub/b.md").read_text() == STORY
    assert gzip.decompress((tmp_path / "out/c.txt.gz").read_bytes()).decode() == STORY
    audit = rows(tmp_path / "out", "audit.jsonl")
    assert [row["id"] for row in audit] == ["a.txt", "c.txt.gz"]
    document = corpus.from_row(audit[0], "audit")
    assert document.by == "model"
    assert [label for line, label in zip(document.lines, document.labels) if line == AD] == ["ad"]


def test_manifest_has_a_row_for_each_input(tmp_path: Path) -> None:
    """The manifest is in the order of paths and tells size, digest, encoding, status, counts and time."""
    source = make(tmp_path / "in", {"b.txt": WITH_AD, "a/z.txt": STORY.encode("cp949"), "photo.jpg": b"\xff", "none.txt": ""})
    clean_batch([source], tmp_path / "out", jobs=1)
    found = rows(tmp_path / "out")
    assert [row["path"] for row in found] == ["a/z.txt", "b.txt", "none.txt", "photo.jpg"]
    assert [row["status"] for row in found] == ["cleaned", "cleaned", "empty", "skipped"]
    assert found[0]["encoding"] == "cp949"
    assert found[1]["dropped"] == {"ad": 1}
    assert found[1]["kept"] == {"editorial": 2}
    assert {"size", "mtime_ns", "digest", "output", "output_size", "output_crc", "documents", "characters", "seconds"} <= set(found[1])
    report = (tmp_path / "out/.cleaner/report.txt").read_text()
    assert "photo.jpg" in report
    assert "segments dropped: 1" in report


def test_second_run_does_only_what_changed(tmp_path: Path) -> None:
    """New and changed inputs are cleaned, a lost output is made again, the rest is left alone."""
    source, out = make(tmp_path / "in", {f"{n}.txt": WITH_AD for n in range(5)}), tmp_path / "out"
    clean_batch([source], out, jobs=1)
    assert clean_batch([source], out, jobs=1).inputs == 0
    make(source, {"1.txt": STORY + "한 줄 더 있다.\n", "new.txt": WITH_AD})
    (out / "3.txt").unlink()
    before = (out / "2.txt").stat().st_mtime_ns
    outcome = clean_batch([source], out, jobs=1)
    assert (outcome.inputs, outcome.unchanged) == (3, 3)
    assert (out / "2.txt").stat().st_mtime_ns == before
    assert [row["id"] for row in rows(out, "audit.jsonl")] == ["0.txt", "2.txt", "3.txt", "4.txt", "new.txt"]
    fresh = tmp_path / "fresh"
    clean_batch([source], fresh, jobs=1)
    assert everything(out) == everything(fresh)


def test_other_policy_cleans_again(tmp_path: Path) -> None:
    """What decides over the output is part of what counts as unchanged."""
    source = make(tmp_path / "in", {"a.txt": STORY})
    clean_batch([source], tmp_path / "out", jobs=1)
    assert clean_batch([source], tmp_path / "out", jobs=1, favor="keeping").inputs == 1


def test_checksum_reads_content(tmp_path: Path) -> None:
    """With checksum, a file that was only touched is unchanged, and one whose time was set back is not."""
    source, out = make(tmp_path / "in", {"a.txt": STORY, "b.txt": STORY}), tmp_path / "out"
    clean_batch([source], out, jobs=1)
    status = (source / "b.txt").stat()
    (source / "b.txt").write_text(STORY.replace("5월", "6월"))
    os.utime(source / "b.txt", ns=(status.st_atime_ns, status.st_mtime_ns))
    os.utime(source / "a.txt")
    outcome = clean_batch([source], out, jobs=1, rules=Rules(checksum=True))
    assert (outcome.inputs, outcome.unchanged) == (1, 1)
    assert "6월" in (out / "b.txt").read_text()


def test_vanished_inputs_are_reported_and_pruned_on_demand(tmp_path: Path) -> None:
    """What vanished from the source stays in OUT, is counted, and goes with prune: file, manifest row, audit row."""
    source, out = make(tmp_path / "in", {"a.txt": WITH_AD, "b.txt": WITH_AD, "c.txt": WITH_AD}), tmp_path / "out"
    clean_batch([source], out, jobs=1)
    (source / "b.txt").unlink()
    assert clean_batch([source], out, jobs=1).vanished == 1
    assert (out / "b.txt").exists()
    make(source, {"c.txt": STORY})
    assert clean_batch([source], out, jobs=1, rules=Rules(prune=True)).vanished == 1
    assert not (out / "b.txt").exists()
    assert list(statuses(out)) == ["a.txt", "c.txt"]
    assert [row["id"] for row in rows(out, "audit.jsonl")] == ["a.txt"]
    assert clean_batch([source], out, jobs=1).vanished == 0


@pytest.fixture
def small_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks of 64 inputs, so that 200 small files are more than one."""
    monkeypatch.setattr("cleaner.parallel.TASK_INPUTS", 64)


class _Stop(BaseException):
    """Stands for a kill."""


def _stop_after(tasks: int) -> Any:
    done = []

    def progress(*_: object) -> None:
        done.append(1)
        if len(done) == tasks:
            raise _Stop

    return progress


def test_stopped_run_is_finished_by_the_next(tmp_path: Path, small_tasks: None) -> None:
    """A run that is cut off leaves a journal; the next run goes on from there and ends with the same bytes."""
    source = make(tmp_path / "in", {f"{n:03}.txt": WITH_AD if n % 3 else STORY for n in range(200)} | {"bad.txt": b"\0\1\2" * 99})
    out, whole = tmp_path / "out", tmp_path / "whole"
    clean_batch([source], whole, jobs=1)
    with pytest.raises(_Stop):
        clean_batch([source], out, jobs=1, progress=_stop_after(2))
    assert not (out / ".cleaner/manifest.jsonl").exists()
    outcome = clean_batch([source], out, jobs=1)
    assert outcome.unchanged == 128
    assert everything(out) == everything(whole)
    assert sorted(path.name for path in (out / ".cleaner").iterdir()) == sorted(path.name for path in (whole / ".cleaner").iterdir())


@pytest.mark.parametrize("harm", ["output", "audit", "journal"])
def test_power_loss_is_found_and_redone(tmp_path: Path, harm: str, small_tasks: None) -> None:
    """After a power loss, whatever file was left incomplete is found by its digest and made again."""
    source = make(tmp_path / "in", {f"{n:03}.txt": WITH_AD for n in range(200)})
    out, whole = tmp_path / "out", tmp_path / "whole"
    clean_batch([source], whole, jobs=1)
    with pytest.raises(_Stop):
        clean_batch([source], out, jobs=1, progress=_stop_after(2))
    journal = out / ".cleaner/journal.jsonl"
    lines = journal.read_bytes().split(b"\n")
    head = json.loads(lines[0])
    journal.write_bytes(b"\n".join([json.dumps({**head, "boot": "another boot"}).encode(), *lines[1:]]))
    if harm == "output":
        (out / "010.txt").write_bytes(b"")
        os.truncate(out / "100.txt", 10)
    elif harm == "audit":
        next((out / ".cleaner/run").rglob("*.audit")).write_bytes(b"\0" * 100)
    else:
        os.truncate(journal, journal.stat().st_size - 50)
    clean_batch([source], out, jobs=1)
    assert everything(out) == everything(whole)


def test_failures_are_set_aside(tmp_path: Path) -> None:
    """Every bad input has its reason, every good one is cleaned, and nothing half written is left."""
    source = make(
        tmp_path / "in",
        {
            "good.txt": WITH_AD,
            "binary.txt": bytes(range(256)) * 20,
            "cut.txt.gz": gzip.compress(WITH_AD.encode() * 50)[:-30],
            "bomb.txt.gz": gzip.compress(b"a" * 3_000_000),
            "long.txt": "가" * 1_000_000,
            "cut.jsonl.gz": gzip.compress(json.dumps({"text": WITH_AD}).encode() * 50)[:-30],
        },
    )
    out = tmp_path / "out"
    outcome = clean_batch([source, tmp_path / "missing.txt"], out, jobs=1, max_bytes=1_000_000)
    assert outcome.failed == 6
    why = reasons(out)
    assert "no such file" in why["missing.txt"]
    assert "NUL" in why["in/binary.txt"]
    assert "truncated" in why["in/cut.txt.gz"]
    assert "truncated" in why["in/cut.jsonl.gz"]
    assert "1,000,000 bytes" in why["in/bomb.txt.gz"]
    assert "--max-bytes" in why["in/long.txt"]
    assert [path.name for path in out.rglob("*.*") if ".cleaner" not in path.parts] == ["good.txt"]


def test_failed_inputs_are_tried_again_on_demand(tmp_path: Path) -> None:
    """A failure stays one until its input changes, or until it is to be retried; what may pass by itself is always retried."""
    source, out = make(tmp_path / "in", {"a.txt": b"\0" * 999, "b.txt": STORY}), tmp_path / "out"
    assert clean_batch([source], out, jobs=1).failed == 1
    again = clean_batch([source], out, jobs=1)
    assert (again.inputs, again.failed, again.failed_before) == (0, 0, 1)
    assert clean_batch([source], out, jobs=1, rules=Rules(retry_failed=True)).failed == 1
    make(source, {"a.txt": STORY})
    assert clean_batch([source], out, jobs=1).failed == 0
    assert reasons(out) == {}


def test_stale_output_of_an_input_that_now_fails_is_removed(tmp_path: Path) -> None:
    """The clean text of an earlier version does not stand for an input that can no longer be read."""
    source, out = make(tmp_path / "in", {"a.txt": STORY}), tmp_path / "out"
    clean_batch([source], out, jobs=1)
    make(source, {"a.txt": b"\0" * 999})
    clean_batch([source], out, jobs=1)
    assert not (out / "a.txt").exists()


def test_unreadable_file_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file without the right to read it fails with advice, and the next run tries it again without being asked."""
    source, out = make(tmp_path / "in", {"a.txt": STORY, "b.txt": STORY}), tmp_path / "out"

    def refuse(path: str, *_: int) -> bytes:
        if path.endswith("a.txt"):
            raise PermissionError(13, "Permission denied", path)
        return Path(path).read_bytes()

    with monkeypatch.context() as patch:
        patch.setattr("cleaner.task.read_limited", refuse)
        clean_batch([source], out, jobs=1)
    assert "Permission denied" in reasons(out)["a.txt"]
    assert clean_batch([source], out, jobs=1).inputs == 1
    assert reasons(out) == {}


def test_full_disk_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is no fault of an input: the run ends with advice, and the next one goes on."""
    source, out = make(tmp_path / "in", {"a.txt": STORY}), tmp_path / "out"

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("cleaner.task.write_whole", full)
        with pytest.raises(CleanerError, match="No space left"):
            clean_batch([source], out, jobs=1)
    assert clean_batch([source], out, jobs=1).documents == 1


def test_records_keep_their_file(tmp_path: Path) -> None:
    """A file of records gives a file of records: other fields pass through, ids never become paths, failures are listed."""
    lines = [
        json.dumps({"id": "../../etc/passwd", "text": WITH_AD, "n": [1, {"x": None}]}),
        json.dumps({"id": "same", "text": STORY}),
        "not json",
        json.dumps({"id": "same", "text": "lone \ud800 surrogate"}),
        "",
        json.dumps({"text": STORY}),
        json.dumps({"id": "no text"}),
        json.dumps({"id": "x" * 2000, "text": STORY * 2000}),
    ]
    source, out = make(tmp_path / "in", {"x.jsonl": "\n".join(lines) + "\n"}), tmp_path / "out"
    outcome = clean_batch([source], out, jobs=1, max_bytes=100_000)
    assert (outcome.inputs, outcome.documents, outcome.failed) == (1, 4, 3)
    written = [json.loads(line) for line in (out / "x.jsonl").read_text().splitlines()]
    assert written[0] == {"id": "../../etc/passwd", "text": STORY, "n": [1, {"x": None}]}
    assert [row["id"] for row in written] == ["../../etc/passwd", "same", "same", 6]
    assert written[2]["text"] == "lone \ud800 surrogate"
    assert [(row["record"], row["id"]) for row in rows(out, "failures.jsonl")] == [(3, None), (7, "no text"), (8, None)]
    assert [path.name for path in tmp_path.rglob("*passwd*")] == []


def test_field_and_encoding(tmp_path: Path) -> None:
    """`field` names the text of a record, with dots for nesting; records in UTF-16 are read as lines all the same."""
    line = json.dumps({"id": 1, "page": {"body": WITH_AD}}, ensure_ascii=False) + "\n"
    source = make(tmp_path / "in", {"a.jsonl": line, "b.jsonl": line.encode("utf-16"), "c.jsonl": line.encode("cp949")})
    clean_batch([source], tmp_path / "out", jobs=1, field="page.body")
    for name in ("a", "b", "c"):
        assert json.loads((tmp_path / f"out/{name}.jsonl").read_text())["page"]["body"] == STORY


def test_out_belongs_to_one_source_and_one_format(tmp_path: Path) -> None:
    """A run that does not fit what is in OUT is refused, with advice, before anything is written."""
    one, two = make(tmp_path / "one", {"a.txt": STORY}), make(tmp_path / "two", {"a.txt": WITH_AD})
    clean_batch([one], tmp_path / "out", jobs=1)
    before = everything(tmp_path / "out")
    for inputs, options in (([two], {}), ([one], {"format": "jsonl"})):
        with pytest.raises(UsageError, match="name another folder"):
            clean_batch(inputs, tmp_path / "out", jobs=1, **options)
    assert everything(tmp_path / "out") == before


def test_out_that_cannot_be_used(tmp_path: Path) -> None:
    """A file as OUT, or an OUT that another run works on, is wrong use and harms nothing."""
    source = make(tmp_path / "in", {"a.txt": STORY})
    with pytest.raises(UsageError, match="is a file"):
        clean_batch([source], source / "a.txt", jobs=1)
    assert (source / "a.txt").read_text() == STORY
    with locked(state_folder(tmp_path / "out")), pytest.raises(UsageError, match="another run"):
        clean_batch([source], tmp_path / "out", jobs=1)


def test_shards_share_one_out(tmp_path: Path) -> None:
    """The shards of a list make up the whole, whoever does them and in whatever order."""
    source, whole, out = make(tmp_path / "in", {f"{n}.txt": WITH_AD for n in range(40)}), tmp_path / "whole", tmp_path / "out"
    clean_batch([source], whole, jobs=1)
    counts = [clean_batch(Selection((str(source),), shard=(number, 3)), out, jobs=1).inputs for number in (3, 1, 2)]
    assert sum(counts) == 40
    assert min(counts) > 4
    assert {path.name for path in out.glob("*.txt")} == {path.name for path in whole.glob("*.txt")}
    assert len(list((out / ".cleaner").glob("shard-*/manifest.jsonl"))) == 3


def test_nothing_but_clean_text_outside_the_state_folder(tmp_path: Path) -> None:
    """Nothing that later reads OUT meets an ad: no word of it stands outside the state folder."""
    source, out = make(tmp_path / "in", {"a.txt": WITH_AD, "b.jsonl": json.dumps({"text": WITH_AD})}), tmp_path / "out"
    clean_batch([source], out, jobs=1)
    texts = [path.read_bytes() for path in out.rglob("*") if path.is_file() and ".cleaner" not in path.parts]
    assert len(texts) == 2
    assert not any(b"1588" in text for text in texts)


def test_bulk_gives_the_verdicts_of_the_cleaner(cleaner: Cleaner, texts: list[str]) -> None:
    """The short way that a batch takes ends with the text, the counts and the runs of `Cleaner`."""
    for article, judged in zip(cleaner.clean_many(texts), judge(cleaner, [Document(text) for text in texts])):
        assert judged.text == article.text
        assert judged.kept == Counter(segment.label for segment in article.kept)
        assert judged.dropped == Counter(segment.label for segment in article.dropped)
        assert not judged.dropped or audit_columns(judged.document, judged.runs) == audit_row(article)
