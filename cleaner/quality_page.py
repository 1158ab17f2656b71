"""The report of a training as one HTML page with pictures: opens from disk, needs nothing beside it, runs no script.

Texts of documents are shown as text: escaped, with control characters made visible, each in its own direction.
"""

from __future__ import annotations

import base64
import hashlib
import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib import resources

from cleaner.charts import WIDTH, Axis, Series, line_chart
from cleaner.compare import Comparison
from cleaner.findings import Findings, Table, WorstLine

COLUMNS = {
    "documents": "documents", "runs": "runs", "drop_F1": "drop F1", "drop_precision": "precision", "drop_recall": "recall",
    "kept_chars": "kept characters", "clean_untouched": "clean untouched", "dirty_perfect": "dirty perfect",
}  # fmt: skip
FEW = 15
"""A table with more rows than this is folded away behind a line to click on."""


def page(found: Findings, title: str) -> str:
    """The report as one HTML document.

    ``title`` names the model. Only text goes in: nothing of a document is markup, and the page's policy lets no script run.
    """
    style = (resources.files("cleaner") / "quality_page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    # Background shares of the confusion matrix are style attributes; they cannot be named by a digest.
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; style-src-attr 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    body = "\n".join([_head(found, title), _comparisons(found), _pictures(found), _labels(found), _tables(found), _worst(found), _READING])
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="robots" content="noindex">\n'
        f"<title>{_text(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _head(found: Findings, title: str) -> str:
    figures = found.everything.rounded()
    tiles = [(f"{found.documents:,}", "documents"), *([(f"{found.new_documents:,}", "of them new labels")] if found.comparisons else [])]
    tiles += [(f"{figures[name]:.4f}", COLUMNS[name]) for name in list(COLUMNS)[2:] if name in figures]
    tiles.append((f"{found.threshold:g}", "threshold"))
    cells = "".join(f'<div class="tile"><b>{number}</b>{name}</div>' for number, name in tiles)
    notes = "".join(f'<p class="note">{_text(note)}</p>' for note in found.notes)
    return (
        f"<h1>{_text(title)}</h1>\n<p class='dim'>All figures come from grouped folds: each document was judged by fits that saw no "
        f"document of its group.</p>\n<div class='tiles'>{cells}</div>\n{notes}"
    )


# --- before and after ------------------------------------------------------------------------------------------------


def _comparisons(found: Findings) -> str:
    if not found.comparisons:
        return ""
    rows = "".join(_comparison_rows(one) for one in found.comparisons)
    head = "".join(f"<th>{name}</th>" for name in ("figure", "before", "after", "change", "nine draws of ten"))
    return (
        "<h2>Before and after</h2>\n<p>The same documents on both sides, and neither side has learned from the ones it is judged on. "
        "The last column says how much of the change could be chance: documents were drawn again and again, and nine of ten draws lie "
        f"in the band.</p>\n<div class='wide'><table><thead><tr><th>compared</th>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _comparison_rows(one: Comparison) -> str:
    what = f"{_text(one.before)} → {_text(one.after)}, on {_text(one.on)} ({one.new.documents:,.0f})"
    rows = []
    for number, change in enumerate(one.changes):
        first = f'<th rowspan="{len(one.changes)}">{what}</th>' if number == 0 else ""
        sign = "down" if change.worse else "up" if change.better else ""
        difference = f'<span class="{sign}">{change.after - change.before:+.4f}</span>'
        band = f"{change.low:+.4f} … {change.high:+.4f}"
        cells = (COLUMNS[change.name], f"{change.before:.4f}", f"{change.after:.4f}", difference, band)
        rows.append(f"<tr>{first}{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    return "".join(rows)


# --- pictures --------------------------------------------------------------------------------------------------------


def _pictures(found: Findings) -> str:
    charts = [_precision_recall(found), _reliability(found), _thresholds(found)]
    if found.learning:
        charts.append(_learning(found))
    return f"<h2>Pictures</h2>\n<div class='charts'>{''.join(charts)}</div>"


def _figure(chart: str, caption: str) -> str:
    return f"<figure>{chart}<figcaption>{caption}</figcaption></figure>"


def _precision_recall(found: Findings) -> str:
    series = [Series(name, points, f"s{number}") for number, (name, points) in enumerate(found.precision_recall.items(), 1)]
    here = (found.everything.recall, found.everything.precision)
    if all(math.isfinite(value) for value in here):
        series.append(Series(f"threshold {found.threshold:g}", [here], "s3", dots=True, line=False))
    recall = Axis("recall: of what should go, the share that goes")
    chart = line_chart(series, recall, Axis("precision"), "Precision and recall of dropping")
    return _figure(chart, "Precision and recall as the threshold falls. Up and to the right is better.")


def _reliability(found: Findings) -> str:
    points = [(row["score"], row["share"]) for row in found.reliability]
    total = sum(row["n"] for row in found.reliability) or 1.0
    off = sum(row["n"] * abs(row["score"] - row["share"]) for row in found.reliability) / total
    series = [Series("", [(0.0, 0.0), (1.0, 1.0)], "faint"), Series("this model", points, "s1", dots=True)]
    chart = line_chart(series, Axis("score"), Axis("share that should go"), "Reliability of the score", WIDTH - 140)
    caption = f"Reliability: of the segments with a score, the share that should go. On the line is honest; off by {off:.4f} on average."
    return _figure(chart, caption)


def _thresholds(found: Findings) -> str:
    rows = found.thresholds
    names = (("kept_chars", "kept characters", "s1"), ("drop_recall", "recall", "s2"), ("drop_precision", "precision", "s3"))
    known = {key: [(r["threshold"], r[key]) for r in rows if math.isfinite(r.get(key, math.nan))] for key, _, _ in names}
    series = [Series(title, known[key], style) for key, title, style in names]
    series.append(Series("", [(found.threshold, 0.0), (found.threshold, 1.0)], "faint"))
    chart = line_chart(series, Axis("threshold"), Axis("share"), "What each threshold keeps and drops")
    return _figure(chart, f"What each threshold keeps and drops, weighted to everyday shares; the model's is {found.threshold:g}.")


def _learning(found: Findings) -> str:
    most = max(point.documents for point in found.learning)
    low = min(min(point.drop_f1, point.kept_chars) for point in found.learning)
    low = min(0.9, max(0.0, math.floor(low * 10) / 10))
    series = [
        Series("drop F1", [(float(p.documents), p.drop_f1) for p in found.learning], "s1", dots=True),
        Series("kept characters", [(float(p.documents), p.kept_chars) for p in found.learning], "s2", dots=True),
    ]
    chart = line_chart(series, Axis("labelled documents learned from", 0.0, float(most)), Axis("on the folds", low), "Learning curve")
    return _figure(chart, "Learning curve: still rising at the right means that more labels are worth it.")


# --- tables ----------------------------------------------------------------------------------------------------------


def _labels(found: Findings) -> str:
    counts = found.confusion
    rows, matrix = [], []
    for i, label in enumerate(found.labels):
        total, given = int(counts[i].sum()), int(counts[:, i].sum())
        went, runs = found.everything.gone_by_label.get(label, (0.0, 0.0))
        side = "dropped" if label in found.dropped else "kept"
        cells = (side, f"{total:,}", _share(went, runs), _share(counts[i, i], total), _share(counts[i, i], given))
        rows.append(f"<tr><th>{_text(label)}</th>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
        matrix.append(f"<tr><th>{_text(label)}</th>{''.join(_heat(int(n), total, i == j) for j, n in enumerate(counts[i]))}</tr>")
    head = "".join(f"<th>{name}</th>" for name in ("side", "segments", "went", "recall of the name", "precision of the name"))
    names = "".join(f"<th>{_text(label)}</th>" for label in found.labels)
    return (
        f"<h2>Labels</h2>\n<div class='wide'><table><thead><tr><th>label</th>{head}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>\n"
        "<h3>Confusion</h3>\n<p class='dim'>A row for each true label, a column for each label given; segments.</p>\n"
        f"<div class='wide'><table class='heat'><thead><tr><th></th>{names}</tr></thead><tbody>{''.join(matrix)}</tbody></table></div>"
    )


def _heat(count: int, total: int, same: bool) -> str:
    share = 0.75 * math.sqrt(count / total) if total else 0.0
    return f'<td{" class=same" if same else ""} style="--share: {share:.2f}" title="{_share(count, total)} of the row">{count:,}</td>'


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.4f}" if whole else "–"


def _tables(found: Findings) -> str:
    return "\n".join(f"<h2>By {name}</h2>\n{_table(name, table)}" for name, table in found.tables.items())


def _table(field: str, table: Table) -> str:
    head = "".join(f"<th>{title}</th>" for title in COLUMNS.values())
    rows = "".join(f"<tr><th>{_text(name)}</th>{_cells(row)}</tr>" for name, row in table.items())
    html = f"<div class='wide'><table><thead><tr><th>{field}</th>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    return f"<details><summary>{len(table):,} rows</summary>{html}</details>" if len(table) > FEW else html


def _cells(row: Mapping[str, float]) -> str:
    shown = {name: f"{row[name]:,.0f}" if name in ("documents", "runs") else f"{row[name]:.4f}" for name in COLUMNS if name in row}
    return "".join(f"<td>{shown.get(name, '–')}</td>" for name in COLUMNS)


# --- the worst lines -------------------------------------------------------------------------------------------------


def _worst(found: Findings) -> str:
    lost = [line for line in found.worst if line.gone]
    missed = [line for line in found.worst if not line.gone]
    return "<h2>The worst lines</h2>\n<p>Most often either the verdict is wrong, or the label is: look at both.</p>\n" + _lines(
        "Dropped, and labelled to stay", lost, "lost"
    ) + _lines("Kept, and labelled to go", missed, "missed")  # fmt: skip


def _lines(title: str, lines: Sequence[WorstLine], style: str) -> str:
    if not lines:
        return f"<h3>{title}</h3>\n<p class='dim'>None.</p>\n"
    return f"<h3>{title}</h3>\n<ol class='worst'>{''.join(_line(line, style) for line in lines)}</ol>\n"


def _line(line: WorstLine, style: str) -> str:
    language = f' lang="{escape(line.lang)}"' if line.lang else ""
    around = [f"<div class='around text' dir='auto'{language}>{_text(text)}</div>" if text else "" for text in (line.before, line.after)]
    new = ", new label" if line.new else ""
    meta = (
        f"labelled <b>{_text(line.label)}</b>, judged <b>{_text(line.verdict)}</b>, score {line.score:.4f} · "
        f"{_text(line.document)}, line {line.line} · {_text(line.group)}{new}"
    )
    text = f"<div class='text' dir='auto'{language}><b>{_text(line.text)}</b></div>"
    return f"<li class='{style}'>{around[0]}{text}{around[1]}<div class='meta'>{meta}</div></li>"


def _text(text: str) -> str:
    """Text as HTML: markup escaped; controls, direction marks and lone surrogates shown by their code points."""
    return escape("".join(_visible(text)))


def _visible(text: str) -> Iterable[str]:
    for character in text:
        hidden = unicodedata.category(character) in ("Cc", "Cf", "Cs") and character not in "\n\t"
        yield f"[U+{ord(character):04X}]" if hidden else character


_READING = """<h2>How to read the figures</h2>
<ul>
<li><b>drop F1</b>, <b>precision</b>, <b>recall</b> count labelled runs: a run goes when at most half of its characters stay.</li>
<li><b>kept characters</b>: of the characters under labels to keep, the share that stays.</li>
<li><b>clean untouched</b>: of the documents with nothing to drop, the share that stays whole.</li>
<li><b>dirty perfect</b>: of the other documents, the share with every run on the right side.</li>
<li><b>went</b>: of the runs with the label, the share that went. The two figures of the <b>name</b>: is the label shown the true one?</li>
</ul>"""
