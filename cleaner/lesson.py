"""What to learn from: new labels, the documents that a base model carries, the folds, and the policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cleaner import training
from cleaner.carried import Base, load_base
from cleaner.corpus import LabelledDocument, label_names, load
from cleaner.errors import CorpusError, UsageError
from cleaner.model import packaged_model

NEW_COUNTS = 4.0
"""In adapting, a newly labelled document counts as much as so many of the base's."""


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
    sources: Sequence[str | Path], base: str | Path | None = None, *, counts: float = NEW_COUNTS,
    keep: Sequence[str] = (), drop: Sequence[str] = (),
) -> Lesson:  # fmt: skip
    """Gather what to learn from: the labelled documents in `sources`, and those of the model folder `base`.

    `counts` is how much a new document counts beside one of the base; `keep` and `drop` change the policy: the base's, or for
    labels that no base knows, to drop ``ad`` and ``boilerplate`` and keep all others. A new document replaces one of the base
    with the same text. `CorpusError` for documents that cannot be read, `ModelError` for a base that carries none, `UsageError`
    for labels that do not occur.
    """
    start = None if base is None else load_base(base_folder(base))
    if not sources and start is None:
        raise UsageError("There is nothing to learn from: give labelled documents (.jsonl files or folders), or --base.")
    fresh, notes = _without_doubles(load(sources) if sources else [])
    texts = {document.digest for document in fresh}
    old = [(d, n) for d, n in zip(start.documents, start.counts) if d.digest not in texts] if start else []
    if start and len(old) < len(start.documents):
        notes.append(f"{len(start.documents) - len(old)} of the base's documents stand among the new ones too; the new labels count.")
    documents = [*(d for d, _ in old), *fresh]
    if not documents:
        raise CorpusError(f"{', '.join(map(str, sources))}: there is no labelled document in it.")
    kept, said = policy(label_names(documents), start, keep, drop)
    folds, dealt = _folds([d for d, _ in old], fresh)
    weights = (*(n for _, n in old), *([counts if start else 1.0] * len(fresh)))
    new = (*([False] * len(old)), *([start is not None] * len(fresh)))
    return Lesson(tuple(documents), new, weights, folds, kept, start, (*notes, *said, *dealt))


def base_folder(base: str | Path) -> Path:
    """The folder of a base model; ``default`` is the packaged one, unless there is a folder of that name."""
    return packaged_model() if str(base) == "default" and not Path("default").is_dir() else Path(base)


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
    known = base.card.get("labels", []) if base else []
    known_keep = base.card["policy"]["keep"] if base and isinstance(base.card.get("policy"), dict) else []
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
