"""What inputs there are: files, folders walked lazily and in a stable order, globs, lists of paths.

Every input has a *key*: its path below the root, with ``/`` between the parts. The manifest, the audit and OUT know it by its
key. Keys come out in one order (`order`), whatever the order of the arguments, so that a run can be merged with an earlier one
without holding either in memory.
"""

from __future__ import annotations

import fnmatch
import glob
import heapq
import os
import re
import stat
import sys
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cleaner.errors import UsageError
from cleaner.read import kind_of

STATE = ".cleaner"
"""The folder inside OUT that holds what is not clean text. Never walked."""

SKIP = "\0skip "
"""A problem that begins so is no failure: there is nothing to read, for the reason that follows."""

_CHUNK = 200_000


class Source(NamedTuple):
    """One input. ``kind`` as `read.kind_of` says; ``problem`` says why it cannot be read, where that is known already."""

    key: str
    path: str
    kind: str | None
    size: int
    mtime_ns: int
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Selection:
    """What a run reads: arguments as people give them.

    ``files_from`` is a file with one path a line (``-``: stdin); with a NUL in it, paths are separated by NULs. ``exclude`` are
    shell patterns for keys or names. ``root`` is the folder below which paths are mirrored. ``shard`` is (3, 16) for the third
    of sixteen equal parts.
    """

    inputs: tuple[str, ...] = ()
    files_from: str | None = None
    exclude: tuple[str, ...] = ()
    root: str | None = None
    shard: tuple[int, int] | None = None


def order(key: str) -> str:
    """What keys are sorted by: their parts, one after the other.

    >>> sorted(["a.txt", "a/b.txt", "a b.txt"], key=order)
    ['a/b.txt', 'a b.txt', 'a.txt']
    """
    return key.replace("/", "\0")


def part_of(key: str, parts: int) -> int:
    """Which of so many parts a key belongs to; it depends on nothing but the key.

    >>> part_of("news/1.txt", 16)
    14
    """
    return zlib.crc32(key.encode("utf-8", "surrogatepass")) % parts


def find(selection: Selection, out: str | None = None) -> tuple[str, Iterator[Source]]:
    """The root, and every input in the order of keys, without duplicates. `out` is not walked.

    `UsageError` if there is nothing to read, or if a path is not below the root that was given.
    """
    folders, files, listed = _arguments(selection)
    root = os.path.abspath(selection.root) if selection.root else _common_root(folders, files, listed)
    refuse = _excluder(selection.exclude)
    streams = [_walk(folder, _prefix(folder, root), out, refuse) for folder in folders]
    if files:
        pairs = [(_key(path, root), path) for path in sorted(files, key=order)]
        streams.append(_source(key, path) for key, path in pairs if not refuse(key))
    if listed is not None:
        paths = ((_key(path, root), path) for path in listed)
        streams.append(_source(key, path) for key, path in paths if not refuse(key))
    found = streams[0] if len(streams) == 1 else heapq.merge(*streams, key=lambda source: order(source.key))
    found = _without_duplicates(found) if files or listed is not None or len(streams) > 1 else found
    if selection.shard:
        number, of = selection.shard
        found = (source for source in found if part_of(source.key, of) == number - 1)
    return root, found


def _arguments(selection: Selection) -> tuple[list[str], list[str], _Spool | None]:
    """The folders, the files and the list among the arguments; a pattern that the shell left alone is expanded."""
    folders: list[str] = []
    files: list[str] = []
    for argument in selection.inputs:
        path = os.path.abspath(argument)
        if os.path.isdir(path):
            folders.append(path)
        elif not os.path.lexists(path) and glob.has_magic(argument):
            matches = list(map(os.path.abspath, glob.iglob(argument, recursive=True)))
            folders += [match for match in matches if os.path.isdir(match) and "**" not in argument]
            files += [match for match in matches if not os.path.isdir(match)] or ([] if matches else [path])
        else:
            files.append(path)
    if not folders and not files and not selection.files_from:
        raise UsageError("nothing to read; name files or folders, or a list of them with --files-from.")
    return folders, files, _Spool(_read_list(selection.files_from)) if selection.files_from else None


def _read_list(name: str) -> Iterator[str]:
    """Paths from a list, one a line, or separated by NULs as ``find -print0`` writes them."""
    try:
        with sys.stdin.buffer if name == "-" else open(name, "rb") as file:
            first = file.readline()
            separator = b"\0" if b"\0" in first else b"\n"
            rest = first
            while True:
                *complete, rest = rest.split(separator)
                yield from (_listed(path, separator) for path in complete if path.strip())
                more = file.read(1 << 16)
                if not more:
                    break
                rest += more
            if rest.strip():
                yield _listed(rest, separator)
    except OSError as error:
        raise UsageError(f"{name}: the list of files cannot be read ({error.strerror}).") from None


def _listed(path: bytes, separator: bytes) -> str:
    return os.path.abspath(os.fsdecode(path.rstrip(b"\r") if separator == b"\n" else path))


