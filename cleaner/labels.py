"""Labels in and out: what other tools write -> labelled documents, and back.

Each format has a small file of its own (`label_tables`, `label_studio`, `doccano`, `gold_pages`); this one knows which is which and
holds what they share: spans of text become labelled lines, and text that nobody labelled is never given a label in silence.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cleaner.charset import decode
from cleaner.corpus import Label, LabelledDocument
from cleaner.errors import CorpusError, ReadError
from cleaner.judged import label_runs
from cleaner.read import read_bytes

FORMATS = ("csv", "tsv", "label-studio", "label-studio-spans", "doccano", "gold")
"""The formats by name; ``gold`` (pages with the text of their article) can only be read."""

Span = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Defaults:
    """What is taken for granted where a file does not say it.

    ``rest`` is the label of text that carries none (`None`: such text is an error). ``by`` overrides who labelled, if given.
    """

    rest: str | None = None
    by: str = ""
    lang: str = ""
    group: str = ""
    kind: str = ""


@dataclass(slots=True)
class Imported:
    """Labelled documents as they are read, and what a person should know of the reading."""

    documents: list[LabelledDocument] = field(default_factory=list)
    unlabelled: int = 0
    """Documents that nobody has labelled; they are left out."""
    filled: int = 0
    """Lines with text that had no label and got ``Defaults.rest``."""
    overlaps: int = 0
    """Labels that lay over another one; the later one counts."""


def read_json(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The objects of a JSON or JSON Lines file, each with its place for messages.

    A list gives its items; an object of objects gives these, each with its key as ``id``.
    """
    try:
        text, _ = decode(read_bytes(path))
    except ReadError as error:
        raise ReadError(f"{path}: {error}") from None
    try:
        whole = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        yield from _json_lines(path, text)
        return
    if isinstance(whole, dict) and whole and all(isinstance(value, dict) for value in whole.values()):
        items: list[Any] = [{"id": key, **value} for key, value in whole.items()]
    else:
        items = whole if isinstance(whole, list) else [whole]
    for number, item in enumerate(items, 1):
        if not isinstance(item, dict):
            raise CorpusError(f"{path}, item {number}: must be a JSON object, not {type(item).__name__}.")
        yield f"{path}, item {number}", item


