"""What a worker does to a batch of inputs: read, clean, write, and say what became of each.

A task gets consecutive inputs and gives one manifest row for each. What is written beside the clean text (audit, failures,
rows for sharded formats) goes to spool files, which the run merges at its end.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import gc
import os
import signal
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from multiprocessing import parent_process
from typing import TYPE_CHECKING, Any, NamedTuple

from cleaner.charset import decode
from cleaner.errors import CleanerError, ReadError
from cleaner.fields import Page, fill
from cleaner.pages import MEMORY_LIMIT, TIME_LIMIT, Pages
from cleaner.recordfiles import Record, batched, numbered, open_reader, open_writer
from cleaner.records import Document
from cleaner.sinks import SHARDED, front_matter, metadata, output_name, put, remove, sharded_row, temporary, write_whole
from cleaner.sources import SKIP, Source
from cleaner.spool import Spool, checksum, digest, encoded, file_digest, json_line
from cleaner.unpack import pack, unpack
from cleaner.write import audit_columns

if TYPE_CHECKING:
    from cleaner.bulk import Judged
    from cleaner.pipeline import Cleaner

GONE = "\0gone"
"""The problem of an input that has vanished and whose output is to be removed; its path is that of the output."""

MAX_BYTES = 16 << 20
MAX_PIECES = 500_000
"""Segments in one document; each takes some 1.7 kB while it is judged."""

BATCH_DOCUMENTS, BATCH_CHARACTERS = 256, 1 << 20
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


@dataclass(frozen=True, slots=True)
class Settings:
    """What every task of a run has in common.

    ``run`` is the folder of this run inside the state folder; ``config`` a digest of what decides over the output. The rest is
    as on the command line; ``parts`` is the number of files of a sharded format.
    """

    out: str
    run: str
    config: str
    model: str | None = None
    keep: tuple[str, ...] | None = None
    favor: str | None = None
    field: str = "text"
    encoding: str | None = None
    format: str = "text"
    parts: int = 16
    time_limit: float = TIME_LIMIT
    memory_limit: int = MEMORY_LIMIT
    max_bytes: int = MAX_BYTES

    @property
    def sharded(self) -> bool:
        """Do records go to part files, not to a mirrored folder?"""
        return self.format in SHARDED

    def output_of(self, source: Source) -> str:
        """The name below OUT for an input of a mirrored format."""
        return output_name(source.key, source.path, source.kind, self.format == "markdown")


class Task(NamedTuple):
    """Consecutive inputs; the numbers of tasks rise with their keys."""

    number: int
    sources: list[Source]


class Done(NamedTuple):
    """What came of a task: manifest rows as JSON Lines, spool files by stream as (name, bytes, checksum), and counts."""

    number: int
    rows: bytes
    spools: dict[str, tuple[str, int, int]]
    inputs: int = 0
    documents: int = 0
    failed: int = 0


@dataclass(slots=True)
class Tally:
    """Counts over the documents of one input."""

    documents: int = 0
    empty: int = 0
    failed: int = 0
    characters: int = 0
    first_failure: str = ""
    kept: dict[str, int] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)

    def add(self, judged: Judged) -> None:
        """Count one document."""
        self.documents += 1
        self.characters += len(judged.document.text)
        self.empty += not (judged.kept or judged.dropped)
        for sums, counts in ((self.kept, judged.kept), (self.dropped, judged.dropped)):
            for label, count in counts.items():
                sums[label] = sums.get(label, 0) + count


def clean_task(task: Task, settings: Settings) -> Done:
    """Clean the inputs of a task. Whatever an input holds, it becomes a row and never an exception.

    `CleanerError` if the run itself cannot go on: the disk is full, the model is missing, the run is over.
    """
    if parent_process() is not None and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the run decides
        keep_memory()
    try:
        with _uncollected():
            return _Run(task, settings).run()
    except (Exception, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # the panic of a library in Rust is no Exception
        raise RuntimeError(f"{type(error).__name__}: {error}") from None


def killed(task: Task, settings: Settings) -> Done:
    """The result of a task of one input that killed its worker, whenever it was tried."""
    run = _Run(task, settings)
    for source in task.sources:
        run.fail(source, "killed the worker that read it (out of memory, perhaps); leave it out, or cut it.")
    return run.result()


def judge(cleaner: Cleaner, documents: Sequence[Document]) -> list[Judged]:
    """`bulk.judge`, whose imports take their time: a run with nothing to do goes without."""
    from cleaner import bulk

    return bulk.judge(cleaner, documents)


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Without Python's search for cycles, which finds none here and takes an eighth of the time."""
    wanted = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if wanted:
            gc.enable()


