"""What the tests of the batch share: verdicts that are plain, sample texts, and ways to look at OUT."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cleaner.bulk import Judged
from cleaner.manifest import TIMES, order_of
from cleaner.records import Document
from cleaner.write import clean_text

STORY = "군은 오는 5월까지 마을회관 세 곳의 지붕을 고친다고 3일 밝혔다.\n\n주민들은 겨울이 오기 전에 공사가 끝나기를 바라고 있다.\n"
AD = "광고: 무릎 통증 상담 전화 1588-0000"
WITH_AD = STORY.replace("\n\n", f"\n\n{AD}\n\n")
PAGE = (
    "<html><head><title>마을회관 지붕 고친다</title></head><body><nav><a href='/'>처음으로</a></nav><article><h1>마을회관 지붕 고친다</h1>"
    + "".join(f"<p>{line} 올해 예산은 지난해보다 조금 늘었고, 공사는 두 달쯤 걸릴 것으로 보인다.</p>" for line in STORY.split("\n\n"))
    + "</article></body></html>"
)


def plain_judge(_: object, documents: Sequence[Document]) -> list[Judged]:
    """Drops the lines that begin with ``광고:``; no model, so that the tests guard the batch alone."""
    return [_judged(document) for document in documents]


def _judged(document: Document) -> Judged:
    spans, runs, at = [], [], 0
    for number, line in enumerate(document.text.splitlines(keepends=True)):
        if line.strip():
            bad = line.startswith("광고:")
            spans.append((number, at, at + len(line.rstrip()), not bad))
            runs.append((at, "ad" if bad else "editorial", 0.99 if bad else 0.01, not bad))
        at += len(line)
    kept, dropped = (Counter(label for _, label, _, stays in runs if stays is side) for side in (True, False))
    return Judged(document, clean_text(document.text, spans), kept, dropped, runs)


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clean without a model."""
    monkeypatch.setattr("cleaner.task._cleaner", lambda _: None)
    monkeypatch.setattr("cleaner.task.judge", plain_judge)


def make(folder: Path, files: dict[str, str | bytes]) -> Path:
    """Write files below a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def rows(out: Path, name: str = "manifest.jsonl") -> list[dict[str, Any]]:
    """The rows of a file in the state folder."""
    return [json.loads(line) for line in (out / ".cleaner" / name).read_text(encoding="utf-8").splitlines()]


def statuses(out: Path) -> dict[str, str]:
    """The status of each input."""
    return {row["path"]: row["status"] for row in rows(out)}


def reasons(out: Path) -> dict[str, str]:
    """Why each failed input failed."""
    return {row["path"]: row["reason"] for row in rows(out, "failures.jsonl")}


def everything(out: Path, states: Sequence[Path] = ()) -> dict[str, bytes]:
    """All that a run wrote and that two runs must agree on, byte for byte: documents, audit, failures, the manifest without times.

    With the `states` of several shards, their rows together in the order of inputs.
    """
    found = {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file() and ".cleaner" not in path.parts}
    lines = {
        name: [line for state in states or [out / ".cleaner"] for line in (state / name).read_bytes().splitlines(keepends=True)]
        for name in ("audit.jsonl", "failures.jsonl", "manifest.jsonl")
    }
    if states:
        lines = {name: sorted(some, key=order_of) for name, some in lines.items()}
    timeless = [{name: value for name, value in json.loads(line).items() if name not in TIMES} for line in lines.pop("manifest.jsonl")]
    return {**found, **{name: b"".join(some) for name, some in lines.items()}, "manifest": json.dumps(timeless).encode()}
