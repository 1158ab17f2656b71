"""What is wrong with labelled files, line by line.

Errors are what training cannot use: broken rows, labels and lines that differ in number, unknown labels, empty documents. Warnings
are what a person should look at: the same line labelled two ways, near-duplicates, documents that a model labelled, and lines
whose label a model trained on the other groups contradicts.
"""

from __future__ import annotations

import difflib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cleaner.corpus import LabelledDocument, from_row, open_text, vouched_segments
from cleaner.errors import CorpusError
from cleaner.judged import label_runs
from cleaner.segment import code_points

GUIDE = ("editorial", "caption", "byline", "ad", "boilerplate")

FEWEST = 20
"""Fewer documents say nothing about one another's labels."""

_SAME = 6  # letters; shorter lines mean one thing here and another there
_GRAM, _SAMPLE = 9, 16  # near-duplicates: runs of so many letters, one in so many of them
_ALIKE = 0.7
_COMMON = 40  # a run of letters in more documents than this is furniture and says nothing


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: the file and its row, the line of the document (0: the whole of it), and a sentence."""

    kind: str
    severity: str
    where: str
    line: int
    message: str

    def __str__(self) -> str:
        place = f"{self.where}, line {self.line}" if self.line else self.where
        return f"{place}: {self.message}"

    def as_dict(self) -> dict[str, Any]:
        """The finding as a JSON-ready dictionary."""
        return asdict(self)


@dataclass(slots=True)
class Checked:
    """The documents that could be read, where each stands, and what was found so far."""

    documents: list[LabelledDocument] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def errors(self) -> int:
        """How many findings training cannot live with."""
        return sum(finding.severity == "error" for finding in self.findings)

    def error(self, kind: str, where: str, line: int, message: str) -> None:
        """Note what training cannot use."""
        self.findings.append(Finding(kind, "error", where, line, message))

    def warn(self, kind: str, where: str, line: int, message: str) -> None:
        """Note what a person should look at."""
        self.findings.append(Finding(kind, "warning", where, line, message))


def check(paths: Iterable[str | Path], labels: Sequence[str] | None = None) -> Checked:
    """Check labelled files, all of them together. `labels` are the names that may occur (`None`: those of the guide).

    What `corpus.load` would refuse at once is listed in full here. `CorpusError` only for a file that cannot be read at all.
    """
    checked = Checked()
    known = tuple(labels) if labels else GUIDE
    for path in map(Path, paths):
        files = sorted([*path.rglob("*.jsonl"), *path.rglob("*.jsonl.gz")]) if path.is_dir() else [path]
        if not files:
            raise CorpusError(f"{path}: no .jsonl file in this folder.")
        for file in files:
            try:
                for number, text in enumerate(open_text(file), 1):
                    if text.strip():
                        _row(text, f"{file}:{number}", known, checked)
            except (OSError, EOFError, UnicodeDecodeError) as error:
                raise CorpusError(f"{file}: cannot be read ({error}).") from None
    _together(checked)
    _two_ways(checked)
    _near_duplicates(checked)
    return checked


# --- one row ---------------------------------------------------------------------------------------------------------


def _row(text: str, where: str, known: Sequence[str], checked: Checked) -> None:
    try:
        row = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        checked.error("json", where, 0, f"not JSON ({error}).")
        return
    before = len(checked.findings)
    if isinstance(row, dict) and isinstance(row.get("lines"), list) and isinstance(row.get("labels"), list):
        _shape(row["lines"], row["labels"], where, known, checked)
    if len(checked.findings) > before and any(f.kind in ("count", "label", "runs", "text") for f in checked.findings[before:]):
        return
    try:
        document = from_row(row, where)
    except CorpusError as error:
        checked.error("row", where, 0, str(error).removeprefix(f"{where}: "))
        return
    checked.documents.append(document)
    checked.places.append(where)


def _shape(lines: list[Any], labels: list[Any], where: str, known: Sequence[str], checked: Checked) -> None:
    """Every line and its label."""
    if len(lines) != len(labels):
        checked.error("count", where, 0, f"{len(lines)} lines but {len(labels)} labels; each line needs one (null for a blank line).")
    if not any(isinstance(line, str) and line.strip() for line in lines):
        checked.error("text", where, 0, "no text at all; leave the document out.")
    for number, (line, label) in enumerate(zip(lines, labels), 1):
        if not isinstance(line, str):
            checked.error("text", where, number, f"a line must be a string, not {type(line).__name__}.")
        elif not line.strip():
            if label is not None:
                checked.warn("blank", where, number, f"a blank line carries the label {_shown(label)}; it counts for nothing, use null.")
        elif label is None or label in ("", []):
            checked.error("label", where, number, f"no label on {line.strip()[:40]!r}.")
        else:
            for kind, severity, message in _label(line, label, known):
                checked.findings.append(Finding(kind, severity, where, number, message))


def _label(line: str, label: Any, known: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """What is wrong with the label of a line, as (kind, severity, message)."""
    runs = [[0, label]] if isinstance(label, str) else label
    if not isinstance(runs, list) or not all(isinstance(run, list) and len(run) == 2 and isinstance(run[1], str) for run in runs):
        yield "runs", "error", f"a label is a name or [[start, name], ...], not {_shown(label)}."
        return
    starts = [run[0] for run in runs]
    whole = all(isinstance(start, int) and not isinstance(start, bool) for start in starts)
    if not whole or starts[0] != 0 or starts != sorted(set(starts)) or starts[-1] >= len(line):
        yield "runs", "error", f"the runs must start at 0, rise, and lie within the line ({len(line)} characters), not {starts}."
        return
    for start, end, name in label_runs(line, tuple((start, name) for start, name in runs)):
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}; name your own with --labels."
            yield "unknown", "error", f"unknown label {name!r}: {hint}"
        if len(runs) > 1 and not line[start:end].strip():
            yield "blank", "warning", f"the run from {start} to {end} holds nothing but space."


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)[:60]


# --- rows together ---------------------------------------------------------------------------------------------------


def _together(checked: Checked) -> None:
    """Ids that come twice, documents by a model, a corpus of one group."""
    first: dict[str, str] = {}
    for document, where in zip(checked.documents, checked.places):
        if document.id in first:
            checked.warn("id", where, 0, f"the id {document.id!r} is that of {first[document.id]} too.")
        first.setdefault(document.id, where)
        if document.by == "model":
            checked.warn("model", where, 0, "labelled by a model; training refuses it until a person has looked at it (cleaner review).")
    if len(checked.documents) > 1 and len({document.group for document in checked.documents}) == 1:
        checked.warn("group", checked.places[0], 0, "all documents are of one group; training needs two (publishers or writers).")


def _two_ways(checked: Checked) -> None:
    """Lines of the same letters that carry different labels in different places."""
    found: dict[str, list[tuple[str, str, int, str]]] = defaultdict(list)
    for document, where in zip(checked.documents, checked.places):
        for number, (line, label) in enumerate(zip(document.lines, document.labels), 1):
            for start, end, name in label_runs(line, label):
                letters = "".join(c for c in line[start:end].casefold() if c.isalnum())
                if len(letters) >= _SAME:
                    found[letters].append((name, where, number, line[start:end].strip()))
    for places in found.values():
        times = Counter(name for name, _, _, _ in places)
        if len(times) > 1:
            (most, n), *rest = times.most_common()
            for name, where, number, text in places:
                if name == rest[-1][0]:  # the rarest is the likeliest slip
                    said = f"{text[:50]!r} is {name!r} here and {most!r} in {n} other place{'s' if n > 1 else ''}."
                    checked.warn("two ways", where, number, said)


def _near_duplicates(checked: Checked) -> None:
    """Documents that share most of their text with an earlier one."""
    samples = [_sample(document) for document in checked.documents]
    holders: dict[int, list[int]] = defaultdict(list)
    for i, sample in enumerate(samples):
        shared: Counter[int] = Counter()
        for code in sample:
            if len(holders[code]) <= _COMMON:
                shared.update(holders[code])
                holders[code].append(i)
        for other, n in shared.most_common(1):
            if n >= _ALIKE * max(min(len(sample), len(samples[other])), 4):
                same = checked.documents[i].group == checked.documents[other].group
                tail = "." if same else "; they are of different groups, so what is learned from one is tested on the other."
                said = f"nearly the text of {checked.places[other]} ({checked.documents[other].id}){tail}"
                checked.warn("near-duplicate", checked.places[i], 0, said)


def _sample(document: LabelledDocument) -> list[int]:
    """A sample of the hashed runs of letters of a document: the same runs are in the sample of any document that has them."""
    letters = "".join(c for c in document.text.casefold() if c.isalnum())
    if len(letters) < _GRAM:
        return [hash_of(letters)] if letters else []
    codes = code_points(letters).astype(np.uint64)
    hashes: npt.NDArray[np.uint64] = np.zeros(len(codes) - _GRAM + 1, dtype=np.uint64)
    for i in range(_GRAM):
        hashes = hashes * np.uint64(1_000_003) + codes[i : len(codes) - _GRAM + 1 + i]
    hashes = (hashes * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20)
    chosen: list[int] = np.unique(hashes[hashes % np.uint64(_SAMPLE) == 0]).tolist()
    # A short text may have none in the sample: then all of it stands for itself.
    return chosen if len(chosen) >= 4 else [hash_of(letters)]


def hash_of(letters: str) -> int:
    """A hash of a text that is the same in every process."""
    code = 0
    for character in letters:
        code = (code * 1_000_003 + ord(character)) & 0xFFFFFFFFFFFF
    return code | 1 << 50


# --- labels that a model contradicts ----------------------------------------------------------------------------------


def likely_errors(
    checked: Checked, base: str | Path | None = None, *, keep: Sequence[str] = (), drop: Sequence[str] = (),
    report: Callable[[str], None] = lambda _: None,
) -> None:  # fmt: skip
    """Cross-validate: warn of each line that a model trained on the other groups is sure to put on the other side.

    With `base`, that model learns from the documents of a model folder too. `keep` and `drop` are the policy, as in training.
    `CorpusError` where the documents cannot be trained on (too few, one group, or nothing to drop).
    """
    from cleaner.carried import load_base
    from cleaner.lesson import base_folder, lesson_of
    from cleaner.training import train

    places = {document.digest: where for document, where in zip(checked.documents, checked.places)}
    own = [document for document in checked.documents if document.by != "model"]
    if base is None and len(own) < FEWEST:
        raise CorpusError(
            f"{len(own)} documents are too few to judge one another's labels, it takes {FEWEST}; --base default judges them together with "
            "the documents of the packaged model."
        )
    taught = lesson_of(own, None if base is None else load_base(base_folder(base)), keep=keep, drop=drop)
    training = train(taught.documents, keep=taught.keep, counts=taught.counts, folds=taught.folds, report=report)
    labels = training.model.labels
    judged = np.array(taught.new) if base is not None else np.ones(len(taught.documents), dtype=np.bool_)
    for number, score in _contradicted(training, judged):
        segments = training.segments
        document = taught.documents[int(segments.document[number])]
        where = places[document.digest]
        offset = int(segments.offsets[segments.document[number]])
        start, end = int(segments.start[number]) - offset, int(segments.end[number]) - offset
        line = document.text.count("\n", 0, start) + 1
        name = labels[int(training.gold[number])]
        goes = name not in training.model.policy.keep
        sure = 1 - score if goes else score
        side = "stay" if goes else "go"
        said = f"{document.text[start:end][:50]!r} is {name!r}, but a model trained without its group is {sure:.0%} sure it should {side}."
        checked.warn("likely error", where, line, said)


def _contradicted(training: Any, judged: npt.NDArray[np.bool_]) -> Iterator[tuple[int, float]]:
    """Segments of the judged documents whose score out of fold is on the far side of their label, the surest first."""
    drops = np.array([name not in training.model.policy.keep for name in training.model.labels])
    goes = drops[training.gold]
    sure = judged[training.segments.document] & vouched_segments(training.documents, training.segments)
    wrong = np.where(goes, 1 - training.scores, training.scores) * sure
    order = np.argsort(-wrong, kind="stable")
    yield from ((int(i), float(training.scores[i])) for i in order[: int((wrong >= 0.9).sum())])
