"""The child process that parses pages: killed when it hangs, eats memory or dies, and replaced."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from batch_help import PAGE, STORY, make, plain, reasons, statuses  # noqa: F401 (a fixture among them)

from cleaner import ReadError, pages
from cleaner.batch import clean_batch
from cleaner.pages import Pages

# In the child, words in a page stand for what bad pages do to a parser. The regular expression hangs in C, holding the GIL.
_NASTY = """
import sys; sys.path[:] = sys.argv[3:]
import os, re
from cleaner import pages, read
from cleaner.records import Document
pages.ALARM_AFTER = 0.5
def nasty(html, url=None, encoding=None):
    text = html if isinstance(html, str) else html.decode("utf-8", "replace")
    if "HANG" in text: re.match("(a+)+$", "a" * 64 + "b")
    if "DIE" in text: os.kill(os.getpid(), 11)
    if "EAT" in text: bytearray(1 << 36)
    if "GROW" in text: [bytes(1 << 20) for _ in range(1 << 20)]
    if "RAISE" in text: raise SystemError("odd")
    return Document(text)  # without trafilatura, which takes a second to load
read.read_page = nasty
pages.serve(float(sys.argv[1]), int(sys.argv[2]))
"""


@pytest.fixture
def nasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "_START", _NASTY)


@pytest.fixture
def child(nasty: None) -> Iterator[Pages]:
    owner = Pages(time_limit=1.5, memory_limit=300 << 20)
    yield owner
    owner.close()


def test_page_within_the_limits() -> None:
    """A page gives its text and metadata, whether it comes as bytes or as text; the child serves many."""
    child = Pages()
    for page in (PAGE, PAGE.encode(), PAGE.encode("cp949")):
        document = child.extract(page)
        assert "지붕을 고친다고" in document.text
        assert document.title == "마을회관 지붕 고친다"
    assert child.extract("<html></html>").text == ""
    child.close()


def test_bad_pages_do_not_stop_the_good_ones(child: Pages) -> None:
    """A page that hangs its parser in C, kills it or eats its memory fails with its reason; the next page is parsed."""
    for word, reason in (("HANG", "more than 1.5 seconds"), ("DIE", "SIGSEGV"), ("EAT", "memory"), ("GROW", "memory"), ("RAISE", "odd")):
        begun = time.monotonic()
        with pytest.raises(ReadError, match=reason):
            child.extract(f"<html><p>{word}</p></html>")
        assert time.monotonic() - begun < 30
        assert "지붕을" in child.extract(PAGE).text


def test_child_ends_with_its_owner(child: Pages) -> None:
    """A child whose owner was killed ends by itself, even while C code hangs: the kernel's alarm does it."""
    child.extract(PAGE)
    process = child._child
    assert process is not None
    child.close()
    assert process.poll() == -signal.SIGKILL
    child.time_limit = 0.5
    child.start()
    process = child._child
    assert process is not None
    assert process.stdin is not None
    asked = b'{"url":null,"encoding":null,"text":true}'
    process.stdin.write(pages._HEAD.pack(len(asked), 4) + asked + b"HANG")  # and nobody waits for the answer
    assert process.wait(60) == -signal.SIGALRM


@pytest.mark.usefixtures("nasty", "plain")
def test_batch_with_bad_pages(tmp_path: Path) -> None:
    """In a batch, bad pages are set aside with their reasons and everything else is cleaned; no child is left behind."""
    files = {f"{n}.html": PAGE for n in range(3)} | {"1hang.html": "HANG", "2die.html": "DIE", "x.txt": STORY}
    files["y.jsonl"] = '{"id": 1, "html": "DIE"}\n{"id": 2, "html": "<p>x</p>"}\n'
    source, out = make(tmp_path / "in", files), tmp_path / "out"
    outcome = clean_batch([source], out, jobs=1, time_limit=1.5)
    assert outcome.failed == 3
    assert sorted(reasons(out)) == ["1hang.html", "2die.html", "y.jsonl"]
    assert sorted(key for key, status in statuses(out).items() if status == "cleaned") == ["0.html", "1.html", "2.html", "x.txt", "y.jsonl"]
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    if children.exists():
        names = [Path(f"/proc/{child}/cmdline").read_bytes() for child in children.read_text().split() if Path(f"/proc/{child}").exists()]
        assert not [name for name in names if b"pages.serve" in name]
