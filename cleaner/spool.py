"""Spool files: what a task writes beside the clean text, until the run merges it; and digests of content."""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Mapping
from typing import IO, Any

import orjson

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def json_line(value: Mapping[str, Any]) -> bytes:
    """One line of JSON Lines; lone surrogates go out as JSON escapes.

    >>> json_line({"text": "가\\ud800"}).decode()
    '{"text":"가\\\\ud800"}\\n'
    """
    try:
        return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # a lone surrogate, a whole number of more than 64 bits, a key that is no text
        return encoded(_encode(value) + "\n")


def from_json_line(line: bytes) -> Any:
    """What `json_line` wrote."""
    try:
        return orjson.loads(line)
    except ValueError:  # a lone surrogate; or no JSON at all, as the next says
        return json.loads(line)


def encoded(text: str) -> bytes:
    """UTF-8; a lone surrogate, which has none, is written as its JSON escape."""
    return text.encode("utf-8", "backslashreplace")


def digest(data: bytes) -> str:
    """A fingerprint of content: BLAKE2b, 16 bytes, in hexadecimal."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def file_digest(path: str) -> str:
    """The `digest` of a file of any size."""
    sums = hashlib.blake2b(digest_size=16)
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            sums.update(chunk)
    return sums.hexdigest()


class Spool:
    """A file for one stream (audit, failures, records) of one task; it comes into being with its first line.

    `folder` belongs to the run: when it is gone, the run is over, and a worker that is left of it fails here.
    """

    def __init__(self, folder: str, name: str) -> None:
        self.name = name
        self._path = f"{folder}/{name}"
        self._file: IO[bytes] | None = None

    def line(self, row: Mapping[str, Any]) -> None:
        """Add one JSON line."""
        if self._file is None:
            self._file = open(self._path, "w+b")  # noqa: SIM115 (closed by `close`)
        self._file.write(json_line(row))

    def mark(self) -> int:
        """The present end, to come `back_to`."""
        return self._file.tell() if self._file is not None else 0

    def back_to(self, mark: int) -> None:
        """Take back what was written since the mark."""
        if self._file is not None:
            self._file.seek(mark)
            self._file.truncate()

    def close(self) -> tuple[str, int, int] | None:
        """Close; the name, the bytes and their checksum, if anything was written."""
        if self._file is None:
            return None
        size = self._file.tell()
        self._file.close()
        if not size:
            os.unlink(self._path)
            return None
        return self.name, size, checksum(self._path)


def checksum(path: str) -> int:
    """The CRC-32 of a file."""
    result = 0
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            result = zlib.crc32(chunk, result)
    return result
