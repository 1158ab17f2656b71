"""Inputs for the measurements of the batch: documents composed from the lines of `corpus/`, of 2 to 8 kB, each another.

A document is an article of the corpus, its lines in their order, made longer by paragraphs of one to four lines of other articles
in its language, and headed by a line that no other has. So it holds the advertising, the furniture and the languages of the corpus.
"""

from __future__ import annotations

import itertools
import json
import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

CORPUS = Path(__file__).parent.parent / "corpus"
SMALLEST, LARGEST = 2000, 8000


def documents(seed: int = 4) -> Iterator[str]:
    """Documents without end, always the same ones."""
    chance = random.Random(seed)
    articles = [json.loads(line) for file in sorted(CORPUS.glob("*.jsonl")) for line in file.open(encoding="utf-8")]
    paragraphs: dict[str, list[str]] = defaultdict(list)
    for article in articles:
        stays = (line for line, label in zip(article["lines"], article["labels"]) if label == "editorial")
        paragraphs[article["lang"]] += stays
    for number in itertools.count():
        article = chance.choice(articles)
        lines, more = list(article["lines"]), paragraphs[article["lang"]]
        wanted, size = chance.randint(SMALLEST, LARGEST), len("\n".join(lines).encode())
        middle = len(lines) // 2
        while size < wanted and more:
            paragraph = " ".join(chance.choices(more, k=chance.randint(1, 4)))
            lines.insert(middle, paragraph)
            size += len(paragraph.encode()) + 1
        text = "\n".join([f"{number:,}", *lines]).encode()
        yield text[:LARGEST].decode("utf-8", "ignore") + "\n"


def text_folder(folder: Path, count: int) -> Path:
    """So many text files, a thousand to a folder."""
    for number, text in enumerate(itertools.islice(documents(), count)):
        if number % 1000 == 0:
            inside = folder / f"{number // 1000:03}"
            inside.mkdir(parents=True)
        (inside / f"{number:07}.txt").write_text(text, encoding="utf-8")
    return folder


def record_file(path: Path, count: int) -> Path:
    """One file of so many records."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        for number, text in enumerate(itertools.islice(documents(), count)):
            file.write(json.dumps({"id": number, "text": text}, ensure_ascii=False) + "\n")
    return path


def mixed_folder(folder: Path, count: int) -> Path:
    """Texts, some pages and records, and what fails: what the runs that are killed work on."""
    text_folder(folder, count)
    samples = list(itertools.islice(documents(9), 20))
    for number, text in enumerate(samples):
        body = "".join(f"<p>{line}</p>" for line in text.splitlines())
        page = f"<html><head><title>{number}</title></head><body><article><h1>{number}</h1>{body}</article></body></html>"
        (folder / f"page{number:02}.html").write_text(page, encoding="utf-8")
        record_file(folder / f"records{number:02}.jsonl", 40)
        (folder / f"noise{number:02}.txt").write_bytes(bytes(400))
    return folder
