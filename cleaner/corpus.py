"""Labelled documents: load them, check them, write them.

One document a row of JSON Lines: ``{"id", "lang", "group", "kind", "lines": [...], "labels": [...], "by"}``. A label is a
string, ``null`` for a blank line, or ``[[start, label], ...]`` where one line holds several runs. ``group`` (or, where it is
missing, ``publisher``) is what folds never split; ``by`` says who labelled. Other keys pass through.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from cleaner.errors import CorpusError
from cleaner.segment import Segments

Label: TypeAlias = "str | tuple[tuple[int, str], ...] | None"


@dataclass(frozen=True, slots=True)
class LabelledDocument:
    """A document with a label on each of its lines."""

    id: str
    lang: str
    group: str
    kind: str
    lines: tuple[str, ...]
    labels: tuple[Label, ...]
    by: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines)

    @property
    def digest(self) -> str:
        """A fingerprint of the text, whatever its labels and its white space."""
        return hashlib.sha256("".join(self.text.split()).encode("utf-8", "surrogatepass")).hexdigest()[:16]

    def runs(self) -> Iterator[tuple[int, int, str]]:
        """Every labelled run as (start, end, label), in code points of `text`."""
        at = 0
        for line, label in zip(self.lines, self.labels):
            if isinstance(label, str):
                yield at, at + len(line), label
            elif label:
                ends = [start for start, _ in label[1:]] + [len(line)]
                yield from ((at + start, at + end, name) for (start, name), end in zip(label, ends))
            at += len(line) + 1

    @property
    def confirmed(self) -> frozenset[int] | None:
        """The lines whose labels a person vouches for, from 0 on; `None` where it is all of them.

        In a document that was looked at in part the review page names the lines set or confirmed. The others carry a model's labels:
        they are context, neither learned from nor measured.
        """
        named = self.extra.get("confirmed")
        return frozenset(i for i in named if isinstance(i, int)) if isinstance(named, list) else None

    def vouched(self) -> LabelledDocument:
        """The document with the labels that a person vouches for, and no others."""
        sure = self.confirmed
        if sure is None:
            return self
        return replace(self, labels=tuple(label if i in sure else None for i, label in enumerate(self.labels)))

    def row(self) -> dict[str, Any]:
        """The document as a row of the corpus format."""
        labels = [[list(run) for run in label] if isinstance(label, tuple) else label for label in self.labels]
        return {
            "id": self.id, "lang": self.lang, "group": self.group, "kind": self.kind,
            "lines": list(self.lines), "labels": labels, "by": self.by, **self.extra,
        }  # fmt: skip


_OWN_KEYS = {"id", "lang", "group", "kind", "lines", "labels", "by"}


def from_row(row: Any, where: str) -> LabelledDocument:
    """Check one row of a corpus file; `where` names it in the message of the `CorpusError`."""
    if not isinstance(row, dict):
        raise CorpusError(f"{where}: a row must be a JSON object with `lines` and `labels`, not {type(row).__name__}.")
    lines, labels = row.get("lines"), row.get("labels")
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise CorpusError(f"{where}: `lines` must be a list of strings.")
    if not isinstance(labels, list) or len(labels) != len(lines):
        n = len(labels) if isinstance(labels, list) else "no"
        raise CorpusError(f"{where}: {len(lines)} lines but {n} labels; each line needs one label (null for a blank line).")
    checked = tuple(_label(label, line, f"{where}, line {i + 1}") for i, (line, label) in enumerate(zip(lines, labels)))
    extra = {key: value for key, value in row.items() if key not in _OWN_KEYS}
    group = row.get("group") or row.get("publisher") or row.get("id") or where
    return LabelledDocument(
        id=str(row.get("id", where)), lang=str(row.get("lang", "")), group=str(group), kind=str(row.get("kind", "")),
        lines=tuple(lines), labels=checked, by=str(row.get("by", "")), extra=extra,
    )  # fmt: skip


def _label(label: Any, line: str, where: str) -> Label:
    if not line.strip():
        return None
    if isinstance(label, str) and label:
        return label
    if isinstance(label, list) and label and all(isinstance(run, list) and len(run) == 2 for run in label):
        starts = [run[0] for run in label]
        if all(isinstance(s, int) for s in starts) and all(isinstance(name, str) and name for _, name in label):
            if starts[0] == 0 and starts == sorted(set(starts)) and starts[-1] < len(line):
                return tuple((start, name) for start, name in label)
            raise CorpusError(f"{where}: the runs must start at 0, rise, and lie within the line ({len(line)} characters), not {starts}.")
    raise CorpusError(f"{where}: a label is a name or [[start, name], ...], not {json.dumps(label, ensure_ascii=False)[:60]}.")


def open_text(path: Path) -> Iterator[str]:
    """The lines of a text file, gzipped or not."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        yield from file


