"""What many tests share: the packaged model, the example inputs, a spread of texts, and a way to run the command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cleaner import CleanArticle, Cleaner, corpus

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"

try:
    import hypothesis
except ImportError:  # the properties are skipped; everything else runs
    pass
else:
    hypothesis.settings.register_profile("steady", deadline=None, derandomize=True, database=None, max_examples=60)
    hypothesis.settings.load_profile("steady")

STORY = (
    "군의회는 14일 본회의를 열어 낡은 방조제를 보강하는 예산 27억원을 의결했다.",
    "공사는 내년 3월 시작되며, 파도에 깎인 둑 640m 구간에 돌망태를 새로 쌓는다.",
    '의회 관계자는 "지난해 태풍 때 논 12㏊가 물에 잠겼다"며 "장마가 오기 전에 급한 곳부터 마치겠다"고 말했다.',
    "주민 설명회는 다음 달 2일 면사무소에서 열린다.",
)
AD = (
    "밝은소리보청기",
    "최신 귓속형 보청기 최대 40% 할인",
    "무료 청력검사 · 출장 상담 · 보청기 국가지원금 안내",
    "전화 예약 061) 000-4455 읍내 우체국 맞은편 2층",
)

AWKWARD = (
    "", " ", "\n", "\n\n\n", "\u3000\t\x0b\x0c\x1c\x1f\x85\u2028", "가", "a", ".", "▶", "@", "😀", "\x00", "\ufeff", "\u200b", "a\x00b\n\x00\nc",
    "\ud800", "글 \udfff 글\n\ud83d", "한 줄뿐이다", "\r\r\n\n\r", "a\rb\r\nc\nd", "가\u2028나\u2029다\x85라",
    "▶▶[무료]◀◀ ▶ ▶", "@@@@", "a@b.comCopyright x@", "「」『』（）" * 20, "0123456789" * 200, "가나다. " * 200, "\u1100\u1161\u11a8" * 100,
    "a" + "\u0301" * 50, "\u0301시작이 결합 문자다.", "א ב ג\nمرحبا بالعالم", "👩‍👩‍👧‍👦 가족\n👍🏽", "\ufeff머리글 앞에 표식이 있다.\n본문이다.",
)  # fmt: skip
"""Texts that break careless code: white space alone, marks alone, lone surrogates, NULs, every line end, one character."""


@pytest.fixture(scope="session")
def cleaner() -> Cleaner:
    """The packaged model with its own policy."""
    return Cleaner()


@pytest.fixture(scope="session")
def texts() -> list[str]:
    """Some eighty texts: the example files and records, every sixteenth document of the corpus, and the awkward ones."""
    found = [(EXAMPLES / "newspaper-page.txt").read_text(encoding="utf-8"), (EXAMPLES / "old-scrape.txt").read_bytes().decode("cp949")]
    found += [json.loads(line)["text"] for line in (EXAMPLES / "records.jsonl").read_text(encoding="utf-8").splitlines()]
    found += [document.text for document in corpus.load([ROOT / "corpus"])[::16]]
    return found + list(AWKWARD)


Verdict = tuple[str, str, float, bool]


@pytest.fixture(scope="session")
def verdicts() -> Callable[[CleanArticle], list[Verdict]]:
    """The verdicts of an article, whatever the places they stand at."""
    return lambda article: [(segment.text, segment.label, segment.score, segment.kept) for segment in article.segments]


@pytest.fixture(scope="session")
def run() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run ``cleaner ARGUMENTS`` in a process of its own, with the package that these tests see."""

    def command(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
        import cleaner as package

        source = str(Path(package.__file__).parent.parent)
        environment = {**os.environ, "PYTHONPATH": source, "PYTHONIOENCODING": "utf-8"}
        settings = {"capture_output": True, "encoding": "utf-8", "env": environment, "timeout": 120, **options}
        return subprocess.run([sys.executable, "-m", "cleaner.cli", *map(str, arguments)], check=False, **settings)  # type: ignore[call-overload]

    return command