@cache
def keep_memory() -> None:
    """Let this process keep the memory that a batch frees for the next: asking the system anew takes an eighth of the time."""
    with contextlib.suppress(OSError, AttributeError):  # only the GNU C library has this
        mallopt = ctypes.CDLL(None).mallopt
        for parameter, size in ((_M_MMAP_THRESHOLD, 32 << 20), (_M_TRIM_THRESHOLD, 256 << 20), (_M_TOP_PAD, 16 << 20)):
            mallopt(parameter, size)


_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3

_local = threading.local()


def _cleaner(settings: Settings) -> Cleaner:
    made = (settings.model, settings.keep, settings.favor)
    if getattr(_local, "made", None) != made:
        from cleaner.pipeline import Cleaner

        _local.cleaner, _local.made = Cleaner(*made), made
    cleaner: Cleaner = _local.cleaner
    return cleaner


def _pages(settings: Settings) -> Pages:
    pages: Pages | None = getattr(_local, "pages", None)
    if pages is None or (pages.time_limit, pages.memory_limit) != (settings.time_limit, settings.memory_limit):
        close_pages()
        pages = _local.pages = Pages(settings.time_limit, settings.memory_limit)
    return pages


def close_pages() -> None:
    """End the child process of this thread, if it has one."""
    pages = getattr(_local, "pages", None)
    if pages is not None:
        pages.close()
        _local.pages = None


class _Single(NamedTuple):
    """A file that is one document, read."""

    source: Source
    digest: str | None
    content: Document | Exception
    seconds: float


