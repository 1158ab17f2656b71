"""Formats in and out: pages, Markdown, tables, Parquet, WARC, zstd, parts; and the way back to the source."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path

import pytest
from batch_help import AD, PAGE, STORY, WITH_AD, everything, make, plain, rows, statuses  # noqa: F401 (a fixture among them)

from cleaner.batch import clean_batch
from cleaner.parts import COLUMNS
from cleaner.restore import restore

pytestmark = pytest.mark.usefixtures("plain")


def _squeezed(text: str) -> str:
    return "".join(text.split())


def test_pages_and_markdown(tmp_path: Path) -> None:
    """A page gets .txt, or .md with its metadata as front matter; names never collide; a page without text is empty, not failed."""
    files = {"a.html": PAGE, "a.html.txt": WITH_AD, "b.htm.gz": gzip.compress(PAGE.encode()), "none.html": "<html></html>", "c.md": STORY}
    source = make(tmp_path / "in", files)
    clean_batch([source], tmp_path / "text", jobs=1)
    assert statuses(tmp_path / "text") == {
        "a.html": "cleaned", "a.html.txt": "cleaned", "b.htm.gz": "cleaned", "c.md": "cleaned", "none.html": "empty",
    }  # fmt: skip
    assert (tmp_path / "text/a.html.txt").read_text() == STORY
    page = (tmp_path / "text/a.html.txt.txt").read_text()
    assert "지붕을 고친다고" in page
    assert "처음으로" not in page
    assert gzip.decompress((tmp_path / "text/b.htm.txt.gz").read_bytes()).decode() == page
    clean_batch([source], tmp_path / "markdown", jobs=1, format="markdown")
    written = (tmp_path / "markdown/a.html.md").read_text()
    assert written.startswith('---\ntitle: "마을회관 지붕 고친다"\n')
    assert 'source: "a.html"\n---\n\n' in written
    assert (tmp_path / "markdown/c.md").read_text().endswith(STORY)
    assert (tmp_path / "markdown/a.html.txt.md").exists()


def test_audit_of_records_knows_group_and_url(tmp_path: Path) -> None:
    """What a record says of its group (or publisher) and its URL stands in the audit, where review and training look for it."""
    records = [
        {"id": 1, "text": WITH_AD, "publisher": "새벽일보", "url": "https://example.org/1"},
        {"id": 2, "text": WITH_AD, "group": "g", "publisher": "p", "url": 7},
        {"id": 3, "text": WITH_AD},
    ]
    source = make(tmp_path / "in", {"r.jsonl": "".join(json.dumps(record) + "\n" for record in records)})
    clean_batch([source], tmp_path / "out", jobs=1)
    known = [{name: row.get(name) for name in ("id", "group", "url")} for row in rows(tmp_path / "out", "audit.jsonl")]
    assert known == [
        {"id": 1, "group": "새벽일보", "url": "https://example.org/1"}, {"id": 2, "group": "g", "url": None}, {"id": 3, "group": None, "url": None},
    ]  # fmt: skip


def test_tables(tmp_path: Path) -> None:
    """CSV and TSV keep their columns, their order and their quoting; a crooked row fails alone; a table in CP949 is read."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([["id", "text", "n"], ["1", WITH_AD, "x,y"], ["2"], ["3", STORY, ""]])
    source = make(tmp_path / "in", {"a.csv": text.getvalue(), "b.csv": text.getvalue().encode("cp949"), "c.tsv": f"text\tid\n{AD}\t가\n"})
    out = tmp_path / "out"
    assert clean_batch([source], out, jobs=1).failed == 2
    for name in ("a.csv", "b.csv"):
        with (out / name).open(newline="", encoding="utf-8") as file:
            assert list(csv.reader(file)) == [["id", "text", "n"], ["1", STORY, "x,y"], ["3", STORY, ""]]
    assert (out / "c.tsv").read_text() == "text\tid\n\t가\n"
    assert "name the column" in clean_and_why(source, tmp_path / "other", field="body")["a.csv"]


def clean_and_why(source: Path, out: Path, **options: str) -> dict[str, str]:
    clean_batch([source], out, jobs=1, **options)
    return {row["path"]: row["reason"] for row in rows(out, "failures.jsonl")}


