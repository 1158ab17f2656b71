"""Labels as a table: CSV and TSV, one labelled run a row, as spreadsheets and scripts have them.

Columns: ``document, lang, group, kind, by, line, start, label, text``; only ``text`` and ``label`` are needed. Rows of one
``document`` belong together, those of one ``line`` make one line. Without a ``document`` column an empty row ends a document.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from cleaner.charset import decode
from cleaner.corpus import LabelledDocument
from cleaner.errors import CorpusError, ReadError
from cleaner.labels import Defaults, Imported, Span, about, document, label_lines
from cleaner.read import read_bytes

COLUMNS = ("document", "lang", "group", "kind", "by", "line", "start", "label", "text")

_ALIASES = {
    "doc": "document", "doc_id": "document", "document_id": "document", "language": "lang", "publisher": "group", "category": "label",
    "class": "label",
}  # fmt: skip
# What a spreadsheet takes for a formula: our own files carry an apostrophe before it, which reading takes away again.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def read(path: Path, defaults: Defaults, imported: Imported) -> None:
    """Read a table. `CorpusError` names the row that is wrong."""
    try:
        text, _ = decode(read_bytes(path))
    except ReadError as error:
        raise ReadError(f"{path}: {error}") from None
    csv.field_size_limit(1 << 30)
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=_delimiter(path, text))
    header = [name.strip().lower() for name in next(rows, [])]
    names = [_ALIASES.get(name, name) if _ALIASES.get(name) not in header else name for name in header]
    if "text" not in names or "label" not in names:
        found = ", ".join(header)[:80] or "nothing"
        raise CorpusError(f"{path}: the first row must name the columns, `text` and `label` among them, not {found}.")
    own = tuple(header) == COLUMNS
    for number, block in enumerate(_documents(rows, names, path), 1):
        lines, parts = _lines(block, own)
        where = f"{path}, document {block[0].get('document') or number}"
        labels = label_lines(lines, parts, where, defaults.rest, imported)
        ident = path.stem if number == 1 and "document" not in names else f"{path.stem}-{number}"
        imported.documents.append(document(lines, labels, block[0], ident, defaults))


def _delimiter(path: Path, text: str) -> str:
    first = text.split("\n", 1)[0]
    if path.name.lower().removesuffix(".gz").endswith(".tsv"):
        return "\t"
    return max(",;\t", key=first.count)


def _documents(rows: Iterator[list[str]], names: Sequence[str], path: Path) -> Iterator[list[dict[str, str]]]:
    """The rows of each document, as dictionaries."""
    grouped = "document" in names
    order: dict[str, list[dict[str, str]]] = {}
    loose: list[dict[str, str]] = []
    try:
        for number, row in enumerate(rows, 2):
            if len(row) > len(names):
                problem = f"{len(row)} cells but {len(names)} columns; quote the cells that hold the separator"
                raise CorpusError(f"{path}, row {number}: {problem}.")
            cells = dict(zip(names, [*row, *[""] * (len(names) - len(row))]))
            if grouped:
                if any(row):
                    order.setdefault(cells["document"], []).append(cells)
            elif any(cell.strip() for cell in row):
                loose.append(cells)
            elif loose:
                yield loose
                loose = []
    except csv.Error as error:
        raise CorpusError(f"{path}: not a table ({error}); save it as CSV or TSV again.") from None
    if loose:
        yield loose
    yield from order.values()


def _lines(block: Sequence[dict[str, str]], own: bool) -> tuple[list[str], list[list[Span]]]:
    lines: list[str] = []
    parts: list[list[Span]] = []
    last = None
    for cells in block:
        text = cells["text"]
        if own and _FORMULA.match(text) and text.startswith("'"):
            text = text[1:]
        place = cells.get("line", "").strip()
        if not place or place != last:
            lines.append("")
            parts.append([])
        last = place
        start = len(lines[-1])
        # A cell may hold a line break of its own; in the corpus a line has none.
        lines[-1] += re.sub(r"\s*[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+\s*", " ", text)
        if cells["label"].strip() and text.strip():
            parts[-1].append((start, len(lines[-1]), cells["label"].strip()))
    return lines, parts


def write(documents: Sequence[LabelledDocument], path: Path, form: str) -> list[Path]:
    """Write a table: a row for each run, one with an empty label for each blank line."""
    # Spreadsheets take a CSV file without a byte order mark for their own code page.
    with path.open("w", encoding="utf-8-sig" if form == "csv" else "utf-8", errors="replace", newline="") as file:
        rows = csv.writer(file, delimiter="\t" if form == "tsv" else ",", lineterminator="\n")
        rows.writerow(COLUMNS)
        for source in documents:
            known = about(source)
            head = [known[name] for name in COLUMNS[:5]]
            for number, (line, label) in enumerate(zip(source.lines, source.labels)):
                runs = [(0, label)] if label is None or isinstance(label, str) else list(label)
                ends = [*(start for start, _ in runs[1:]), len(line)]
                for (start, name), end in zip(runs, ends):
                    text = line[start:end]
                    rows.writerow([*head, number + 1, start, name or "", ("'" if _FORMULA.match(text) else "") + text])
    return [path]
