"""gzip and zstd: bytes and streams in and out, with a guard against archives that unpack without end."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from cleaner.errors import ReadError, UsageError

FREE_BYTES = 64 << 20
MAX_RATIO = 200
"""A stream may unpack to `FREE_BYTES`, and beyond that to so many times its packed size; running text packs 3- to 10-fold."""


def packing(name: str) -> str:
    """``.gz``, ``.zst`` or nothing: how a file of this name is packed.

    >>> packing("a/PAGE.HTML.GZ"), packing("b.txt")
    ('.gz', '')
    """
    ending = name[-4:].lower()
    return ".gz" if ending.endswith(".gz") else ".zst" if ending == ".zst" else ""


def plain_name(name: str) -> str:
    """The name without ``.gz`` or ``.zst``."""
    suffix = packing(name)
    return name[: -len(suffix)] if suffix else name


def _zstandard() -> Any:
    try:
        import zstandard
    except ImportError:
        raise UsageError("zstd files need the zstandard package; pip install 'article-cleaner[zstd]'.") from None
    return zstandard


def _broken(error: Exception) -> ReadError:
    return ReadError(f"a broken or truncated archive ({error}); fetch it again.")


def unpack(data: bytes, name: str, limit: int | None = None) -> bytes:
    """The content of a file of this name. `ReadError` if it is broken or unpacks to more than `limit` bytes."""
    if not packing(name):
        return data
    with _reader(io.BytesIO(data), name) as stream:
        try:
            content = stream.read() if limit is None else stream.read(limit + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise _broken(error) from None
        except Exception as error:  # zstandard.ZstdError, whose name is not known here
            raise _broken(error) from None
    if limit is not None and len(content) > limit:
        raise ReadError(f"unpacks to more than {limit:,} bytes; raise --max-bytes if it is no bomb.")
    return content


def _reader(file: BinaryIO, name: str) -> BinaryIO:
    if packing(name) == ".gz":
        return cast(BinaryIO, gzip.GzipFile(fileobj=file, mode="rb"))
    return cast(BinaryIO, io.BufferedReader(_Zstd(file)))


class _Zstd(io.RawIOBase):
    """Unpacks zstd. The library's own reader takes a file that is cut for one that ends."""

    FEED = 512  # bytes at a time; a bomb makes at most 16 MiB of them

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._new = file, _zstandard().ZstdDecompressor().decompressobj
        self._frame: Any = None
        self._packed = self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            self._packed = self._packed or self._file.read(self.FEED)
            if not self._packed:
                if self._frame is not None:
                    raise EOFError("it ends inside a frame")
                break
            self._frame = self._frame or self._new()
            self._ready, self._packed = self._frame.decompress(self._packed), b""
            if self._frame.eof:
                self._frame, self._packed = None, self._frame.unused_data
        taken, self._ready = self._ready[: len(buffer)], self._ready[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)


class _Guarded(io.RawIOBase):
    """An unpacking stream that stops at a bomb and speaks of broken archives in our words."""

    def __init__(self, raw: BinaryIO, name: str) -> None:
        self._raw, self._stream, self._read = raw, _reader(raw, name), 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._stream.read(len(buffer))
        except ReadError:
            raise
        except Exception as error:
            raise _broken(error) from None
        self._read += len(data)
        if self._read > FREE_BYTES and self._read > MAX_RATIO * self._raw.tell():
            raise ReadError(f"unpacks to more than {MAX_RATIO} times its size, as bombs do; leave it out, or unpack it first.")
        buffer[: len(data)] = data
        return len(data)


@contextmanager
def open_unpacked(path: str | Path) -> Iterator[BinaryIO]:
    """A binary stream of the content, packed or not; reading raises `ReadError` where an archive is broken or a bomb."""
    with open(path, "rb") as raw:
        name = str(path)
        yield cast(BinaryIO, io.BufferedReader(_Guarded(raw, name), 1 << 18)) if packing(name) else raw


def pack(data: bytes, name: str) -> bytes:
    """Pack for a file of this name; the same bytes always give the same archive.

    >>> unpack(pack(b"text", "a.txt.gz"), "a.txt.gz")
    b'text'
    """
    suffix = packing(name)
    if suffix == ".gz":
        return gzip.compress(data, 6, mtime=0)
    return cast(bytes, _zstandard().ZstdCompressor().compress(data)) if suffix else data


@contextmanager
def open_packed(path: str | Path, name: str) -> Iterator[IO[bytes]]:
    """A stream to write the content of a file called `name` to `path`; the same content always gives the same archive."""
    with open(path, "wb") as raw:
        suffix = packing(name)
        if suffix == ".gz":
            with gzip.GzipFile("", "wb", 6, raw, mtime=0) as stream:
                yield cast(IO[bytes], stream)
        elif suffix:
            with _zstandard().ZstdCompressor().stream_writer(raw, closefd=False) as stream:
                yield stream
        else:
            yield raw