def _json_lines(path: Path, text: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                item = json.loads(line)
            except (json.JSONDecodeError, RecursionError) as error:
                raise CorpusError(f"{path}:{number}: not JSON ({error}); give a JSON file, or one JSON object a line.") from None
            if not isinstance(item, dict):
                raise CorpusError(f"{path}:{number}: must be a JSON object, not {type(item).__name__}.")
            yield f"{path}:{number}", item


def split_spans(text: str, spans: Iterable[Span]) -> tuple[list[str], list[list[Span]]]:
    """A text with labelled spans as lines, each with its part of the spans.

    >>> split_spans("One.\\nBuy!", [(0, 9, "ad")])
    (['One.', 'Buy!'], [[(0, 4, 'ad')], [(0, 4, 'ad')]])
    """
    lines = text.splitlines(keepends=True)
    bare = text.splitlines()
    parts: list[list[Span]] = [[] for _ in lines]
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    for start, end, label in spans:
        for number, line in enumerate(bare):
            low, high = max(start - starts[number], 0), min(end - starts[number], len(line))
            if low < high:
                parts[number].append((low, high, label))
    return bare, parts


def label_lines(
    lines: Sequence[str], parts: Sequence[Sequence[Span]], where: str, rest: str | None, imported: Imported
) -> tuple[Label, ...]:
    """The labels of lines from the spans in them. Text without a label gets `rest`; `CorpusError` if there is no `rest`.

    >>> label_lines(["One. Two.", ""], [[(0, 4, "editorial"), (5, 9, "ad")], []], "here", None, Imported())
    (((0, 'editorial'), (5, 'ad')), None)
    """
    labels: list[Label] = []
    for number, (line, spans) in enumerate(zip(lines, parts), 1):
        if not line.strip():
            labels.append(None)
            continue
        names: list[str | None] = [None] * len(line)
        for start, end, label in spans:
            imported.overlaps += any(names[start:end])
            names[start:end] = [label] * (end - start)
        bare = [i for i, name in enumerate(names) if name is None and not line[i].isspace()]
        if bare and rest is None:
            labelled = next((i for i in range(bare[0], len(line)) if names[i] is not None), len(line))
            shown = line[bare[0] : labelled].strip()[:40]
            raise CorpusError(f"{where}, line {number}: no label on {shown!r}; label it, or name the label of all such text with --rest.")
        imported.filled += bool(bare)
        for i in bare:
            names[i] = rest
        labels.append(_runs(names))
    return tuple(labels)


def _runs(names: Sequence[str | None]) -> Label:
    """The runs of one line; space that carries no label goes with what stands before it."""
    runs: list[tuple[int, str]] = []
    for i, name in enumerate(names):
        if name is not None and (not runs or runs[-1][1] != name):
            runs.append((i if runs else 0, name))
    return runs[0][1] if len(runs) == 1 else tuple(runs)


def document(
    lines: Sequence[str], labels: tuple[Label, ...], fields: Mapping[str, Any], ident: str, defaults: Defaults
) -> LabelledDocument:
    """A labelled document from its lines, their labels, and what a row says of it."""

    def known(name: str, *others: str) -> str:
        return next((str(fields[key]) for key in (name, *others) if fields.get(key) not in (None, "")), "")

    ident = known("document") or ident
    group = known("group", "publisher", "source") or defaults.group or ident
    lang, kind = known("lang", "language") or defaults.lang, known("kind") or defaults.kind
    return LabelledDocument(ident, lang, group, kind, tuple(lines), labels, defaults.by or known("by") or "person")


def about(source: LabelledDocument) -> dict[str, str]:
    """What a row of another tool's file says of its document, for the way back."""
    return {"document": source.id, "lang": source.lang, "group": source.group, "kind": source.kind, "by": source.by}


def spans_of(source: LabelledDocument) -> Iterator[tuple[int, int, int, str]]:
    """Every labelled run as (line, start, end, label), code points within the line."""
    for number, (line, label) in enumerate(zip(source.lines, source.labels)):
        yield from ((number, start, end, name) for start, end, name in label_runs(line, label))


def kind_of_file(path: Path) -> str:
    """The format of a file by its name and content. `CorpusError` if it is none of ours."""
    name = path.name.lower().removesuffix(".gz")
    if name.endswith((".csv", ".tsv")):
        return name[-3:]
    if not name.endswith((".json", ".jsonl", ".ndjson")):
        raise CorpusError(f"{path}: not a labelled file by its name; give .csv, .tsv, .json or .jsonl, or name the format with --from.")
    _, first = next(read_json(path), ("", {}))
    if "annotations" in first or "predictions" in first or "annotation_id" in first or "annotator" in first:
        return "label-studio"
    if isinstance(first.get("text"), str) and any(key in first for key in ("label", "labels", "entities")):
        return "doccano"
    if any(isinstance(first.get(key), str) for key in ("body", "articleBody", "gold")):
        return "gold"
    raise CorpusError(f"{path}: neither Label Studio, doccano nor gold pages by its first item; name the format with --from.")


def import_labels(paths: Sequence[str | Path], form: str | None = None, defaults: Defaults | None = None, **options: Any) -> Imported:
    """Read labelled documents of another tool's format, or of the format that each file seems to have.

    `options` are for pages with gold text: ``pages`` (their folder), ``body`` (the field of the text). `CorpusError` and
    `ReadError` name the file and the place.
    """
    from cleaner import doccano, gold_pages, label_studio, label_tables

    readers = {
        "csv": label_tables.read, "tsv": label_tables.read, "label-studio": label_studio.read, "label-studio-spans": label_studio.read,
        "doccano": doccano.read,
    }  # fmt: skip
    defaults, imported = defaults or Defaults(), Imported()
    for path in map(Path, paths):
        kind = form or kind_of_file(path)
        if kind == "gold":
            gold_pages.read(path, defaults, imported, **options)
        elif kind in readers:
            readers[kind](path, defaults, imported)
        else:
            raise CorpusError(f"no format {kind!r}; there are {', '.join(FORMATS)}.")
    return imported


def export_labels(documents: Iterable[LabelledDocument], path: str | Path, form: str) -> list[Path]:
    """Write labelled documents in another tool's format; the files written.

    No other format can say that a person vouches for some lines only (``confirmed``): such a document goes out as a model's.
    """
    from cleaner import doccano, label_studio, label_tables

    target, chosen = Path(path), [d if d.confirmed is None else replace(d, by="model") for d in documents]
    for source in chosen:
        if any("\n" in line for line in source.lines):
            raise CorpusError(f"{source.id}: a line holds a line feed, which no other format can carry; split the line.")
    if form in ("csv", "tsv"):
        return label_tables.write(chosen, target, form)
    if form == "doccano":
        return doccano.write(chosen, target)
    if form in ("label-studio", "label-studio-spans"):
        return label_studio.write(chosen, target, spans=form.endswith("spans"))
    raise CorpusError(f"no format {form!r} to write; there are {', '.join(name for name in FORMATS if name != 'gold')}.")