def test_parquet(tmp_path: Path) -> None:
    """A Parquet file keeps its schema and its other columns; a row without text fails alone."""
    arrow = pytest.importorskip("pyarrow", reason="needs the parquet extra")
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the parquet extra")
    (tmp_path / "in").mkdir()
    table = arrow.table({"id": [1, 2, 3], "text": [WITH_AD, None, STORY], "tags": [["a"], [], None]})
    parquet.write_table(table, tmp_path / "in/a.parquet")
    make(tmp_path / "in", {"broken.parquet": b"PAR1 no"})
    assert clean_batch([tmp_path / "in"], tmp_path / "out", jobs=1).failed == 2
    written = parquet.read_table(tmp_path / "out/a.parquet")
    assert written.schema == table.schema
    assert written.to_pylist() == [{"id": 1, "text": STORY, "tags": ["a"]}, {"id": 3, "text": STORY, "tags": None}]


def _warc_record(number: int, body: bytes, kind: str = "text/html; charset=utf-8", headers: bytes = b"") -> bytes:
    http = b"HTTP/1.1 200 OK\r\nContent-Type: " + kind.encode() + b"\r\n" + headers + b"\r\n" + body
    head = (
        f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:0-{number}>\r\nWARC-Target-URI: http://example.org/{number}\r\n"
        f"WARC-Date: 2026-01-02T03:04:05Z\r\nContent-Type: application/http; msgtype=response\r\nContent-Length: {len(http)}\r\n\r\n"
    )
    return head.encode() + http + b"\r\n\r\n"


def test_warc(tmp_path: Path) -> None:
    """The pages of a web archive become records with their URL; other responses are passed over; a broken archive has its reason."""
    pytest.importorskip("fastwarc", reason="needs the warc extra")
    records = [
        _warc_record(1, PAGE.encode()),
        _warc_record(2, b"\xff\xd8", "image/jpeg"),
        _warc_record(3, gzip.compress(PAGE.encode()), headers=b"Content-Encoding: gzip\r\n"),
        _warc_record(4, PAGE.encode("cp949"), "text/html; charset=euc-kr"),
    ]
    packed = b"".join(map(gzip.compress, records))
    source = make(tmp_path / "in", {"a.warc.gz": packed, "b.warc": b"".join(records)[:-300], "c.warc": b"nothing of the kind"})
    out = tmp_path / "out"
    assert clean_batch([source], out, jobs=1).failed == 2
    found = [json.loads(line) for line in gzip.decompress((out / "a.warc.jsonl.gz").read_bytes()).splitlines()]
    assert [row["url"] for row in found] == [f"http://example.org/{n}" for n in (1, 3, 4)]
    assert all("지붕을 고친다고" in row["text"] for row in found)
    assert found[0]["title"] == "마을회관 지붕 고친다"
    assert len((out / "b.warc.jsonl").read_text().splitlines()) == 2


def test_zstd(tmp_path: Path) -> None:
    """Zstandard is read and written like gzip."""
    zstandard = pytest.importorskip("zstandard", reason="needs the zstd extra")
    source = make(tmp_path / "in", {"a.txt.zst": zstandard.compress(WITH_AD.encode()), "cut.txt.zst": zstandard.compress(b"a" * 999)[:-5]})
    clean_batch([source], tmp_path / "out", jobs=1)
    assert zstandard.decompress((tmp_path / "out/a.txt.zst").read_bytes()).decode() == STORY
    assert statuses(tmp_path / "out") == {"a.txt.zst": "cleaned", "cut.txt.zst": "failed"}


def _mixed(folder: Path) -> Path:
    records = [{"id": f"r{n}", "text": WITH_AD, "section": "지역", "url": f"http://example.org/{n}"} for n in range(5)]
    lines = "\n".join(map(json.dumps, [*records, {"id": 7}, {"text": STORY}]))
    files: dict[str, str | bytes] = {f"{n:02}.txt": WITH_AD if n % 2 else STORY for n in range(30)}
    return make(folder, files | {"x.jsonl": lines, "p.html": PAGE, "bad.txt": b"\0" * 99})


