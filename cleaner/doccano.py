"""doccano: labelled spans as JSON Lines, ``{"text": …, "label": [[start, end, name], …]}``, and labelled lines.

Read as doccano exports them: ``label`` or ``labels`` with triples, ``entities`` with ``start_offset`` and ``end_offset`` (projects
with relations), or the names of one line (text classification). Offsets are code points. What else a row holds passes through
doccano as metadata, so a document's id, language and group come back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cleaner.corpus import LabelledDocument
from cleaner.errors import CorpusError
from cleaner.labels import Defaults, Imported, Span, about, document, label_lines, read_json, spans_of, split_spans


def read(path: Path, defaults: Defaults, imported: Imported) -> None:
    """Read a doccano export. `CorpusError` names the row that is wrong."""
    classified: dict[str, list[tuple[str, Mapping[str, Any], str]]] = {}
    for number, (where, row) in enumerate(read_json(path), 1):
        text = row.get("text", row.get("data"))
        if not isinstance(text, str):
            raise CorpusError(f"{where}: no `text`; give a file that doccano exported as JSONL.")
        fields = {**(row["meta"] if isinstance(row.get("meta"), dict) else {}), **row}
        found: list[Any] = next((row[key] for key in ("label", "labels", "entities") if isinstance(row.get(key), list)), [])
        if found and all(isinstance(item, str) for item in found):
            if len(found) > 1:
                raise CorpusError(f"{where}: {len(found)} labels on one line ({', '.join(found)[:60]}); a line has one.")
            classified.setdefault(str(fields.get("document") or path.stem), []).append((text, fields, found[0]))
            continue
        if not found and defaults.rest is None:
            imported.unlabelled += 1  # nobody has been there, or there is nothing in it: only --rest can tell
            continue
        lines, parts = split_spans(text, [_span(item, len(text), where) for item in found])
        labels = label_lines(lines, parts, where, defaults.rest, imported)
        imported.documents.append(document(lines, labels, fields, f"{path.stem}-{row.get('id') or number}", defaults))
    for ident, rows in classified.items():
        lines = [text.replace("\n", " ") for text, _, _ in rows]
        labels = tuple(name if line.strip() else None for line, (_, _, name) in zip(lines, rows))
        imported.documents.append(document(lines, labels, rows[0][1], ident, defaults))


def _span(item: Any, length: int, where: str) -> Span:
    if isinstance(item, dict):
        item = [item.get("start_offset"), item.get("end_offset"), item.get("label")]
    if isinstance(item, list) and len(item) == 3:
        start, end, name = item
        if isinstance(start, int) and isinstance(end, int) and isinstance(name, str) and name and 0 <= start < end <= length:
            return start, end, name
    shown = json.dumps(item, ensure_ascii=False)[:60]
    raise CorpusError(f"{where}: {shown} is no [start, end, label] within the text ({length} characters).")


def write(documents: Sequence[LabelledDocument], path: Path) -> list[Path]:
    """Write rows that doccano imports into a sequence labelling project (format JSONL, columns ``text`` and ``label``)."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for source in documents:
            starts = [0]
            for words in source.lines:
                starts.append(starts[-1] + len(words) + 1)
            spans = [[starts[line] + start, starts[line] + end, name] for line, start, end, name in spans_of(source)]
            row = json.dumps({"text": source.text, "label": spans, **about(source)}, ensure_ascii=False)
            file.write(row.encode("utf-8", "backslashreplace").decode("utf-8") + "\n")
    return [path]
