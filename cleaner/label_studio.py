"""Label Studio: tasks whose text is a list of paragraphs (one for each line) or one text with labelled spans.

Read as Label Studio exports them (JSON and JSON-MIN). Offsets inside a paragraph are UTF-16 units, as its editor counts them;
offsets in a text are code points in newer versions and UTF-16 units in older ones. Where a region carries its own text, that
decides.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from cleaner.corpus import LabelledDocument, label_names
from cleaner.errors import CorpusError
from cleaner.labels import Defaults, Imported, Span, about, document, label_lines, read_json, spans_of, split_spans

_KINDS = ("paragraphlabels", "labels", "hypertextlabels")


def read(path: Path, defaults: Defaults, imported: Imported) -> None:
    """Read an export. Tasks without an annotation are counted, not read. `CorpusError` names the task that is wrong."""
    for number, (where, task) in enumerate(read_json(path), 1):
        data = task["data"] if isinstance(task.get("data"), dict) else task
        result = _result(task)
        if result is None:
            imported.unlabelled += 1
            continue
        regions = [(item, item["value"] if isinstance(item.get("value"), dict) else item) for item in result]
        values = [value for item, value in regions if item.get("type", "labels") in _KINDS and any(key in value for key in _KINDS)]
        ident = f"{path.stem}-{task.get('id') or number}"
        paragraphs = _paragraphs(data)
        if paragraphs is not None:
            lines = [text.replace("\n", " ") for text in paragraphs]  # a paragraph is a line: same length, so offsets stay
            parts = _in_paragraphs(lines, values, where)
        else:
            text = _text(data, where)
            lines, parts = split_spans(text, [_in_text(text, value, where) for value in values])
        labels = label_lines(lines, parts, where, defaults.rest, imported)
        imported.documents.append(document(lines, labels, data, ident, defaults))


def _result(task: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The regions of the annotation that counts: the ground truth, or else the last that was not cancelled; `None` without one."""
    if "annotations" in task or "completions" in task:
        given = [a for a in task.get("annotations", task.get("completions")) or [] if isinstance(a, dict) and not a.get("was_cancelled")]
        best = next((a for a in given if a.get("ground_truth")), given[-1] if given else None)
        found = None if best is None else best.get("result")
    else:  # JSON-MIN: the regions stand beside the data, under the name of the control
        found = next((value for value in task.values() if _is_regions(value)), None)
    return None if found is None else [item for item in found if isinstance(item, dict)]


def _is_regions(value: Any) -> bool:
    if not isinstance(value, list) or not value:
        return False
    return all(isinstance(item, dict) and any(kind in item for kind in _KINDS) for item in value)


def _paragraphs(data: Mapping[str, Any]) -> list[str] | None:
    """The texts of the paragraphs, if the task has paragraphs."""
    for value in data.values():
        if isinstance(value, list) and value and not _is_regions(value) and all(isinstance(item, dict) for item in value):
            key = "text" if "text" in value[0] else next((k for k, v in value[0].items() if isinstance(v, str)), "text")
            if all(isinstance(item.get(key), str) for item in value):
                return [item[key] for item in value]
    return None


def _text(data: Mapping[str, Any], where: str) -> str:
    texts = [value for value in (data.get("text"), *data.values()) if isinstance(value, str)]
    if not texts:
        raise CorpusError(f"{where}: the task's data hold neither a text nor paragraphs.")
    return texts[0] if isinstance(data.get("text"), str) else max(texts, key=len)


def _label(value: Mapping[str, Any], where: str) -> str:
    names = next(value[kind] for kind in _KINDS if kind in value)
    if not isinstance(names, list) or len(names) != 1 or not isinstance(names[0], str) or not names[0]:
        raise CorpusError(f"{where}: a region must have one label, not {json.dumps(names, ensure_ascii=False)[:60]}.")
    return names[0]


def _number(value: Mapping[str, Any], key: str, where: str) -> int:
    try:
        return int(value[key])
    except (KeyError, TypeError, ValueError):
        raise CorpusError(f"{where}: a region has no proper `{key}`.") from None


def _in_text(text: str, value: Mapping[str, Any], where: str) -> Span:
    start, end = (_number(value, key, where) for key in ("start", "end"))
    low, high = _points(text, start, end, value.get("text"), prefer_units=False)
    if not 0 <= low < high <= len(text):
        raise CorpusError(f"{where}: region {start}–{end} does not lie within the text ({len(text)} characters).")
    return low, high, _label(value, where)


