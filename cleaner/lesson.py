"""What to learn from: new labels, the documents that a base model carries, the folds, and the policy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cleaner import training
from cleaner.carried import Base, load_base
from cleaner.corpus import LabelledDocument, label_names, load
from cleaner.errors import CorpusError, UsageError
from cleaner.language import Language, guess, learn_languages
from cleaner.model import packaged_model

NEW_COUNTS, NEW_SHARE = 4.0, 0.1
"""In adapting, a newly labelled document counts as much as so many of the base's, while all of them together are no more than this share
of the base; it never counts less than one. A few are heard that way, and many do not drown what the base knows."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """Documents to learn from: which are ``new``, how much each counts, its fold, the labels to keep, and what to tell the user."""

    documents: tuple[LabelledDocument, ...]
    new: tuple[bool, ...]
    counts: tuple[float, ...]
    folds: npt.NDArray[np.int64]
    keep: tuple[str, ...]
    base: Base | None
    notes: tuple[str, ...]


def lesson(
    sources: Sequence[str | Path], base: str | Path | None = None, *, counts: float | None = None,
    keep: Sequence[str] = (), drop: Sequence[str] = (),
) -> Lesson:  # fmt: skip
    """Gather what to learn from: the labelled documents in `sources`, and those of the model folder `base`.

    `counts` is how much a new document counts beside one of the base (`None`: `usual_counts`); `keep` and `drop` change the policy:
    the base's, or for labels that no base knows, to drop ``ad`` and ``boilerplate`` and keep all others. A new document replaces
    one of the base with the same text. `CorpusError` for documents that cannot be read or that a model labelled, `ModelError` for a
    base that carries none, `UsageError` for labels that do not occur.
    """
    if not sources and base is None:
        raise UsageError("There is nothing to learn from: give labelled documents (.jsonl files or folders), or --base.")
    start = None if base is None else load_base(base_folder(base))  # before the documents: it fails sooner
    documents = load(sources) if sources else []
    if not documents and (sources or not (start and start.documents)):
        raise CorpusError(f"{', '.join(map(str, sources)) or base}: there is no labelled document in it.")
    return lesson_of(documents, start, counts=counts, keep=keep, drop=drop)


def lesson_of(
    documents: Sequence[LabelledDocument], start: Base | None, *, counts: float | None = None,
    keep: Sequence[str] = (), drop: Sequence[str] = (),
) -> Lesson:  # fmt: skip
    """What to learn from, given the new documents and the base; the rest as for `lesson`."""
    if by_model := [document.id for document in documents if document.by == "model"]:  # said here, not after minutes of training
        others = f" and {len(by_model) - 1:,} more are" if len(by_model) > 1 else " is"
        raise CorpusError(f"{by_model[0]}{others} labelled by a model: a person must look first; open them with `cleaner review`.")
    fresh, notes = _without_doubles(documents)
    fresh, told = _with_languages(fresh, start)
    texts = {document.digest for document in fresh}
    old = [(d, n) for d, n in zip(start.documents, start.counts) if d.digest not in texts] if start else []
    if start and len(old) < len(start.documents):
        notes.append(f"{len(start.documents) - len(old)} of the base's documents stand among the new ones too; the new labels count.")
    every = [*(d for d, _ in old), *fresh]
    kept, said = policy(label_names(every), start, keep, drop)
    folds, dealt = _folds([d for d, _ in old], fresh)
    each = usual_counts(len(old), len(fresh)) if counts is None else counts
    weights = (*(n for _, n in old), *([each if start else 1.0] * len(fresh)))
    new = (*([False] * len(old)), *([start is not None] * len(fresh)))
    return Lesson(tuple(every), new, weights, folds, kept, start, (*notes, *told, *in_part(fresh), *said, *dealt))


def usual_counts(old: int, new: int) -> float:
    """How much one of `new` documents counts beside one of `old` of the base, unless the user says it.

    >>> usual_counts(1200, 10), usual_counts(1200, 60), usual_counts(1200, 500)
    (4.0, 2.0, 1.0)
    """
    return round(min(NEW_COUNTS, max(1.0, NEW_SHARE * old / max(new, 1))), 2)


def base_folder(base: str | Path) -> Path:
    """The folder of a base model; ``default``, or its place in a checkout, is the packaged one, unless there is a folder of that name."""
    path = Path(base)
    return packaged_model() if path.as_posix() in ("default", "models/default") and not path.is_dir() else path


def policy(labels: Sequence[str], base: Base | None, keep: Sequence[str], drop: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """The labels to keep, and what to say about labels that are new.

    >>> policy(["editorial", "ad", "sponsored"], None, [], ["sponsored"])
    (('editorial',), [])
    >>> policy(["editorial", "ad", "comment"], None, [], [])[0]
    ('editorial', 'comment')
    """
    for name in (*keep, *drop):
        if name not in labels:
            raise UsageError(f"No document has the label {name!r}; the labels are {', '.join(labels)}.")
    if both := set(keep) & set(drop):
        raise UsageError(f"The label {min(both)!r} is named by --keep and by --drop; name it once.")
    known, known_keep = base.policy if base else ((), ())
    dropped = {name for name in labels if (name not in known_keep if name in known else name in training.DROPPED_BY_DEFAULT)}
    dropped = (dropped | set(drop)) - set(keep)
    usual = {"editorial", "caption", "byline", *known, *keep, *drop, *training.DROPPED_BY_DEFAULT}
    notes = [f"The label `{name}` is kept; --drop {name} would drop it." for name in labels if name not in usual]
    return tuple(name for name in labels if name not in dropped), notes


def _without_doubles(documents: Sequence[LabelledDocument]) -> tuple[list[LabelledDocument], list[str]]:
    """Each text once, with the labels that came last: two copies in two folds would give the answer away."""
    last = {document.digest: document for document in documents}
    doubles = len(documents) - len(last)
    notes = [f"{doubles} of the documents have the text of another; the labels that came last were taken."] if doubles else []
    return list(last.values()), notes


def _with_languages(documents: Sequence[LabelledDocument], start: Base | None) -> tuple[list[LabelledDocument], list[str]]:
    """Documents that name no language (text files have none to name) get the one that they look like.

    Training spreads the languages over the folds, carries ads between documents of one language, and learns which languages it knows.
    """
    learned = learn_languages([*documents, *(start.documents if start else ())])
    languages = {lang: Language(frozenset(entry["words"]), float(entry["share"])) for lang, entry in learned.items()}
    result = [d if d.lang else replace(d, lang=guess(d.text, languages)) for d in documents]
    found = Counter(new.lang for old, new in zip(documents, result) if new.lang and not old.lang)
    if not found:
        return result, []
    return result, [f"Documents that name no language were taken for {', '.join(f'{lang} ({n:,})' for lang, n in found.most_common())}."]


def in_part(documents: Sequence[LabelledDocument]) -> list[str]:
    """What to say of documents that a person looked at in part."""
    parts = [document for document in documents if document.confirmed is not None]
    if not parts:
        return []
    lines = sum(label is not None for document in parts for label in document.vouched().labels)
    said = f"{lines:,} confirmed line{'s are' if lines != 1 else ' is'} learned from and measured"
    were = "were" if len(parts) != 1 else "was"
    return [f"{len(parts):,} of the documents {were} looked at in part: {said}, the others are context only."]


def _folds(old: Sequence[LabelledDocument], new: Sequence[LabelledDocument]) -> tuple[npt.NDArray[np.int64], list[str]]:
    """The fold of each document. Those of the base lie as if they were alone, so that a training without the new ones is comparable.

    New documents of one group only are dealt one by one: in one fold together, what they teach would never show.
    """
    groups = {document.group for document in new}
    notes = []
    if old and len(groups) == 1:
        (only,) = groups
        notes.append(
            f"All new documents are of the group {only!r}, so the folds part its documents: the figures on the new labels hold for "
            "this group, not for others."
        )
        old, new = ([replace(d, group=d.digest) if d.group == only else d for d in part] for part in (old, new))
    if not old:
        return training.deal(new, training.N_FOLDS), notes
    dealt = training.deal(old, training.N_FOLDS)
    fold_of = {document.group: int(fold) for document, fold in zip(old, dealt)}
    if strangers := [document for document in new if document.group not in fold_of]:
        fold_of |= {document.group: int(fold) for document, fold in zip(strangers, training.deal(strangers, training.N_FOLDS))}
    return np.array([fold_of[document.group] for document in (*old, *new)], dtype=np.int64), notes
