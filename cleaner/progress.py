"""How far a run is: a bar on a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from cleaner.task import Done

LINE_EVERY = 30.0
"""Seconds between two lines in a log."""


class Progress:
    """Counts what is done and shows it on stderr. Use as a context manager, which gives the function to call after each task.

    ``count`` counts all inputs; it is called on a terminal only, beside the work. ``unchanged`` says how many inputs were passed
    over so far.
    """

    def __init__(self, count: Callable[[], int] | None = None) -> None:
        self._count, self._begun, self._line_at = count, time.monotonic(), time.monotonic() + LINE_EVERY
        self._done = self._failed = 0
        self._bar: Any = None
        self._total: int | None = None

    def __enter__(self) -> Callable[[Done, int], None]:
        if sys.stderr.isatty():
            self._start_bar()
            return self._on_bar
        return self._in_log

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _start_bar(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        columns = (TextColumn("cleaning"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[note]}"), TimeRemainingColumn())
        self._bar = Bar(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task("", total=None, note="")
        self._bar.start()
        if self._count is not None:
            threading.Thread(target=self._find_total, daemon=True).start()

    def _find_total(self) -> None:
        try:
            self._total = self._count() if self._count else None
        except Exception:  # the run itself meets the same trouble, and says so
            return

    def _on_bar(self, done: Done, unchanged: int) -> None:
        self._add(done)
        self._bar.update(self._task, completed=self._done + unchanged, total=self._total, note=self._note())

    def _in_log(self, done: Done, unchanged: int) -> None:
        self._add(done)
        if time.monotonic() >= self._line_at:
            self._line_at = time.monotonic() + LINE_EVERY
            rest = f", {unchanged:,} unchanged" if unchanged else ""
            print(f"cleaner: {self._done:,} inputs, {self._note()}{rest}", file=sys.stderr, flush=True)

    def _add(self, done: Done) -> None:
        self._done += done.inputs
        self._failed += done.failed

    def _note(self) -> str:
        rate = self._done / max(time.monotonic() - self._begun, 1e-9)
        return f"{rate:,.0f}/s, {self._failed:,} failed"
