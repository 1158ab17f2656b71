"""A thousand hostile inputs: does the batch end, clean what is good, name what is bad, and write nowhere else?

    python benchmarks/hostile.py [--keep DIR] [--jobs N] [--out DIR]

Random bytes, truncated and bombed archives, 200 MB in one line, HTML nested 100,000 deep, a million table cells, NULs, lone
surrogates, mixed encodings, loops of links, files that vanish or cannot be read, names and record ids from hell. Everything is
made by this script. Exit status 0 if all of it holds.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from report import markdown_table, save

SENTENCES = [
    "군은 내년까지 마을 안길 열두 곳에 가로등을 새로 세우기로 했다.",
    "조합은 올해 사과 수매량이 지난해보다 조금 줄었다고 밝혔다.",
    "The council voted to keep the branch library open on Saturdays.",
    "도서관은 다음 달부터 저녁 아홉 시까지 문을 연다.",
    "Die Gemeinde will den alten Bahnhof bis zum Herbst sanieren.",
]
GOOD, BAD, EMPTY, SKIPPED = "cleaned", "failed", "empty", "skipped"


class Set:
    """Inputs below a folder, each with the status it must get (several where either is right)."""

    def __init__(self, folder: Path, seed: int = 4) -> None:
        self.folder, self.random = folder, random.Random(seed)
        self.expected: dict[str, tuple[str, ...]] = {}
        folder.mkdir(parents=True)

    def add(self, name: str | bytes, content: bytes, *status: str) -> None:
        path = os.path.join(os.fsencode(self.folder), os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        self.expected[os.fsdecode(name)] = status

    def text(self, lines: int = 12) -> str:
        return "\n\n".join(" ".join(self.random.choices(SENTENCES, k=3)) for _ in range(lines)) + "\n"

    def page(self, body: str | None = None) -> str:
        inner = body or "".join(f"<p>{paragraph}</p>" for paragraph in self.text().split("\n\n"))
        return f"<html><head><title>Page</title></head><body><article><h1>Page</h1>{inner}</article></body></html>"


def make(folder: Path) -> Set:
    """The set: 1,000 inputs and some links."""
    inputs = Set(folder)
    _good(inputs)
    _broken(inputs)
    _huge(inputs)
    _names_and_links(inputs)
    count = 0
    while len(inputs.expected) < 1000:
        inputs.add(f"fill/{count:04}.txt", inputs.text().encode(), GOOD)
        count += 1
    return inputs


def _good(inputs: Set) -> None:
    korean = "\n".join(SENTENCES[0:2] * 20)
    for n, codec in enumerate(["utf-8", "utf-8-sig", "cp949", "utf-16", "utf-8"] * 40):
        inputs.add(f"good/{n:03}.txt", (korean if codec != "utf-8" else inputs.text()).encode(codec), GOOD)
    for n in range(60):
        inputs.add(f"good/{n:03}.html", inputs.page().encode(), GOOD)
    for n in range(40):
        ids = ["../../etc/passwd", "/etc/passwd", "same", "same", "con\0trol", "x" * 5000, None, {"a": 1}, "..", "\ud800"]
        records = "".join(json.dumps({"id": name, "text": inputs.text(4)}) + "\n" for name in ids)
        inputs.add(f"good/{n:03}.jsonl", records.encode(), GOOD)
    for n in range(40):
        inputs.add(f"good/{n:03}.txt.gz", gzip.compress(inputs.text().encode()), GOOD)
    for n in range(20):
        inputs.add(f"good/empty{n}.txt", b" \n" * n, EMPTY)
        inputs.add(f"good/empty{n}.html", b"<html><body></body></html>", EMPTY)


def _broken(inputs: Set) -> None:
    noise = inputs.random.randbytes
    for n in range(120):
        ending = ("txt", "html", "jsonl", "txt.gz", "csv", "warc")[n % 6]
        inputs.add(f"broken/noise{n:03}.{ending}", noise(inputs.random.randint(1, 50_000)), BAD, EMPTY, GOOD)
    whole = gzip.compress(inputs.text(200).encode())
    for n in range(60):
        cut = whole[: inputs.random.randint(1, len(whole) - 9)]
        inputs.add(f"broken/cut{n:02}.{('txt', 'html', 'jsonl')[n % 3]}.gz", cut, BAD)
    bomb = gzip.compress(bytes(200_000_000))
    for n in range(6):
        inputs.add(f"broken/bomb{n}.{('txt', 'html', 'jsonl')[n % 3]}.gz", bomb, BAD)
    for n in range(60):
        text = inputs.text().encode()
        at = inputs.random.randrange(len(text))
        inputs.add(f"broken/nul{n:02}.txt", text[:at] + bytes(300) + text[at:], BAD)
        half = text + "군은 가로등을 새로 세우기로 했다.\n".encode("cp949") * 30
        inputs.add(f"broken/mixed{n:02}.txt", half, BAD, GOOD)
        inputs.add(f"broken/surrogate{n:02}.txt", text * 9 + b"\xed\xa0\x80" + text * 9, BAD, GOOD)
    for n in range(30):
        lines = [
            "{" * 100_000,
            "[" * 100_000 + "]" * 100_000,
            '{"id": 1, "text": NaN}',
            '{"text": "' + "\\ud800" * 9 + '"}',
            "9" * 10_000,
            "null",
            "",
        ]
        inputs.add(f"broken/json{n:02}.jsonl", "\n".join(lines).encode(), GOOD)


def _huge(inputs: Set) -> None:
    line = "가나다 " * 20_000_000
    inputs.add("huge/oneline.txt", line.encode(), BAD)
    inputs.add("huge/oneline.html", line.encode(), BAD)
    records = [
        '{"id": 1, "text": "' + inputs.text(2).replace("\n", " ") + '"}',
        json.dumps({"id": 2, "text": line}, ensure_ascii=False),
        '{"id": 3, "text": "짧다."}',
    ]
    inputs.add("huge/oneline.jsonl", "\n".join(records).encode(), GOOD)
    for n in range(4):
        inputs.add(f"huge/deep{n}.html", inputs.page("<div>" * 100_000 + SENTENCES[n] + "</div>" * 100_000).encode(), BAD, EMPTY, GOOD)
        inputs.add(f"huge/attributes{n}.html", b"<p " + b"a=1 " * 2_000_000 + b">x</p>", BAD, EMPTY, GOOD)
    cells = "<table>" + ("<tr>" + "<td>1</td>" * 100 + "</tr>") * 10_000 + "</table>"
    for n in range(2):
        inputs.add(f"huge/cells{n}.html", inputs.page(cells).encode(), BAD, EMPTY, GOOD)
    inputs.add("huge/angles.html", b"<" * 10_000_000, BAD, EMPTY, GOOD)
    inputs.add("huge/marks.txt", "▶☞※".encode() * 500_000, GOOD)
    inputs.add("huge/lines.txt", b"\n" * 15_000_000, EMPTY)


def _names_and_links(inputs: Set) -> None:
    for name in (
        b"names/new\nline.txt",
        b"names/\xff\xfe\x80.txt",
        b"names/ .txt",
        b"names/-o.txt",
        b"names/\x1b[31mred.txt",
        b"names/$(id);`id`.txt",
        b"names/.hidden.txt",
    ):
        inputs.add(name, inputs.text().encode(), GOOD)
    inputs.add("names/" + "n" * 251 + ".txt", inputs.text().encode(), GOOD)
    inputs.add("names/" + "n" * 250 + ".html", inputs.page().encode(), BAD)  # with .txt added, no file system takes the name
    inputs.add("/".join(["deep"] * 300) + "/x.txt", inputs.text().encode(), GOOD)
    inputs.add("names/both.html", inputs.page().encode(), GOOD)
    inputs.add("names/both.html.txt", inputs.text().encode(), GOOD)
    inputs.add("names/photo.jpg", b"\xff\xd8", SKIPPED)
    inputs.add("vanishing/zzz.txt", inputs.text().encode(), BAD)
    folder = inputs.folder
    (folder / "vanishing/gone.txt").symlink_to("nowhere")
    (folder / "names/loop").symlink_to(folder)
    (folder / "names/parent").symlink_to("..")
    (folder / "names/self.txt").symlink_to("self.txt")
    (folder / "names/unreadable.txt").symlink_to("/proc/self/mem")  # reading it fails, for root too
    (folder / "names/folder.txt").mkdir()
    os.mkfifo(folder / "names/pipe.txt")
    links = {"vanishing/gone.txt": BAD, "names/loop": SKIPPED, "names/parent": SKIPPED, "names/self.txt": BAD, "names/unreadable.txt": BAD}
    inputs.expected |= {name: (status,) for name, status in links.items()} | {"names/pipe.txt": (SKIPPED,)}


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    """Everything below a folder, links not followed."""
    found = {}
    for path, _, names in os.walk(os.fsencode(folder)):
        for name in names:
            status = os.lstat(os.path.join(path, name))
            found[os.fsdecode(os.path.join(path, name))] = (status.st_size, status.st_mtime_ns)
    return found


def check(inputs: Set, out: Path) -> list[str]:
    """What does not hold."""
    rows = {row["path"]: row for row in map(json.loads, (out / ".cleaner/manifest.jsonl").open(encoding="utf-8"))}
    wrong = [f"no row: {name!r}" for name in inputs.expected if name not in rows]
    wrong += [f"unexpected row: {name!r}" for name in rows if name not in inputs.expected]
    for name, row in rows.items():
        if row["status"] not in inputs.expected.get(name, (row["status"],)):
            wrong.append(f"{name!r}: {row['status']}, not {' or '.join(inputs.expected[name])} ({row.get('reason')})")
        if row["status"] == BAD and not row.get("reason"):
            wrong.append(f"{name!r}: failed without a reason")
        if row["status"] == GOOD and not os.path.exists(out / row["output"]):
            wrong.append(f"{name!r}: cleaned, but {row['output']!r} is missing")
    records = [json.loads(line) for line in (out / "good/000.jsonl").open(encoding="utf-8")]
    if len(records) != 10:
        wrong.append(f"good/000.jsonl: {len(records)} records of 10")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", metavar="DIR", help="work in this folder and leave it")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results", help="where the table goes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        box = Path(options.keep or temporary) / "box"
        inputs = make(box / "in")
        before = listing(box)
        vanishing = box / "in/vanishing/zzz.txt"  # named as well: it counts as an input whenever it goes
        threading.Timer(0.2, vanishing.unlink).start()
        begun = time.perf_counter()
        command = [sys.executable, "-m", "cleaner.cli", "clean", str(box / "in"), str(vanishing), "-o", str(box / "in/names/out")]
        command += ["-j", str(options.jobs)]
        done = subprocess.run(
            [*command, "--time-limit", "10", "--memory-limit", "1G"], capture_output=True, text=True, timeout=3600, check=False
        )
        seconds = time.perf_counter() - begun
        out = box / "in/names/out"
        after = {name: status for name, status in listing(box).items() if not name.startswith(str(out))}
        wrong = check(inputs, out)
        before.pop(str(box / "in/vanishing/zzz.txt"))
        after.pop(str(box / "in/vanishing/zzz.txt"), None)
        if before != after:
            wrong.append(f"something outside OUT was touched: {set(before.items()) ^ set(after.items())}")
        statuses = Counter(json.loads(line)["status"] for line in (out / ".cleaner/manifest.jsonl").open(encoding="utf-8"))
        print(f"{len(inputs.expected)} inputs, {seconds:.0f} s, exit status {done.returncode}, {dict(statuses)}")
        print((out / ".cleaner/report.txt").read_text(encoding="utf-8"))
        print("\n".join(wrong) or "all as it must be")
        table = {"hostile": {"inputs": len(inputs.expected), **statuses, "not as it must be": len(wrong), "seconds": round(seconds)}}
        save(options.out, "hostile", table, markdown_table(table))
        if done.returncode != 1 or "Traceback" in done.stderr:
            print(done.stderr)
            return 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
