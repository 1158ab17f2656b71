"""What ``cleaner review`` does: gather, judge, choose, and write the page."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from cleaner.corpus import LabelledDocument
from cleaner.errors import CleanerError, ReadError, UsageError
from cleaner.gather import AUDIT, gather
from cleaner.judged import Run, judge
from cleaner.pipeline import Cleaner
from cleaner.review import Reasons, page, select
from cleaner.why import reasons

SHOWN_PROBLEMS = 20


def command(
    inputs: Sequence[str], out: str, cleaning: Mapping[str, Any], *, uncertain: int | None, limit: int, labels: str | None,
    title: str | None, field: str, encoding: str | None,
) -> int:  # fmt: skip
    """Run the command; the exit status: 1 where an input could not be read.

    `cleaning` holds the model, the labels to keep and what to favor; where it says nothing, a folder that ``cleaner clean`` wrote
    is looked at with what it was cleaned with.
    """
    if (uncertain is not None and uncertain < 1) or limit < 1:
        raise UsageError("--uncertain and --limit take a number from 1 on.")
    cleaner = _cleaner({**_cleaned_with(inputs), **{name: value for name, value in cleaning.items() if value is not None}})
    problems: list[CleanerError] = []

    def documents() -> Iterator[LabelledDocument]:
        for found in gather(inputs, field=field, encoding=encoding, out=None if out == "-" else out):
            if isinstance(found, CleanerError):
                problems.append(found)
            else:
                yield found

    selection = select(judge(cleaner, documents()), cleaner.policy, cleaner.model.labels, limit=limit, uncertain=uncertain)
    for problem in problems[:SHOWN_PROBLEMS]:
        click.echo(f"cleaner: {problem}", err=True)
    if len(problems) > SHOWN_PROBLEMS:
        click.echo(f"cleaner: … and {len(problems) - SHOWN_PROBLEMS} more that could not be read.", err=True)
    if not selection.documents:
        raise ReadError("There is nothing to review: no document with text was found (a folder cleaned without a loss has none).")
    more = [name.strip() for name in (labels or "").split(",") if name.strip()]
    name = title or ", ".join(Path(item).name or item for item in inputs[:3]) + (" …" if len(inputs) > 3 else "")
    html = page(selection, cleaner.policy, cleaner.model.labels, title=name, more_labels=more, reasons=evidence(cleaner))
    _write(html, out)
    if out != "-":
        shown = f"{len(selection.documents):,} documents" + (f" of {selection.seen:,}" if selection.seen > len(selection.documents) else "")
        click.echo(f"{out}: {shown}, {selection.flagged:,} segments worth a look. Open it in a browser; ? shows the keys.", err=True)
    return 1 if problems else 0


def _cleaner(settings: Mapping[str, Any]) -> Cleaner:
    keep = settings.get("keep")
    names = [name.strip() for name in keep.split(",") if name.strip()] if isinstance(keep, str) else keep
    return Cleaner(settings.get("model"), names, settings.get("favor"))


def _cleaned_with(inputs: Sequence[str]) -> Mapping[str, Any]:
    """The settings that the first output folder among the inputs was written with; nothing where there is none."""
    for name in inputs:
        if (Path(name) / AUDIT).is_file():
            try:
                found = json.loads((Path(name) / AUDIT.parent / "run.json").read_text(encoding="utf-8"))
            except (OSError, ValueError):
                return {}
            return found if isinstance(found, dict) else {}
    return {}


def evidence(cleaner: Cleaner) -> Reasons:
    """A function that gives what spoke for the verdict on each run of a document."""

    def of_runs(document: LabelledDocument, runs: Sequence[Run]) -> list[list[str]]:
        text = document.text
        segments, found = cleaner.clean(text).segments, reasons(cleaner, text)
        starts = [0]
        for line in document.lines:
            starts.append(starts[-1] + len(line) + 1)
        result: list[list[str]] = []
        for run in runs:
            low, high = starts[run.line] + run.start, starts[run.line] + run.end
            own = [words for s, words in zip(segments, found) if s.start < high and s.end > low]
            result.append(list(dict.fromkeys(word for words in own for word in words)))
        return result

    return of_runs


def _write(html: str, out: str) -> None:
    """Write the page; a file that is there already is replaced when the new one is whole."""
    data = html.encode("utf-8")
    if out == "-":
        sys.stdout.buffer.write(data)
        return
    path = Path(out)
    name = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("wb", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            name = file.name
            file.write(data)
        mask = os.umask(0)
        os.umask(mask)
        Path(name).chmod(0o666 & ~mask)  # a temporary file is its owner's alone
        Path(name).replace(path)
    except OSError as error:
        with suppress(OSError):
            Path(name).unlink()
        raise UsageError(f"{out}: cannot be written ({error.strerror or error}); give another file with -o.") from None