@pytest.mark.parametrize("format", ["jsonl", "parquet"])
def test_parts(tmp_path: Path, format: str) -> None:
    """Sharded formats: documented columns, every document once; a run that changes one input ends with the bytes of a fresh run."""
    if format == "parquet":
        pytest.importorskip("pyarrow", reason="needs the parquet extra")
    source, out = _mixed(tmp_path / "in"), tmp_path / "out"
    outcome = clean_batch([source], out, jobs=1, format=format, parts=4)
    assert (outcome.documents, outcome.failed) == (37, 2)
    found = _parts(out)
    assert len(found) == 37
    assert all(tuple(row) == COLUMNS for row in found)
    record = next(row for row in found if row["id"] == "r3")
    extra = record["extra"] if format == "jsonl" else json.loads(record["extra"])
    assert (record["path"], record["record"], record["text"], record["url"]) == ("x.jsonl", 4, STORY, "http://example.org/3")
    assert extra == {"section": "지역"}
    make(source, {"05.txt": STORY + "끝.\n", "new.txt": WITH_AD})
    (source / "06.txt").unlink()
    before = {path.name: path.stat().st_mtime_ns for path in out.glob("part-*")}
    from cleaner.manifest import Rules

    assert clean_batch([source], out, jobs=1, format=format, parts=4, rules=Rules(prune=True)).inputs == 3
    assert any(path.stat().st_mtime_ns == before[path.name] for path in out.glob("part-*"))
    (out / f"part-00001-of-00004.{format}").unlink()
    assert 0 < clean_batch([source], out, jobs=1, format=format, parts=4).inputs < 33
    clean_batch([source], tmp_path / "fresh", jobs=1, format=format, parts=4)
    assert everything(out) == everything(tmp_path / "fresh")


def _parts(out: Path) -> list[dict[str, object]]:
    if list(out.glob("*.jsonl")):
        return [json.loads(line) for path in sorted(out.glob("part-*")) for line in path.read_text(encoding="utf-8").splitlines()]
    from pyarrow import parquet

    return [row for path in sorted(out.glob("part-*")) for row in parquet.read_table(path).to_pylist()]


@pytest.mark.parametrize("format", ["text", "markdown", "jsonl", "parquet"])
def test_restore(tmp_path: Path, format: str) -> None:
    """Clean text and audit give the source back, exact up to white space, whatever the format; changed clean text is noticed."""
    if format == "parquet":
        pytest.importorskip("pyarrow", reason="needs the parquet extra")
    source, out, back = _mixed(tmp_path / "in"), tmp_path / "out", tmp_path / "back"
    lines = [json.dumps({"id": 1, "text": STORY}), json.dumps({"id": 2, "text": WITH_AD})]
    make(source, {"y.jsonl": f"\n{lines[0]}\n\n{lines[1]}\n", "z.csv": f'text\n"{WITH_AD}"\n'})
    clean_batch([source], out, jobs=1, format=format, parts=2)
    assert not [problem for _, problem in restore(out, back) if problem]
    if format in ("jsonl", "parquet"):
        found = {(row["path"], row["record"]): str(row["text"]) for row in _parts(back)}
        for place in (("01.txt", None), ("x.jsonl", 5), ("y.jsonl", 4)):
            assert _squeezed(found[place]) == _squeezed(WITH_AD)
        return
    ending = ".md" if format == "markdown" else ""
    for n in range(30):
        assert _squeezed((back / f"{n:02}.txt{ending}").read_text()) == _squeezed((source / f"{n:02}.txt").read_text())
    texts = [json.loads(line)["text"] for line in (back / "y.jsonl").read_text().splitlines()]
    assert list(map(_squeezed, texts)) == [_squeezed(STORY), _squeezed(WITH_AD)]
    assert _squeezed(AD) in _squeezed((back / "z.csv").read_text())
    path = out / f"01.txt{ending}"
    path.write_text(path.read_text().replace("겨울", "여름"))
    assert [key for key, problem in restore(out, tmp_path / "again") if problem] == ["01.txt"]
