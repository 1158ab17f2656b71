"""How long the command takes to answer: `cleaner --help` and one small file, beside `import numpy`.

    python benchmarks/startup.py [--runs 11] [--out DIR]

Wall-clock medians; the commands take turns, and ratios are taken within a turn. The file is a short text written for it.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from report import markdown_table, save

ARTICLE = """시립도서관, 다음 달부터 밤 10시까지 문 연다

시는 다음 달 1일부터 시립도서관 세 곳의 열람실을 밤 10시까지 연다고 5일 밝혔다.
그동안 열람실은 오후 6시에 문을 닫아 직장인이 이용하기 어렵다는 지적이 있었다.

▶ 모바일로 보는 오늘의 뉴스, 앱 내려받기
"""
BASE = 'python -c "import numpy"'


def commands(folder: Path) -> dict[str, list[str]]:
    """Each command by the name it gets in the table."""
    file = folder / "one.txt"
    file.write_text(ARTICLE, encoding="utf-8")
    beside = Path(sys.executable).parent / "cleaner"
    cleaner = [str(beside)] if beside.exists() else [sys.executable, "-m", "cleaner.cli"]
    return {
        "python -c pass": [sys.executable, "-c", "pass"], BASE: [sys.executable, "-c", "import numpy"],
        "cleaner --help": [*cleaner, "--help"], "cleaner clean one.txt": [*cleaner, "clean", str(file)],
    }  # fmt: skip


def seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=11)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        todo = commands(Path(folder))
        for command in todo.values():
            seconds(command)  # files into the cache of the system
        turns = [{name: seconds(command) for name, command in todo.items()} for _ in range(options.runs)]
    table = {
        name: {
            "ms": 1000 * statistics.median(turn[name] for turn in turns),
            "× import numpy": statistics.median(turn[name] / turn[BASE] for turn in turns),
        }
        for name in todo
    }
    text = markdown_table(table, 2)
    print(text)
    save(options.out, "startup", table, text)


if __name__ == "__main__":
    main()