def load(paths: Iterable[str | Path]) -> list[LabelledDocument]:
    """Read labelled documents from files, or from all ``*.jsonl`` and ``*.jsonl.gz`` files of a folder, in name order."""
    documents: list[LabelledDocument] = []
    for path in map(Path, paths):
        files = sorted([*path.rglob("*.jsonl"), *path.rglob("*.jsonl.gz")]) if path.is_dir() else [path]
        if not files:
            raise CorpusError(f"{path}: no .jsonl file in this folder.")
        for file in files:
            try:
                for number, line in enumerate(open_text(file), 1):
                    if line.strip():
                        where = f"{file}:{number}"
                        try:
                            row = json.loads(line)
                        except json.JSONDecodeError as error:
                            raise CorpusError(f"{where}: not JSON ({error.msg} at column {error.colno}).") from None
                        documents.append(from_row(row, where))
            except (OSError, EOFError, UnicodeDecodeError) as error:
                raise CorpusError(f"{file}: cannot be read ({error}).") from None
    return documents


def save(documents: Iterable[LabelledDocument], path: str | Path) -> None:
    """Write labelled documents as JSON Lines."""
    with Path(path).open("w", encoding="utf-8", errors="backslashreplace") as file:  # a lone surrogate becomes its JSON escape
        for document in documents:
            file.write(json.dumps(document.row(), ensure_ascii=False) + "\n")


def segment_labels(documents: Sequence[LabelledDocument], segments: Segments, names: Sequence[str]) -> npt.NDArray[np.int64]:
    """For each segment, the index in `names` of the label that most of its characters have (body text, first in `names`, wins a tie)."""
    number = {name: i for i, name in enumerate(names)}
    of_character = np.full(len(segments.codes), -1, dtype=np.int64)
    for document, offset in zip(documents, segments.offsets):
        for start, end, label in document.runs():
            of_character[offset + start : offset + end] = number[label]
    result = np.empty(len(segments), dtype=np.int64)
    for i, (start, end) in enumerate(zip(segments.start, segments.end)):
        inside = of_character[start:end]
        result[i] = inside[0] if (inside == inside[0]).all() else np.bincount(inside[inside >= 0], minlength=len(names)).argmax()
    return result


def vouched_segments(documents: Sequence[LabelledDocument], segments: Segments) -> npt.NDArray[np.bool_]:
    """For each segment, whether a person vouches for its label (`LabelledDocument.confirmed`)."""
    result = np.ones(len(segments), dtype=np.bool_)
    for number, document in enumerate(documents):
        if (sure := document.confirmed) is not None:
            low, high = np.searchsorted(segments.document, (number, number + 1))
            lines = segments.line[low:high]
            result[low:high] = np.isin(lines, sorted(sure))
    return result


def label_names(documents: Iterable[LabelledDocument]) -> list[str]:
    """Every label that occurs: the five of the guide first, in its order, then any others by name."""
    seen = {label for document in documents for _, _, label in document.runs()}
    guide = ["editorial", "caption", "byline", "ad", "boilerplate"]
    return [name for name in guide if name in seen] + sorted(seen - set(guide))
