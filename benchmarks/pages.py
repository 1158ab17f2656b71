"""Article pages: article-cleaner beside trafilatura, on the same pages in the same process.

    python benchmarks/pages.py FOLDER... [--by lang] [--repeat 3] [--lost FILE] [--outputs DIR] [--out DIR]

A FOLDER holds ``gold.jsonl`` ({"id", "body", "lang", "publisher"}) and ``pages/<id>.html``. Precision and recall count shingles
of four tokens and are means over pages, F1 is theirs, as in the public article-extraction-benchmark; a token is a run of letters
and digits, or one character of Korean, Japanese or Chinese. Times are CPU seconds: for each page every system runs in turn, in
another order each round, with the caches of the libraries emptied before it, as it would meet a page in life; its best round
counts, and ratios are to trafilatura's default.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before NumPy is imported

from report import markdown_table, save

from cleaner import Cleaner
from cleaner.records import Segment

TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]|[^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]+")
SHINGLE = 4
OURS, BASE = "article-cleaner", "trafilatura"

Shingles = Counter[tuple[str, ...]]
System = Callable[[str, str | None], str]


@dataclass
class Page:
    """A page with its gold body, and for each system the text it gave and its best time."""

    id: str
    lang: str
    publisher: str
    url: str | None
    body: str
    html: str
    texts: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


def systems(model: str | None) -> dict[str, System]:
    """Each system by name: from a page and its address to text, metadata looked for as well."""
    from trafilatura import bare_extraction

    cleaner = Cleaner(model)

    def trafilatura(**options: Any) -> System:
        def run(html: str, url: str | None) -> str:
            found = bare_extraction(html, url=url, include_comments=False, with_metadata=True, **options)
            return (found.text or "") if found is not None else ""

        return run

    return {
        OURS: lambda html, url: cleaner.clean_html(html, url).text,
        BASE: trafilatura(),
        "trafilatura, precision": trafilatura(favor_precision=True),
        "trafilatura, recall": trafilatura(favor_recall=True),
        "trafilatura, fast": trafilatura(fast=True),
    }


def read_pages(folder: Path) -> Iterator[Page]:
    from cleaner.charset import decode

    with (folder / "gold.jsonl").open(encoding="utf-8") as file:
        for row in map(json.loads, filter(str.strip, file)):
            html, _ = decode((folder / "pages" / f"{row['id']}.html").read_bytes(), page=True)
            yield Page(row["id"], str(row.get("lang", "")), str(row.get("publisher", "")), row.get("url"), row["body"], html)


def run(page: Page, tools: dict[str, System], repeat: int) -> None:
    """Run every system on a page, `repeat` times, each round in another order."""
    from trafilatura.meta import reset_caches

    names = list(tools)
    for turn in range(repeat):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            reset_caches()  # else whoever comes second finds the page's dates and lines in them
            started = time.process_time()
            try:
                text = tools[name](page.html, page.url)
            except Exception as error:
                print(f"{page.id}: {name} failed ({type(error).__name__}: {error})", file=sys.stderr)
                text = ""
            spent = time.process_time() - started
            page.texts[name] = text
            page.seconds[name] = min(spent, page.seconds.get(name, spent))


def shingles(text: str) -> Shingles:
    """The shingles of a text; a text shorter than one shingle is one of its own."""
    tokens = TOKEN.findall(text)
    if not tokens:
        return Counter()
    return Counter(tuple(tokens[at : at + SHINGLE]) for at in range(max(1, len(tokens) - SHINGLE + 1)))


def precision_recall(gold: Shingles, found: Shingles) -> tuple[float, float]:
    both = (gold & found).total()
    return (both / found.total() if found else float(not gold), both / gold.total() if gold else float(not found))


def score(pages: Sequence[Page], name: str) -> dict[str, float]:
    """Means over pages, and the time beside trafilatura's default."""
    pairs = [precision_recall(shingles(page.body), shingles(page.texts[name])) for page in pages]
    p, r = (statistics.fmean(column) for column in zip(*pairs))
    ratios = [page.seconds[name] / page.seconds[BASE] for page in pages]
    return {
        "pages": len(pages), "precision": p, "recall": r, "F1": 2 * p * r / (p + r) if p + r else 0.0,
        "F1 by page": statistics.fmean(2 * p * r / (p + r) if p + r else 0.0 for p, r in pairs),
        "time": sum(page.seconds[name] for page in pages) / sum(page.seconds[BASE] for page in pages),
        "time, median page": statistics.median(ratios), "ms a page": 1000 * statistics.fmean(page.seconds[name] for page in pages),
    }  # fmt: skip


