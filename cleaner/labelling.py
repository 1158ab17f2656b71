"""What ``cleaner labels import``, ``export`` and ``check`` do."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from cleaner.corpus import label_names, load, save
from cleaner.errors import CorpusError, UsageError
from cleaner.labels import FORMATS, Defaults, export_labels, import_labels

LISTED = 20


def import_command(
    files: Sequence[str], out: str, *, form: str | None, rest: str | None, by: str | None, lang: str | None, group: str | None,
    pages: str | None, body: str | None,
) -> int:  # fmt: skip
    """Read other tools' labels and write a labelled file; the exit status."""
    if form is not None and form not in FORMATS:
        raise UsageError(f"no format {form!r}; --from takes {', '.join(FORMATS)}.")
    if (pages or body) and form not in (None, "gold"):
        raise UsageError("--pages and --body go with --from gold.")
    options: dict[str, Any] = {"pages": pages, "body": body}
    defaults = Defaults(rest, by or "", lang or "", group or "")
    imported = import_labels(files, form or ("gold" if pages or body else None), defaults, **options)
    if not imported.documents:
        raise CorpusError(f"{files[0]}: no labelled document in it ({imported.unlabelled} without labels).")
    _write(imported.documents, out)
    runs = Counter(label for document in imported.documents for _, _, label in document.runs())
    counts = ", ".join(f"{name} {runs[name]:,}" for name in label_names(imported.documents))
    click.echo(f"{out}: {len(imported.documents):,} documents; {counts}.", err=True)
    for number, words in (
        (imported.unlabelled, "documents have no label and were left out"),
        (imported.filled, f"lines had text without a label; it became {rest}"),
        (imported.overlaps, "labels lay over another; the later one counts"),
    ):
        if number:
            click.echo(f"{number:,} {words}.", err=True)
    return 0


def _write(documents: Sequence[Any], out: str) -> None:
    try:
        Path(out).parent.mkdir(parents=True, exist_ok=True)
        save(documents, out)
    except OSError as error:
        raise UsageError(f"{out}: cannot be written ({error.strerror or error}); give another file with -o.") from None


def export_command(files: Sequence[str], out: str, form: str | None) -> int:
    """Write labelled documents in another tool's format; the exit status."""
    by_name = {".csv": "csv", ".tsv": "tsv", ".json": "label-studio", ".jsonl": "doccano"}
    chosen = form or by_name.get(Path(out).suffix.lower())
    if chosen is None or chosen not in FORMATS or chosen == "gold":
        raise UsageError(f"--to takes {', '.join(name for name in FORMATS if name != 'gold')}, not {form or 'the name ' + out!r}.")
    documents = load(files)
    try:
        Path(out).parent.mkdir(parents=True, exist_ok=True)
        written = export_labels(documents, out, chosen)
    except OSError as error:
        raise UsageError(f"{out}: cannot be written ({error.strerror or error}); give another file with -o.") from None
    click.echo(f"{' and '.join(map(str, written))}: {len(documents):,} documents for {chosen}.", err=True)
    if parts := sum(document.confirmed is not None for document in documents):
        click.echo(f"{parts:,} of them were looked at in part; they went out as labelled by a model, for a person to finish.", err=True)
    return 0


def check_command(
    files: Sequence[str], names: str | None, keep: str | None, drop: str | None, base: str | None, *,
    fast: bool, everything: bool, as_json: bool,
) -> int:  # fmt: skip
    """Check labelled files and print what was found; 1 if there is an error among it."""
    from cleaner.label_check import check, likely_errors

    def split(text: str | None) -> list[str]:
        return [name.strip() for name in (text or "").split(",") if name.strip()]

    def report(words: str) -> None:
        click.echo(f"cross-validation: {words}", err=True)

    checked = check(files, split(names) or None)
    skipped = ""
    if not fast and not checked.errors:
        try:
            likely_errors(checked, base, keep=split(keep), drop=split(drop), report=report)
        except CorpusError as error:
            skipped = f"No cross-validation: {error}"
    elif not fast:
        skipped = "No cross-validation while there are errors."
    shown: Counter[str] = Counter()
    for finding in checked.findings:
        shown[finding.kind] += 1
        if as_json:
            click.echo(json.dumps(finding.as_dict(), ensure_ascii=False))
        elif everything or shown[finding.kind] <= LISTED:
            click.echo(f"{finding.severity}: {finding}")
    if not as_json and not everything:
        for kind, number in shown.items():
            if number > LISTED:
                click.echo(f"… and {number - LISTED:,} more of the kind ‘{kind}’; --all lists them.")
    if skipped:
        click.echo(skipped, err=True)
    warnings = len(checked.findings) - checked.errors
    click.echo(f"{len(checked.documents):,} documents, {checked.errors:,} errors, {warnings:,} warnings.", err=True)
    return 1 if checked.errors else 0