def _in_paragraphs(lines: Sequence[str], values: Sequence[Mapping[str, Any]], where: str) -> list[list[Span]]:
    parts: list[list[Span]] = [[] for _ in lines]
    for value in values:
        first, last = _number(value, "start", where), _number(value, "end", where)
        if not 0 <= first <= last < len(lines):
            raise CorpusError(f"{where}: region of paragraphs {first}–{last}, but there are {len(lines)}.")
        label, own = _label(value, where), value.get("text")
        start, end = _number(value, "startOffset", where), _number(value, "endOffset", where)
        if first == last:
            low, high = _points(lines[first], start, end, own, prefer_units=True)
            spans = [(first, low, high)]
        else:
            low, high = utf16_to_points(lines[first], start), utf16_to_points(lines[last], end)
            middle = [(line, 0, len(lines[line])) for line in range(first + 1, last)]
            spans = [(first, low, len(lines[first])), *middle, (last, 0, high)]
        for line, a, b in spans:
            if a < min(b, len(lines[line])):
                parts[line].append((a, min(b, len(lines[line])), label))
    return parts


def _points(text: str, start: int, end: int, own: Any, *, prefer_units: bool) -> tuple[int, int]:
    """A region's offsets as code points. Its own text, where it has one, tells what it counts in."""
    units = utf16_to_points(text, start), utf16_to_points(text, end)
    ways = [units, (start, end)] if prefer_units else [(start, end), units]
    if isinstance(own, str):
        wanted = _squeezed(own)
        ways.sort(key=lambda way: _squeezed(text[way[0] : way[1]]) != wanted)
    elif not prefer_units and end > len(text):
        ways.reverse()
    return ways[0]


def _squeezed(text: str) -> str:
    return "".join(text.replace("\\n", "\n").split())


def utf16_to_points(text: str, units: int) -> int:
    """An offset in UTF-16 units as one in code points.

    >>> utf16_to_points("a😀b", 3), points_to_utf16("a😀b", 2)
    (2, 3)
    """
    points = 0
    for character in text:
        if units <= 0:
            break
        units -= 2 if character > "\uffff" else 1
        points += 1
    return points + max(units, 0)


def points_to_utf16(text: str, points: int) -> int:
    """An offset in code points as one in UTF-16 units."""
    return points + sum(character > "\uffff" for character in text[:points])


def write(documents: Sequence[LabelledDocument], path: Path, *, spans: bool) -> list[Path]:
    """Write tasks to import, and beside them the labelling configuration that fits (``<name>.xml``).

    A person's labels become annotations, a model's become predictions, which Label Studio offers for correction.
    """
    tasks = [_task(source, spans) for source in documents]
    text = json.dumps(tasks, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace")
    path.write_bytes(text + b"\n")
    config = path.with_suffix(".xml")
    config.write_text(configuration(label_names(documents), spans=spans), encoding="utf-8")
    return [path, config]


def _task(source: LabelledDocument, spans: bool) -> dict[str, Any]:
    data: dict[str, Any] = dict(about(source))
    starts = [0]
    for words in source.lines:
        starts.append(starts[-1] + len(words) + 1)
    if spans:
        data["text"] = source.text
    else:
        data["lines"] = [{"line": str(number), "text": line} for number, line in enumerate(source.lines, 1)]
    result: list[dict[str, Any]] = []
    for line, start, end, name in spans_of(source):
        text = source.lines[line]
        value: dict[str, Any] = {"text": text[start:end]}
        if spans:
            value |= {"start": starts[line] + start, "end": starts[line] + end, "labels": [name]}
        else:  # the editor keeps the numbers of paragraphs as strings
            units = {"startOffset": points_to_utf16(text, start), "endOffset": points_to_utf16(text, end)}
            value |= {"start": str(line), "end": str(line), **units, "paragraphlabels": [name]}
        kind = "labels" if spans else "paragraphlabels"
        result.append({"id": f"r{line}-{start}", "from_name": "label", "to_name": "text", "type": kind, "value": value})
    if source.by == "model":
        return {"data": data, "predictions": [{"model_version": "article-cleaner", "result": result}]}
    return {"data": data, "annotations": [{"result": result}]}


def configuration(labels: Sequence[str], *, spans: bool) -> str:
    """The labelling configuration of a project for such tasks."""
    names = "\n".join(f"    <Label value={quoteattr(name)}/>" for name in labels)
    if spans:
        parts = ("Labels", '<Text name="text" value="$text" granularity="symbol"/>')
    else:
        parts = ("ParagraphLabels", '<Paragraphs name="text" value="$lines" nameKey="line" textKey="text" layout="dialogue"/>')
    control, shown = parts
    return f'<View>\n  <{control} name="label" toName="text">\n{names}\n  </{control}>\n  {shown}\n</View>\n'
