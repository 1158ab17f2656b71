"""What ``cleaner train`` does: gather, fit, compare, decide whether the new model may stand, write it, and say what it is worth."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import joblib
import numpy as np

from cleaner import cards, carried, training
from cleaner.compare import Comparison, compare, merged, reasons_against, verdicts_of
from cleaner.errors import CorpusError, ModelError, UsageError
from cleaner.evaluate import Quality, format_table
from cleaner.findings import Findings, Point, dropped_labels, findings, qualities
from cleaner.lesson import Lesson, lesson
from cleaner.model import CARD_FILE, README_FILE, WEIGHTS_FILE, Model, load_model, save_model
from cleaner.quality_page import page

FRACTIONS = (1 / 8, 1 / 4, 1 / 2)
"""The learning curve's steps before the whole."""

SMALL = 3000
"""So few lines are learned sooner in this process than in others, which take seconds to start."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Options:
    """How ``cleaner train`` was asked to work, beside what to learn from and where to write."""

    carry: bool = True
    curve: bool = False
    force: bool = False
    report: str | None = None
    jobs: int | None = None
    license: str | None = None


def command(sources: Sequence[str], out: str, base: str | None, options: Options, **policy: Any) -> int:
    """Run the command; the exit status: 1 where the model in `out` was kept because it is better."""
    started, target = time.monotonic(), Path(out)
    check_target(target)
    with progress() as say:
        taught = lesson(sources, base, **policy)
        model, found, reasons = learn(taught, target, options, say)
    refused = bool(reasons) and not options.force and (target / CARD_FILE).exists()
    place = target.with_name(f"{target.name}-refused") if refused else target
    write(model, taught, place, options)
    report = Path(options.report) if options.report else place.with_name(f"{place.name}-report.html")
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text(page(found, f"Training of {target.name}"), encoding="utf-8")
    click.echo(summary(found, place, report, time.monotonic() - started))
    for reason in reasons:
        click.echo(f"cleaner: the new model is worse: {reason}.", err=True)
    if refused:
        click.echo(f"cleaner: {target} is kept as it was; the new model stands in {place}. --force replaces the old one.", err=True)
    return 1 if refused else 0


def check_target(target: Path) -> None:
    """Refuse a place that cannot become a model folder, before the minutes of training."""
    if target.exists() and not target.is_dir():
        raise UsageError(f"{target}: is a file; give a folder for the model (-o).")
    if target.is_dir() and any(target.iterdir()) and not (target / CARD_FILE).exists():
        raise UsageError(f"{target}: holds other files and no model; give a new or empty folder (-o).")
    parent = next(folder for folder in (target, *target.absolute().parents) if folder.exists())
    if not os.access(parent, os.W_OK):
        raise UsageError(f"{target}: cannot be written to; give another folder (-o).")


def learn(taught: Lesson, target: Path, options: Options, say: Say = lambda _: None) -> tuple[Model, Findings, list[str]]:
    """Train on a lesson, with and without what is new in it: the model, the figures, and why it should not replace `target`."""
    small = sum(len(document.lines) for document in taught.documents) < SMALL
    jobs = options.jobs or (1 if small else min(joblib.cpu_count(), 6))
    notes = list(taught.notes)

    def fit(counts: Sequence[float], title: str) -> training.Training:
        def titled(message: str) -> None:
            say(f"{title}{message}")

        return training.train(taught.documents, keep=taught.keep, counts=counts, folds=taught.folds, n_jobs=jobs, report=titled)

    adapting = any(taught.new) and not all(taught.new)
    before = fit([0.0 if new else n for n, new in zip(taught.counts, taught.new)], "without the new labels: ") if adapting else None
    after = fit(taught.counts, "with the new labels: " if adapting else "")
    learned, comparisons = qualities(after), []
    if before:
        comparisons += with_and_without(qualities(before), learned, taught.new)
    reasons = reasons_against(comparisons)
    for name, model, against in _others(target, taught, notes):
        if comparison := as_it_stands(name, model, taught, learned, dropped_labels(after)):
            comparisons.append(comparison)
            reasons += reasons_against([comparison]) if against else []
        elif against:
            reasons += same_documents(name, model, after.model, taught)
    points = learning_curve(taught, before, after, fit, notes) if options.curve else []
    found = findings(after, taught.new, comparisons, before=before, learning=points, notes=[*notes, *advice(merged(learned), points)])
    return described(after, taught, found, options), found, reasons


def with_and_without(old: Sequence[Quality], new: Sequence[Quality], fresh: Sequence[bool]) -> list[Comparison]:
    """The same recipe on the same folds, without the new labels and with them: on the new documents, and on the others."""
    parts = (("the new documents", True), ("the base's documents", False))
    return [
        compare(
            [q for q, f in zip(old, fresh) if f is which], [q for q, f in zip(new, fresh) if f is which],
            "without the new labels", "with them", on,
        )
        for on, which in parts
    ]  # fmt: skip


def as_it_stands(name: str, model: Model, taught: Lesson, learned: Sequence[Quality], dropped: Sequence[str]) -> Comparison | None:
    """A model that exists against the new one, on the documents that its card does not list; `None` if it lists them all."""
    listed = set(model.card["corpus"]["digests"])
    unseen = [i for i, document in enumerate(taught.documents) if document.digest not in listed]
    if not unseen:
        return None
    old = verdicts_of(model, [taught.documents[i] for i in unseen], dropped)
    return compare(old, [learned[i] for i in unseen], name, "the new model, on folds", "documents that it has not learned from")


def same_documents(name: str, old: Model, new: Model, taught: Lesson) -> list[str]:
    """Why the new model is worse than one of the very same documents and labels: both were measured on folds of them."""
    quality = old.card.get("quality")
    first = quality.get("all") if isinstance(quality, dict) else None
    if not isinstance(first, dict) or old.card.get("documents_digest") != carried.digest(taught.documents):
        return []
    second = new.card["quality"]["all"]
    falls = {figure: first.get(figure, 0.0) - second.get(figure, 0.0) for figure in ("drop_F1", "kept_chars")}
    bad = [figure for figure, most in (("drop_F1", 0.01), ("kept_chars", 0.002)) if falls[figure] > most]
    if len(bad) == 1 and min(falls.values()) < -0.001:  # one figure for the other: a trade
        return []
    changes = {figure: f"{first[figure]:.4f} to {second.get(figure, 0.0):.4f}" for figure in bad}
    return [f"{figure} falls from {change} on folds of the same documents, against {name}" for figure, change in changes.items()]


def _others(target: Path, taught: Lesson, notes: list[str]) -> Iterator[tuple[str, Model, bool]]:
    """The base and the model that would be overwritten, as they stand; the flag says whether losing to it is a reason to refuse.

    Losing to the base itself is none: that is what the comparison on the same folds is for, and it is the fairer one.
    """
    base = None if taught.base is None else taught.base.folder.resolve()
    for folder in dict.fromkeys(path for path in (base, target.resolve()) if path and (path / CARD_FILE).exists()):
        name = "the base as it stands" if folder == base else f"the model in {target.name} as it stands"
        try:
            carried.read_card(folder)
            yield name, load_model(folder), folder != base
        except ModelError as error:
            notes.append(f"Not compared with {name}, which cannot be loaded: {error}")


def learning_curve(
    taught: Lesson, before: training.Training | None, after: training.Training, fit: Callable[[Sequence[float], str], training.Training],
    notes: list[str],
) -> list[Point]:  # fmt: skip
    """What a part of the labels would have reached on the same folds: on the new documents when adapting, else on all."""
    part = np.flatnonzero(taught.new) if before else np.arange(len(taught.documents))
    order = sorted(part.tolist(), key=lambda i: hashlib.sha256(taught.documents[i].digest.encode()).digest())

    def point(n: int, result: training.Training) -> Point:
        counted = qualities(result)
        quality = merged([counted[i] for i in part])
        lines = sum(label is not None for i in order[:n] for label in taught.documents[i].vouched().labels)
        return Point(n, lines, round(quality.f1, 4), round(quality.kept_chars, 4))

    points = [point(0, before)] if before else []
    for n in sorted({round(len(order) * fraction) for fraction in FRACTIONS} - {0, len(order)}):
        out = set(order[n:])
        try:
            points.append(point(n, fit([0.0 if i in out else c for i, c in enumerate(taught.counts)], f"learning curve, {n} documents: ")))
        except CorpusError as error:
            notes.append(f"The learning curve has no point at {n} documents: {error}")
    return [p for p in (*points, point(len(order), after)) if np.isfinite(p.drop_f1)]


def advice(quality: Quality, points: Sequence[Point]) -> list[str]:
    """What the figures suggest to do next."""
    notes = []
    if quality.recall < 0.5:
        notes.append(
            f"Only {quality.recall:.0%} of what should go is dropped: the threshold is set so that the newsroom's words stay, and with "
            "these labels that takes much caution. More labels help, or --base, which adds the documents of another model."
        )
    if len(points) > 1:
        gain = points[-1].drop_f1 - points[-2].drop_f1
        word = "more labels of this kind are worth it" if gain > 0.01 else "more labels of this kind would bring little"
        notes.append(f"The last doubling of the labels changed drop F1 by {gain:+.3f}: {word}.")
    return notes


def described(trained: training.Training, taught: Lesson, found: Findings, options: Options) -> Model:
    """The model with a card that tells of its documents, its groups and its comparisons too."""
    documents = taught.documents
    composition = {
        field: dict(Counter(value for document in documents if (value := getattr(document, name))).most_common(40))
        for field, name in (("language", "lang"), ("kind", "kind"), ("labeller", "by"))
    }
    counts = {document.digest: n for document, n in zip(documents, taught.counts) if n != 1.0}
    short = ("documents", "runs", "drop_F1", "kept_chars")
    card: dict[str, Any] = {
        **trained.model.card,
        "corpus": {**trained.model.card["corpus"], "composition": composition, **({"counts": counts} if counts else {})},
        "quality_by_group": {name: {m: row[m] for m in short if m in row} for name, row in found.tables.get("group", {}).items()},
        "comparisons": [_plain(one) for one in found.comparisons],
        "curve": [{name: value for name, value in row.items() if np.isfinite(value)} for row in found.thresholds],
        "documents_digest": carried.digest(documents),
    }  # fmt: skip
    if taught.base is not None:
        card["base"] = str(taught.base.card.get("weights_sha256", ""))
    if options.license:
        card["license"] = options.license
    return Model(card, trained.model.arrays)


def _plain(one: Comparison) -> dict[str, Any]:
    numbers = ("before", "after", "low", "high")
    changes = [{"name": c.name, **{n: round(getattr(c, n), 4) for n in numbers}, "worse": c.worse, "better": c.better} for c in one.changes]
    return {"before": one.before, "after": one.after, "on": one.on, "documents": int(one.new.documents), "changes": changes}


def write(model: Model, taught: Lesson, folder: Path, options: Options) -> None:
    """Write the model folder: weights, card, README, and the documents unless they are to stay behind."""
    extra = {}
    if options.carry:
        extra[carried.DOCUMENTS_FILE] = carried.pack(taught.documents)
        digest = hashlib.sha256(extra[carried.DOCUMENTS_FILE]).hexdigest()
        model = Model({**model.card, "documents_sha256": digest}, model.arrays)
    extra[README_FILE] = cards.readme(model.card, folder.resolve().name).encode("utf-8", "backslashreplace")
    save_model(model, folder, extra)
    if not options.carry:
        (folder / carried.DOCUMENTS_FILE).unlink(missing_ok=True)


def summary(found: Findings, place: Path, report: Path, seconds: float) -> str:
    """What a person wants to know at the end, as lines of text."""
    columns = ("documents", "runs", "kept_chars", "drop_precision", "drop_recall", "drop_F1", "clean_untouched", "dirty_perfect")
    rows = {"all": found.everything.rounded()}
    for field in ("part", "language", "kind", "group"):
        rows |= {f"{field} {name}"[:40]: row for name, row in list(found.tables.get(field, {}).items())[:8]}
    table = format_table({name: {c: row[c] for c in columns if c in row} for name, row in rows.items()})
    went = ", ".join(f"{label} {gone / total:.3f}" for label, (gone, total) in found.everything.gone_by_label.items() if total)
    lines = [f"Quality on grouped folds, threshold {found.threshold:g}", table, f"Share of each label that went: {went}", ""]
    for one in found.comparisons:
        lines.append(f"{one.before} → {one.after}, on {one.new.documents:,.0f} documents ({one.on}):")
        lines += [
            f"  {c.name:<12} {c.before:.4f} → {c.after:.4f}  ({c.after - c.before:+.4f}; nine draws of ten: {c.low:+.4f} … {c.high:+.4f})"
            for c in one.changes
        ]
    for p in found.learning:
        amount = f"learned from {p.documents:>6,} documents, {p.lines:>7,} lines"
        lines.append(f"{amount}: drop_F1 {p.drop_f1:.4f}, kept_chars {p.kept_chars:.4f}")
    lines += [f"Note: {note}" for note in found.notes]
    lines.append(f"{place}: the model, {size_of(place)}. {report}: the report. {seconds / 60:.1f} minutes.")
    return "\n".join(lines)


def size_of(folder: Path) -> str:
    """The size of a model folder's weights and documents."""
    files = (folder / WEIGHTS_FILE, folder / carried.DOCUMENTS_FILE)
    size = sum(file.stat().st_size for file in files if file.exists())
    return f"{size / 1e6:.1f} MB" if size > 1e5 else f"{size / 1e3:.0f} kB"


@contextmanager
def progress() -> Iterator[Say]:
    """Says on stderr what is being done: a line that moves on a terminal, a line for each step in a log."""
    if not sys.stderr.isatty():
        yield lambda message: click.echo(f"cleaner: {message}", err=True)
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading the documents", total=None)
        yield lambda message: bar.update(task, description=message)