# --- what the verdicts got wrong ---------------------------------------------------------------------------------------


def misjudged(page: Page, cleaner: Cleaner) -> Iterator[dict[str, Any]]:
    """Segments that went though the gold body has them (`lost`), and that stayed though it has not (`left`)."""
    gold = shingles(page.body)
    squeezed = "".join(page.body.split())
    for segment in cleaner.clean_html(page.html, page.url).segments:
        share = _share(segment, gold, squeezed)
        if (segment.kept and share < 0.1) or (not segment.kept and share > 0.5):
            what = "left" if segment.kept else "lost"
            yield {"what": what, "lang": page.lang, "page": page.id, "label": segment.label, "score": segment.score, "text": segment.text}


def _share(segment: Segment, gold: Shingles, squeezed: str) -> float:
    """How much of a segment stands in the gold body."""
    own = shingles(segment.text)
    if own and len(next(iter(own))) == SHINGLE:
        return sum(n for shingle, n in own.items() if shingle in gold) / own.total()
    return float("".join(segment.text.split()) in squeezed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--model", help="a model folder [default: the packaged model]")
    parser.add_argument("--by", choices=("lang", "publisher"), help="a table for each of these too, where it has more than one page")
    parser.add_argument("--repeat", type=int, default=3, help="rounds over each page; the best counts for time")
    parser.add_argument("--limit", type=int, help="only the first so many pages of each folder")
    parser.add_argument("--lost", type=Path, metavar="FILE", help="write the segments wrongly dropped and wrongly kept, as JSON Lines")
    parser.add_argument("--outputs", type=Path, metavar="DIR", help="write what each system gave, {id, text} as JSON Lines")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results", help="where the tables go")
    options = parser.parse_args()
    tools = systems(options.model)
    for folder in options.folders:
        pages = list(read_pages(folder))[: options.limit]
        run(pages[0], tools, 1)  # imports and caches are nobody's cost
        pages[0].seconds.clear()
        for page in pages:
            run(page, tools, options.repeat)
        groups: dict[str, list[Page]] = defaultdict(list)
        for page in pages if options.by else ():
            groups[getattr(page, options.by)].append(page)
        several = {"all": pages, **{group: members for group, members in groups.items() if len(members) > 1}}
        tables = {group: {name: score(members, name) for name in tools} for group, members in several.items()}
        text = "\n\n".join(f"**{folder.name}, {group}**\n\n{markdown_table(table)}" for group, table in tables.items())
        print(text)
        save(options.out, f"pages-{folder.name}", tables, text)
        if options.outputs:
            options.outputs.mkdir(parents=True, exist_ok=True)
            for name in tools:
                rows = (json.dumps({"id": page.id, "text": page.texts[name]}, ensure_ascii=False) for page in pages)
                file = options.outputs / f"{folder.name}-{name.replace(', ', '-')}.jsonl"
                file.write_text("\n".join(rows) + "\n", encoding="utf-8", errors="backslashreplace")
        if options.lost:
            cleaner = Cleaner(options.model)
            with options.lost.open("a", encoding="utf-8", errors="backslashreplace") as out:
                out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for page in pages for row in misjudged(page, cleaner))


if __name__ == "__main__":
    main()