class _Spool:
    """Any number of paths, sorted; more than a chunk of them wait on disk."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._files: list[str] = []
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self.common: str | None = None
        chunk: list[str] = []
        for path in paths:
            folder = os.path.dirname(path)
            self.common = folder if self.common is None else os.path.commonpath((self.common, folder))
            chunk.append(path)
            if len(chunk) == _CHUNK:
                self._spill(chunk)
                chunk = []
        self._rest = sorted(chunk, key=order)

    def _spill(self, chunk: list[str]) -> None:
        self._folder = self._folder or tempfile.TemporaryDirectory(prefix="cleaner-")
        name = os.path.join(self._folder.name, str(len(self._files)))
        with open(name, "wb") as file:
            file.writelines(os.fsencode(path) + b"\0" for path in sorted(chunk, key=order))
        self._files.append(name)

    def __iter__(self) -> Iterator[str]:
        yield from heapq.merge(*map(_spooled, self._files), self._rest, key=order)  # a generator keeps the folder alive


def _spooled(name: str) -> Iterator[str]:
    rest = b""
    with open(name, "rb") as file:
        while more := file.read(1 << 16):
            *complete, rest = (rest + more).split(b"\0")
            yield from map(os.fsdecode, complete)


def _common_root(folders: Sequence[str], files: Sequence[str], listed: _Spool | None) -> str:
    parents = [*folders, *map(os.path.dirname, files)]
    if listed is not None and listed.common:
        parents.append(listed.common)
    if not parents:
        return os.getcwd()
    try:
        return os.path.commonpath(parents)
    except ValueError:
        raise UsageError("the inputs have no folder in common (two drives); clean them one by one.") from None


def _key(path: str, root: str) -> str:
    prefix = root if root.endswith(os.sep) else root + os.sep
    if not path.startswith(prefix):
        raise UsageError(f"{path}: does not lie below the root {root}; give another --root.")
    return path[len(prefix) :].replace(os.sep, "/")


def _prefix(folder: str, root: str) -> str:
    return "" if folder == root else _key(folder, root) + "/"


class _excluder:  # noqa: N801 (a function with a compiled pattern)
    """Is a key excluded? A pattern is matched against the whole key and against the name alone."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self.patterns = patterns
        joined = "|".join(fnmatch.translate(pattern.rstrip("/")) for pattern in patterns)
        self._match = re.compile(joined).match if patterns else None

    def __call__(self, key: str) -> bool:
        return self._match is not None and bool(self._match(key) or self._match(key.rpartition("/")[2]))


def _without_duplicates(sources: Iterable[Source]) -> Iterator[Source]:
    last = None
    for source in sources:
        if source.key != last:
            last = source.key
            yield source


def unread(key: str, path: str, problem: str) -> Source:
    """An input that cannot be read, for a reason that is known without reading it."""
    return Source(key, path, kind_of(key), -1, 0, problem)


def _source(key: str, path: str) -> Source:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return unread(key, path, "a link that leads nowhere." if os.path.islink(path) else "no such file or folder.")
    except (OSError, ValueError) as error:
        return unread(key, path, f"cannot be read ({getattr(error, 'strerror', None) or error}).")
    if not stat.S_ISREG(status.st_mode):
        return unread(key, path, SKIP + ("a folder in a list of files." if stat.S_ISDIR(status.st_mode) else "not a regular file."))
    return Source(key, path, kind_of(key), status.st_size, status.st_mtime_ns)


def _walk(top: str, prefix: str, out: str | None, refuse: _excluder) -> Iterator[Source]:
    """Every file below a folder, in the order of keys, one folder's names in memory at a time."""
    guard = _Guard(top, out)
    stack = [_listing(top, prefix)]
    while stack:
        for key, path, is_folder, is_link in stack[-1]:
            if refuse.patterns and refuse(key):
                continue
            if is_folder is None:
                yield unread(key, path, "a folder that cannot be listed; give yourself the right to read it.")
            elif not is_folder:
                source = _source(key, path)
                # A link that leads nowhere is no loss where its name promises nothing that we read.
                yield source._replace(problem=SKIP + source.problem.removeprefix(SKIP)) if source.problem and not source.kind else source
            elif (reason := guard.refuses(path, is_link)) is None:
                stack.append(_listing(path, key + "/"))
                break
            elif reason:
                yield unread(key, path, SKIP + reason)
        else:
            stack.pop()


def _listing(folder: str, prefix: str) -> Iterator[tuple[str, str, bool | None, bool]]:
    """(key, path, is it a folder, is it a link) of each name in a folder, sorted; a folder that cannot be listed is one item."""
    names: list[str] = []
    folders: set[str] = set()
    links: set[str] = set()
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                names.append(entry.name)
                if entry.is_symlink():
                    links.add(entry.name)
                try:
                    if entry.is_dir():
                        folders.add(entry.name)
                except OSError:  # a link that leads to itself
                    continue
    except OSError:
        yield prefix.rstrip("/") or ".", folder, None, False
        return
    names.sort()
    base = folder if folder.endswith(os.sep) else folder + os.sep
    for name in names:
        if name != STATE:
            yield prefix + name, base + name, name in folders, name in links


class _Guard:
    """Which folders a walk does not enter: OUT, and through links none twice."""

    def __init__(self, top: str, out: str | None) -> None:
        self._top, self._top_identity = os.path.realpath(top), _identity(top)
        self._out = _identity(out) if out else None
        self._seen: set[tuple[int, int]] = set()
        self._followed = False

    def refuses(self, path: str, is_link: bool) -> str | None:
        """Why a folder is not entered; nothing to say of OUT; None if it is entered."""
        if self._out is None and not is_link and not self._followed:
            return None
        identity = _identity(path)
        if identity is not None and identity == self._out:
            return ""
        if is_link:
            real = os.path.realpath(path)
            if real == self._top or real.startswith(self._top.rstrip(os.sep) + os.sep):
                return "a link to a folder that is walked anyway."
            self._followed = True
        if self._followed and identity is not None:
            if identity in self._seen or identity == self._top_identity:
                return "a folder that is walked anyway, reached by a link."
            self._seen.add(identity)
        return None


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