class _Run:
    """One task at work."""

    def __init__(self, task: Task, settings: Settings) -> None:
        self.task, self.settings = task, settings
        self.rows: list[bytes] = []
        self.documents = self.failed = self.characters = 0
        self.waiting: list[_Single] = []
        self.temporary = temporary(settings.run)
        # A task may be done twice (a cluster lost sight of a worker): each attempt has files of its own.
        attempt = f"{task.number:010d}-{os.path.basename(self.temporary)}"
        self.spools = {stream: Spool(settings.run, f"{attempt}.{stream}") for stream in ("audit", "failures", "records")}

    def run(self) -> Done:
        if any(source.kind == "page" and not source.problem for source in self.task.sources):
            _pages(self.settings).start()
        for source in self.task.sources:
            if source.problem == GONE:
                self._flush()
                remove(source.path)
                self.rows.append(json_line({"path": source.key, "gone": True}))
            elif source.problem.startswith(SKIP):
                self._flush()
                self._row(source, "skipped", reason=source.problem[len(SKIP) :])
            elif source.problem:
                self._flush()
                self.fail(source, source.problem)
            elif source.kind is None:
                self._flush()
                self._row(source, "skipped", reason="a kind of file that is not read.")
            elif source.kind in ("text", "page"):
                self._take(source)
            else:
                self._flush()
                self._clean_records(source, source.kind)
        self._flush()
        return self.result()

    def result(self) -> Done:
        """What to report, once every input has its row."""
        spools = {stream: closed for stream, spool in self.spools.items() if (closed := spool.close())}
        return Done(self.task.number, b"".join(self.rows), spools, len(self.rows), self.documents, self.failed)

    # --- files that are one document

    def _take(self, source: Source) -> None:
        started = time.perf_counter()
        known = None
        try:
            data = read_limited(source.path, self.settings.max_bytes, source.size)
            known = digest(data)
            content: Document | Exception = self._read(data, source)
        except Exception as error:  # whatever a file does to its reader: this one fails, the next is read
            content = error
        self.waiting.append(_Single(source, known, content, time.perf_counter() - started))
        self.characters += 0 if isinstance(content, Exception) else len(content.text)
        if len(self.waiting) >= BATCH_DOCUMENTS or self.characters > BATCH_CHARACTERS:
            self._flush()

    def _read(self, data: bytes, source: Source) -> Document:
        content = unpack(data, source.key, self.settings.max_bytes)
        if source.kind == "page":
            return _pages(self.settings).extract(content, None, self.settings.encoding)
        text, codec = decode(content, self.settings.encoding)
        check_pieces(text)
        return Document(text, encoding=codec)

    def _flush(self) -> None:
        waiting, self.waiting, self.characters = self.waiting, [], 0
        if not waiting:
            return
        cleaner = _cleaner(self.settings)
        started = time.perf_counter()
        results = judge_all(cleaner, [single.content for single in waiting])
        share = (time.perf_counter() - started) / len(waiting)
        for single, result in zip(waiting, results):
            seconds = single.seconds + share
            if isinstance(result, Exception):
                self.fail(single.source, reason_of(result), passing=_passing(result), digest=single.digest, seconds=seconds)
            else:
                self._write(single, result, seconds)

    def _write(self, single: _Single, judged: Judged, seconds: float) -> None:
        source, settings = single.source, self.settings
        tally = Tally()
        tally.add(judged)
        written: dict[str, Any] = {}
        if settings.sharded:
            record = Record(None, {"id": source.key}, judged.document)
            self.spools["records"].line(sharded_row(source.key, record, judged.text, settings.field))
        else:
            name = settings.output_of(source)
            markdown = settings.format == "markdown"
            head = front_matter({**metadata(judged.document), "source": source.key}) if markdown else ""
            data = pack(encoded(head + judged.text), name)
            try:
                write_whole(self.temporary, f"{settings.out}/{name}", data)
            except (OSError, ValueError) as error:
                self._unwritten(source, error)
                return
            written = {"output": name, "output_size": len(data), "output_crc": zlib.crc32(data)}
        if judged.dropped:
            self.spools["audit"].line({"path": source.key, **audit_columns(judged.document, judged.runs, {"id": source.key})})
        status = "empty" if tally.empty else "cleaned"
        self._row(source, status, tally, digest=single.digest, encoding=judged.document.encoding, seconds=seconds, **written)

    def _unwritten(self, source: Source, error: Exception) -> None:
        """An output that cannot be written: is it the fault of this input, or the end of the run?"""
        reason = getattr(error, "strerror", None) or error
        if getattr(error, "errno", None) in _FULL:
            raise CleanerError(f"{self.settings.out}: cannot be written ({reason}); make room and run the same command again.") from None
        if not os.path.isdir(self.settings.run):
            raise CleanerError(f"{self.settings.out}: this run is over; another has begun.") from None
        self.fail(source, f"its clean text cannot be written ({reason}); give it another name.", passing=True)

    # --- files of records

    def _clean_records(self, source: Source, kind: str) -> None:
        started = time.perf_counter()
        cleaner = _cleaner(self.settings)
        tally = Tally()
        marks = {stream: spool.mark() for stream, spool in self.spools.items()}
        written: dict[str, Any] = {}
        try:
            content = file_digest(source.path)
            if self.settings.sharded:
                self._copy_records(source, kind, cleaner, tally, None)
            else:
                name = self.settings.output_of(source)
                with open_writer(self.temporary, name, kind, source.path, self.settings.field) as writer:
                    self._copy_records(source, kind, cleaner, tally, writer)
                written = {"output": name, "output_size": os.stat(self.temporary).st_size, "output_crc": checksum(self.temporary)}
            if tally.failed and not tally.documents:
                raise ReadError(f"none of its {tally.failed:,} records can be read, the first: {tally.first_failure}")
            if not self.settings.sharded:
                put(self.temporary, f"{self.settings.out}/{name}")
        except Exception as error:  # nothing half written: what the file had given so far is taken back
            for stream, mark in marks.items():
                self.spools[stream].back_to(mark)
            remove(self.temporary)
            if isinstance(error, OSError) and (error.errno in _FULL or not os.path.isdir(self.settings.run)):
                self._unwritten(source, error)
            self.fail(source, reason_of(error), passing=_passing(error), seconds=time.perf_counter() - started)
            return
        status = "cleaned" if tally.documents else "empty"
        self._row(source, status, tally, digest=content, seconds=time.perf_counter() - started, **written)

    def _copy_records(self, source: Source, kind: str, cleaner: Cleaner, tally: Tally, writer: Any) -> None:
        settings = self.settings
        with open_reader(source.path, kind, settings.field, settings.encoding, settings.max_bytes) as records:
            for batch in batched(records, BATCH_DOCUMENTS, BATCH_CHARACTERS):
                for record, result in zip(batch, judge_all(cleaner, [self._content(record) for record in batch])):
                    if isinstance(result, Exception):
                        self._fail_record(source, record, result, tally)
                    else:
                        self._put_record(source, record, result, tally, writer)

    def _put_record(self, source: Source, record: Record, judged: Judged, tally: Tally, writer: Any) -> None:
        done = record._replace(fields=fill(record.fields or {}, judged.text, judged.document, self.settings.field))
        try:
            if writer is None:
                self.spools["records"].line(sharded_row(source.key, done, judged.text, self.settings.field))
            else:
                writer.write(done)
        except (ValueError, TypeError, RecursionError) as error:
            self._fail_record(source, record, error, tally)
            return
        tally.add(judged)
        if judged.dropped:
            place = {"path": source.key, "record": record.number, "row": tally.documents}
            self.spools["audit"].line({**place, **audit_columns(judged.document, judged.runs, _known(numbered(done)))})

    def _fail_record(self, source: Source, record: Record, error: Exception, tally: Tally) -> None:
        tally.failed += 1
        tally.first_failure = tally.first_failure or reason_of(error)
        identity = None if record.fields is None else numbered(record)["id"]
        self.spools["failures"].line({"path": source.key, "record": record.number, "id": identity, "reason": reason_of(error)})

    def _content(self, record: Record) -> Document | Exception:
        try:
            if isinstance(record.content, Document):
                check_pieces(record.content.text)
            if not isinstance(record.content, Page):
                return record.content
            return _pages(self.settings).extract(*record.content)
        except Exception as error:
            return error

    # --- rows

    def fail(self, source: Source, reason: str, passing: bool = False, **known: Any) -> None:
        """Set an input aside. A `passing` failure is tried again by the next run."""
        if not self.settings.sharded and source.kind and os.path.isdir(self.settings.run):
            # What an earlier version of this input gave must not stand for it any longer.
            remove(f"{self.settings.out}/{self.settings.output_of(source)}")
        self.failed += 1
        self.spools["failures"].line({"path": source.key, "reason": reason})
        self._row(source, "failed", reason=reason, config="" if passing else self.settings.config, **known)

    def _row(self, source: Source, status: str, tally: Tally | None = None, **known: Any) -> None:
        # The order of the first seven columns is part of the format: `manifest.changes` compares bytes.
        row = {"path": source.key, "size": source.size, "mtime_ns": source.mtime_ns, "output_size": known.pop("output_size", None)}
        row |= {"config": known.pop("config", self.settings.config), "status": status, "failed": tally.failed if tally else 0}
        seconds = known.pop("seconds", None)
        row |= {name: value for name, value in known.items() if value is not None}
        if tally:
            row |= {"documents": tally.documents, "empty": tally.empty, "characters": tally.characters}
            row |= {"kept": dict(sorted(tally.kept.items())), "dropped": dict(sorted(tally.dropped.items()))}
            self.documents += tally.documents
            self.failed += tally.failed
        row |= {"seconds": None if seconds is None else round(seconds, 6), "at": round(time.time(), 3)}
        self.rows.append(json_line(row))


