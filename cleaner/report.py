"""What a run did, for people: the report beside the manifest, and the lines that the command prints at its end."""

from __future__ import annotations

import heapq
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from cleaner.spool import from_json_line

_SLOWEST, _EXAMPLES = 10, 3


@dataclass(slots=True)
class Summary:
    """Totals over a manifest."""

    inputs: int = 0
    size: int = 0
    documents: int = 0
    characters: int = 0
    seconds: float = 0.0
    failed_records: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    others: Counter[str] = field(default_factory=Counter)
    slowest: list[tuple[float, str]] = field(default_factory=list)
    examples: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, row: dict[str, Any]) -> None:
        """Count one row of the manifest."""
        self.inputs += 1
        self.size += max(0, row["size"])
        self.statuses[row["status"]] += 1
        self.documents += row.get("documents", 0)
        self.characters += row.get("characters", 0)
        self.failed_records += row["failed"]
        for totals, counts in ((self.kept, row.get("kept", {})), (self.dropped, row.get("dropped", {}))):
            for label, count in counts.items():  # several times as fast as Counter.update
                totals[label] += count
        seconds = row.get("seconds") or 0.0
        self.seconds += seconds
        if len(self.slowest) < _SLOWEST:
            heapq.heappush(self.slowest, (seconds, row["path"]))
        else:
            heapq.heappushpop(self.slowest, (seconds, row["path"]))
        if row["status"] == "skipped":
            self._example("other", PurePosixPath(row["path"]).suffix.lower() or "no ending", row["path"])

    def _example(self, group: str, kind: str, name: str) -> None:
        if group == "other":
            self.others[kind] += 1
        if len(self.examples[kind]) < _EXAMPLES:
            self.examples[kind].append(shown(name))


def summarise(lines: Iterable[bytes]) -> Summary:
    """The totals over the rows of a manifest."""
    summary = Summary()
    for line in lines:
        summary.add(from_json_line(line))
    return summary


def shown(name: str) -> str:
    """A name as it can be printed: control characters and bytes that are no text escaped.

    >>> shown("a\\nb.txt")
    'a\\\\nb.txt'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii") for c in name)


def kind_of_failure(reason: str) -> str:
    """A reason without what differs from input to input.

    >>> kind_of_failure("larger than 16,777,216 bytes; raise --max-bytes, or cut the file.")
    'larger than N bytes'
    """
    return re.sub(r"\d[\d,.]*", "N", re.sub(r"\([^)]*\)|'[^']*'|`[^`]*`", "…", reason.partition(";")[0])).rstrip(". ")


def text(summary: Summary, failures: Iterable[bytes], about: dict[str, Any]) -> str:
    """The report as people read it."""
    lines = [f"{name:<10}{value}" for name, value in about.items()]
    lines += ["", f"inputs    {summary.inputs:,} ({summary.size / 1e6:,.1f} MB)"]
    lines += [f"  {name:<12}{count:>12,}" for name, count in sorted(summary.statuses.items())]
    lines += [f"documents {summary.documents:,} ({summary.characters:,} characters, {summary.seconds:,.1f} s of work)"]
    for title, counts in (("segments kept", summary.kept), ("segments dropped", summary.dropped)):
        lines += ["", f"{title}: {counts.total():,}", *(f"  {name:<16}{count:>12,}" for name, count in counts.most_common())]
    lines += _failures(failures)
    if summary.others:
        lines += ["", "other kinds of file, not read:"]
        lines += [f"  {kind:<12}{count:>8,}  {', '.join(summary.examples[kind])}" for kind, count in summary.others.most_common()]
    lines += ["", "slowest:", *(f"  {seconds:>9.3f} s  {shown(name)}" for seconds, name in sorted(summary.slowest, reverse=True))]
    return "\n".join(lines) + "\n"


def _failures(failures: Iterable[bytes]) -> list[str]:
    counts: Counter[str] = Counter()
    examples: dict[str, list[str]] = defaultdict(list)
    for line in failures:
        row = from_json_line(line)
        kind = kind_of_failure(row["reason"])
        counts[kind] += 1
        if len(examples[kind]) < _EXAMPLES:
            examples[kind].append(named(row))
    if not counts:
        return ["", "failures: none"]
    lines = ["", f"failures: {counts.total():,} (all in failures.jsonl)"]
    for kind, count in counts.most_common():
        lines += [f"  {count:>8,}  {kind}", *(f"            {name}" for name in examples[kind])]
    return lines


def named(row: dict[str, Any]) -> str:
    """The input or the record that a row of the failures speaks of."""
    return shown(row["path"]) + (f", record {row['record']}" if row.get("record") else "")
