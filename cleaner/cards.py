"""The README of a model folder: a model card as people know it from model hubs, written from the card that the program reads."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

_MEASURES = ("drop_F1", "kept_chars", "drop_precision", "drop_recall", "clean_untouched", "dirty_perfect")
_TITLES = ("drop F1", "kept characters", "precision", "recall", "clean untouched", "dirty perfect")
_ROWS = 12
"""A table shows so many groups: the largest."""


def readme(card: Mapping[str, Any], name: str) -> str:
    """The README of the model `name`, in Markdown with a YAML head, from its card alone.

    >>> card = {"labels": ["editorial", "ad"], "policy": {"keep": ["editorial"], "threshold": 0.8}, "languages": ["ko"],
    ...         "corpus": {"documents": 40, "segments": 600}, "quality": {"all": {"drop_F1": 0.9, "kept_chars": 0.998}}}
    >>> text = readme(card, "mine")
    >>> text.splitlines()[:3], "Drops `ad`; keeps `editorial`" in text
    (['---', 'language: ["ko"]', 'library_name: "article-cleaner"'], True)
    """
    parts = [
        _head(card, name), _what(card, name), _data(card), _quality(card), _adapting(card), _reliability(card), _limits(card), _making(card)
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(card: Mapping[str, Any], name: str) -> str:
    """The YAML head. Each value is written as JSON, which is YAML too: no text of a label or a name can break out of it."""
    figures = card["quality"]["all"]
    kinds = {"drop_F1": "f1", "drop_precision": "precision", "drop_recall": "recall"}
    metrics = [{"type": kinds.get(m, m), "name": title, "value": figures[m]} for m, title in zip(_MEASURES, _TITLES) if m in figures]
    result = {
        "task": {"type": "text-classification", "name": "Telling news text from advertising and site furniture"},
        "dataset": {"type": "labelled-documents", "name": "The model's own labelled documents, by grouped folds"}, "metrics": metrics,
    }  # fmt: skip
    fields: dict[str, Any] = {
        "language": card.get("languages", []), "library_name": "article-cleaner", "pipeline_tag": "text-classification",
        "tags": ["news", "text-cleaning", "boilerplate-removal", "ad-removal"],
    }  # fmt: skip
    if card.get("license"):
        fields["license"] = card["license"]
    fields["model-index"] = [{"name": name, "results": [result]}]
    return "\n".join(["---", *(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in fields.items()), "---"])


def _what(card: Mapping[str, Any], name: str) -> str:
    keep = card["policy"]["keep"]
    drop = [label for label in card["labels"] if label not in keep]
    return (
        f"# {_line(name)}\n\nA model for article-cleaner. It judges each segment of a news "
        "text in its context: does it belong to the article, or is it advertising or site furniture that a scraper or a scanner "
        "took along?\n\n"
        f"Drops {_names(drop)}; keeps {_names(keep)}. A segment goes when its score, the calibrated probability that it should, "
        f"is at least {card['policy']['threshold']:g}.\n\n"
        "```python\nfrom cleaner import Cleaner\n\narticle = Cleaner(model=\"path/to/this/folder\").clean(text)\n"
        "print(article.text)      # what stays\nprint(article.dropped)   # what went, with labels and scores\n```\n\n"
        "The weights are plain arrays; loading them runs no code. It is small and fast, a linear model over character n-grams and "
        "two stages of shallow trees over the context, and it is meant for batches as well as for single texts. It is not meant "
        "to judge whether a text is true, fair or well written."
    )  # fmt: skip


def _data(card: Mapping[str, Any]) -> str:
    corpus = card["corpus"]
    lines = [f"## Data\n\n{corpus['documents']:,} labelled documents with {corpus['segments']:,} segments."]
    for field, shares in corpus.get("composition", {}).items():
        if shares:
            lines.append(f"By {field}: " + ", ".join(f"{_line(name)} {n:,}" for name, n in shares.items()) + ".")
    if card.get("documents_sha256"):
        lines.append("The documents lie beside the weights in `documents.jsonl.gz`, so the model can be adapted from this folder alone.")
    else:
        lines.append("The documents are not in this folder; the card holds fingerprints of them, not their text.")
    return "\n\n".join(lines)


def _quality(card: Mapping[str, Any]) -> str:
    quality: Mapping[str, Mapping[str, float]] = card["quality"]
    parts = [
        "## Quality\n\nFrom grouped folds: each document was judged by fits that saw no document of its group (its publisher or "
        f"writer), at the threshold above.\n\n{_table('documents', quality)}"
    ]
    went = {name[: -len("_gone")]: value for name, value in quality["all"].items() if name.endswith("_gone")}
    if went:
        rows = "\n".join(f"| {_cell(name)} | {value:.4f} |" for name, value in went.items())
        parts.append(f"Of the runs with each label, the share that went:\n\n| label | went |\n|---|---:|\n{rows}")
    if groups := card.get("quality_by_group"):
        largest = dict(sorted(groups.items(), key=lambda item: (-item[1].get("runs", 0), item[0]))[:_ROWS])
        parts.append(f"By group, the largest {len(largest)} of {len(groups)} (all are in `card.json`):\n\n{_table('group', largest, 2)}")
    parts.append(
        "*Drop F1*, *precision* and *recall* count labelled runs. *Kept characters*: of the characters that should stay, the share "
        "that does. *Clean untouched*: of the documents with nothing to drop, the share that stays whole; *dirty perfect*: of the "
        "others, the share with every run on the right side."
    )
    return "\n\n".join(parts)


def _table(first: str, rows: Mapping[str, Mapping[str, float]], measures: int = len(_MEASURES)) -> str:
    head = f"| {first} | n | {' | '.join(_TITLES[:measures])} |\n|---|---:|{'---:|' * measures}"
    body = [
        f"| {_cell(name)} | {row.get('documents', 0):,.0f} | "
        + " | ".join(f"{row[m]:.4f}" if m in row else "–" for m in _MEASURES[:measures]) + " |"
        for name, row in rows.items()
    ]  # fmt: skip
    return "\n".join([head, *body])


def _adapting(card: Mapping[str, Any]) -> str:
    rows = [
        f"| {_cell(one['before'])} → {_cell(one['after'])} | {_cell(one['on'])} | {one['documents']:,} | {change['name']} | "
        f"{change['before']:.4f} | {change['after']:.4f} | {change['low']:+.4f} … {change['high']:+.4f} |"
        for one in card.get("comparisons", [])
        for change in one["changes"]
    ]
    if not rows:
        return ""
    head = "| compared | on | documents | figure | before | after | change, nine draws of ten |\n|---|---|---:|---|---:|---:|---|"
    return "\n".join(["## Before and after\n", head, *rows])


def _reliability(card: Mapping[str, Any]) -> str:
    rows: Sequence[Mapping[str, float]] = card.get("reliability", [])
    if not rows:
        return ""
    body = "\n".join(f"| {row['score']:.3f} | {row['share']:.3f} | {row['n']:,.0f} |" for row in rows)
    return (
        "## Reliability\n\nOf the segments with about this score, the share that should go; weighted so that, as in life, most documents "
        f"have nothing to drop.\n\n| mean score | share that should go | segments |\n|---:|---:|---:|\n{body}"
    )


def _limits(card: Mapping[str, Any]) -> str:
    languages = ", ".join(card.get("languages", [])) or "not stated"
    figures = card["quality"]["all"]
    lines = [
        f"- Languages of the labelled documents: {languages}. In others it drops only what it is all but certain of.",
        "- It knows the publishers, shops and layouts of its documents, and what resembles them. Look at a sample of what it drops "
        "in your own texts (`cleaner review`) before you trust it with them, and adapt it if need be (`cleaner train --base`).",
        "- Editorial about products, events or prices is what it most easily takes for advertising; short ads without a phone number or a "
        "price are what it most easily keeps.",
    ]  # fmt: skip
    if "drop_recall" in figures and figures["drop_recall"] < 0.5:
        share = f"{figures['drop_recall']:.0%}"
        lines.insert(0, f"- It is very cautious: it drops only {share} of what should go. More labelled documents would help.")
    if card["corpus"]["documents"] < 200:
        lines.insert(0, f"- It has learned from {card['corpus']['documents']:,} documents only: the figures above are uncertain.")
    return "## Limits\n\n" + "\n".join(lines)


def _making(card: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{_line(name)} {_line(str(version))}" for name, version in card.get("versions", {}).items())
    made = [f"Made with {versions}."] if versions else []
    if base := card.get("base"):
        made.append(f"Adapted from a model whose weights have the SHA-256 `{base}`.")
    made.append("`card.json` holds the whole curve of the threshold, the figures of every group, and fingerprints of all files.")
    return "## Making\n\n" + " ".join(made)


def _names(labels: Sequence[str]) -> str:
    return ", ".join(f"`{_line(label).replace('`', '')}`" for label in labels)


def _line(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    return _line(text).replace("|", "\\|").replace("<", "&lt;")
