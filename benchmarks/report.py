"""How the scripts of this folder write what they found: a Markdown table for people, JSON for scripts."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

Row = Mapping[str, "float | int | str | None"]


def markdown_table(rows: Mapping[str, Row], places: int = 3) -> str:
    """A row for each name; a measure that a row lacks is a dash.

    >>> print(markdown_table({"ours": {"F1": 0.91234, "pages": 3}}))
    |  | F1 | pages |
    |---|---:|---:|
    | ours | 0.912 | 3 |
    """
    columns = list(dict.fromkeys(name for row in rows.values() for name in row))
    lines = ["|  | " + " | ".join(columns) + " |", "|---|" + "---:|" * len(columns)]
    for title, row in rows.items():
        lines.append(f"| {title} | " + " | ".join(_cell(row.get(name), places) for name in columns) + " |")
    return "\n".join(lines)


def _cell(value: float | int | str | None, places: int) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 1000 or (value.is_integer() and abs(value) > 1) else f"{value:.{places}f}"
    return str(value)


def setting(*packages: str) -> dict[str, Any]:
    """What the figures were measured with."""
    versions = {}
    for name in ("article-cleaner", "numpy", "scikit-learn", "trafilatura", *packages):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = None
    return {"python": platform.python_version(), "machine": platform.machine(), "cores": os.cpu_count(), "versions": versions}


def save(folder: Path, name: str, results: Any, text: str, *packages: str) -> None:
    """Write ``name.json`` and ``name.md`` into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {"setting": setting(*packages), "results": results}
    (folder / f"{name}.json").write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    (folder / f"{name}.md").write_text(text + "\n", encoding="utf-8")