def judge_all(cleaner: Cleaner, contents: Sequence[Document | Exception]) -> list[Judged | Exception]:
    """For each document its verdicts, or why there are none; an input that could not be read comes out as it went in.

    All at once; if that fails, half of them at a time, so that the one to blame is found.
    """
    documents = [content for content in contents if isinstance(content, Document)]
    try:
        done = iter(judge(cleaner, documents) if documents else ())
    except Exception as error:
        if len(documents) == 1:
            return [error if isinstance(content, Document) else content for content in contents]
        half = len(contents) // 2
        return [*judge_all(cleaner, contents[:half]), *judge_all(cleaner, contents[half:])]
    return [next(done) if isinstance(content, Document) else content for content in contents]


def _known(fields: dict[str, Any]) -> dict[str, Any]:
    """What the audit takes over from a record: its id, its group (or publisher) and its URL, where it has them."""
    group = fields.get("group") or fields.get("publisher")
    found = {"group": group, "url": fields.get("url")}
    return {"id": fields["id"], **{name: value for name, value in found.items() if isinstance(value, str) and value}}


def check_pieces(text: str) -> None:
    """`ReadError` for a text of so many segments that the memory for their features would be out of proportion."""
    if len(text) > 2 * MAX_PIECES:  # each takes at least a character and what ends it
        from cleaner.segment import segment

        if (pieces := len(segment([text]))) > MAX_PIECES:
            raise ReadError(f"{pieces:,} lines and sentences in one text; cut it to less than {MAX_PIECES:,}.")


def read_limited(path: str, limit: int, size: int) -> bytes:
    """The bytes of a file of about `size` bytes. `ReadError` if it has more than `limit` of them."""
    with open(path, "rb", buffering=0) as file:
        data = file.read(min(size, limit) + 1)
        if len(data) != size:  # it has changed, or one read gave less than there is
            while len(data) <= limit and (more := file.read(1 << 20)):
                data += more
    if len(data) > limit:
        raise ReadError(f"larger than {limit:,} bytes; raise --max-bytes, or cut the file.")
    return data


def _passing(error: Exception) -> bool:
    """May this failure pass by itself: a right that is missing, a file that is gone, a disk that stumbles?"""
    return isinstance(error, OSError)


def reason_of(error: BaseException) -> str:
    """One sentence for the manifest."""
    if isinstance(error, CleanerError):
        return str(error)
    if isinstance(error, FileNotFoundError):
        return "vanished while the run went on; run the same command again."
    if isinstance(error, OSError):
        return f"cannot be read ({error.strerror or error}); give yourself the right to read it, and run again."
    with contextlib.suppress(Exception):
        return f"failed ({type(error).__name__}: {error})."
    return f"failed ({type(error).__name__})."
