"""The review page: one HTML file, opened from disk, in which a person looks at verdicts and corrects them.

`select` says which documents are worth a look and puts the most telling first; `page` makes the file. Everything is inside it,
nothing is fetched, and what the documents say is data: it reaches the page as JSON and is shown as text. The page saves the
documents looked at in the corpus format, labelled by ``person``. How it works in the browser stands in ``review_page/``.
"""

from __future__ import annotations

import base64
import hashlib
import heapq
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from cleaner.corpus import LabelledDocument
from cleaner.judged import Judged, Run
from cleaner.model import Policy
from cleaner.uncertain import Candidate, Look, choose, reasons_to_look, template

LIMIT = 2000
"""A page holds so many documents unless told otherwise."""

_EVIDENCE = 8  # so many pieces of evidence for one segment at most
_EXPLAINED = 200  # so many documents, the most telling, carry them: they cost more than the verdicts
_SCRIPTS = ("store.js", "text.js", "view.js", "act.js", "keys.js")
_UNSAFE = re.compile("[<>&\u2028\u2029\ud800-\udfff]")

Reasons = Callable[[LabelledDocument, Sequence[Run]], Sequence[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Looked:
    """A judged document, and for each of its runs why it is worth a look and how much; ``worth`` of the whole."""

    judged: Judged
    looks: tuple[tuple[Look, float], ...]
    worth: float


@dataclass(frozen=True, slots=True)
class Selection:
    """The documents for a page, the most telling first, out of so many seen."""

    documents: tuple[Looked, ...]
    seen: int

    @property
    def flagged(self) -> int:
        """How many segments are worth a look."""
        return sum(bool(why) for document in self.documents for why, _ in document.looks)


def look(judged: Judged, policy: Policy, labels: Sequence[str], times: Counter[str] | None = None) -> Looked:
    """Weigh every run of a document. `times` counts the templates met so far: a line seen before is worth less each time."""
    times = Counter() if times is None else times
    dropped = [i for i, name in enumerate(labels) if name not in policy.keep]
    looks = []
    for run in judged.runs:
        text = judged.text(run).strip()
        alone = sum(run.alone[i] for i in dropped) if run.alone else None
        given = (run.label in policy.keep) if judged.by_person else None
        same = run.label == run.verdict
        why, worth = reasons_to_look(
            text, score=run.score, kept=run.kept, threshold=policy.threshold, alone=alone, given_kept=given, same_label=same
        )
        if why:
            times[template(text)] += 1
            worth /= times[template(text)]
        looks.append((why, round(worth, 3)))
    return Looked(judged, tuple(looks), round(sum(heapq.nlargest(3, (worth for _, worth in looks))), 3))


def select(
    judged: Iterable[Judged], policy: Policy, labels: Sequence[str], *, limit: int = LIMIT, uncertain: int | None = None
) -> Selection:
    """The documents for a page: the `limit` most telling of a stream, or those that hold the `uncertain` segments to label.

    Documents that a person has labelled are left out of a choice of segments to label. Memory holds the documents that are still
    in the running, not the stream.
    """
    times: Counter[str] = Counter()
    room = limit if uncertain is None else max(limit, 20 * uncertain)
    best: list[tuple[float, int, Looked]] = []
    seen = 0
    for document in judged:
        if not document.runs or (uncertain is not None and document.by_person):
            continue
        seen += 1
        looked = look(document, policy, labels, times)
        (heapq.heappush if len(best) < room else heapq.heappushpop)(best, (looked.worth, -seen, looked))
    ranked = [looked for _, _, looked in sorted(best, key=lambda entry: (-entry[0], -entry[1]))]
    return Selection(tuple(ranked if uncertain is None else _chosen(ranked, uncertain)), seen)


def _chosen(documents: Sequence[Looked], n: int) -> list[Looked]:
    """The documents that hold the `n` segments most worth a label, those segments marked, in the order of the choice."""
    places = [(d, r) for d, looked in enumerate(documents) for r in range(len(looked.looks))]
    candidates = []
    for d, r in places:
        judged = documents[d].judged
        candidates.append(Candidate(judged.text(judged.runs[r]), documents[d].looks[r][1], str(d), judged.document.group))
    marked: dict[int, set[int]] = {}
    for i in choose(candidates, n):
        marked.setdefault(places[i][0], set()).add(places[i][1])
    result = []
    for d, runs in marked.items():
        looked = documents[d]
        # Only what was chosen asks for a look: the list is as long as the person wanted it.
        looks = tuple((why | Look.CHOSEN if r in runs else Look(0), worth) for r, (why, worth) in enumerate(looked.looks))
        result.append(Looked(looked.judged, looks, looked.worth))
    return result


# --- the page --------------------------------------------------------------------------------------------------------


def page(
    selection: Selection, policy: Policy, labels: Sequence[str], *, title: str = "Review", more_labels: Sequence[str] = (),
    reasons: Reasons | None = None,
) -> str:  # fmt: skip
    """The page as one HTML document that needs nothing beside it.

    `labels` are the model's, in its order; `more_labels` are offered too. `reasons` gives short sentences of evidence for each
    run of a document.
    """
    own = {run.label for looked in selection.documents for run in looked.judged.runs}
    names = list(dict.fromkeys([*labels, *more_labels, *sorted(own)]))
    rows = [_json(_row(looked, names, reasons if place < _EXPLAINED else None)) for place, looked in enumerate(selection.documents)]
    digest = hashlib.sha256("\n".join(rows).encode("utf-8")).hexdigest()[:16]
    head = {
        "format": 1, "digest": digest, "title": title, "labels": names, "model_labels": list(labels), "keep": list(policy.keep),
        "threshold": policy.threshold, "seen": selection.seen, "documents": [_entry(looked) for looked in selection.documents],
    }  # fmt: skip
    return _assemble(title, "\n".join([_json(head), *rows]))


def _entry(looked: Looked) -> list[Any]:
    """What the list of documents shows of one: title, group, language, worth, segments worth a look."""
    document = looked.judged.document
    first = next((line.strip() for line in document.lines if line.strip()), "")
    return [first[:90], document.group, document.lang, looked.worth, sum(bool(why) for why, _ in looked.looks)]


def _row(looked: Looked, names: Sequence[str], reasons: Reasons | None) -> dict[str, Any]:
    document, runs = looked.judged.document, looked.judged.runs
    number = {name: i for i, name in enumerate(names)}
    row: dict[str, Any] = {"id": document.id, "lang": document.lang, "group": document.group, "kind": document.kind}
    extra = {key: value for key, value in document.extra.items() if key not in ("scores", "kept")}
    row |= {"lines": document.lines, "extra": extra, "person": looked.judged.by_person}
    row["runs"] = []
    for run, (why, _) in zip(runs, looked.looks):
        place = [run.line, run.start, number[run.label]]
        row["runs"].append([*place, number.get(run.verdict, -1), run.score, int(run.kept), int(why), [round(100 * p) for p in run.alone]])
    if reasons is not None:
        row["why"] = [list(found)[:_EVIDENCE] for found in reasons(document, runs)]
    return row


def _json(value: Mapping[str, Any]) -> str:
    """JSON on one line that can stand in a script element: no ``<`` ends it early, no lone surrogate spoils the encoding."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _assemble(title: str, data: str) -> str:
    folder = resources.files("cleaner") / "review_page"
    style = (folder / "page.css").read_text(encoding="utf-8")
    script = "(() => {\n'use strict';\n" + "".join((folder / name).read_text(encoding="utf-8") for name in _SCRIPTS) + "})();\n"
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'"
    )
    parts = {"policy": policy, "style": style, "script": script, "data": data, "title": _escaped(title)}
    template_text = (folder / "page.html").read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], template_text)


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _escaped(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
