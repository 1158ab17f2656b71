"""Files of records, read and written again in their own format: JSON Lines, CSV and TSV, Parquet, WARC.

A reader gives one `Record` after the other and never holds the whole file; a writer takes the records that were cleaned.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any, BinaryIO, NamedTuple, Protocol

from cleaner.charset import decode
from cleaner.errors import CleanerError, ReadError, UsageError
from cleaner.fields import Page, content, parse
from cleaner.records import Document
from cleaner.spool import encoded
from cleaner.unpack import open_packed, open_unpacked, plain_name, unpack

_SNIFF = 1 << 20


class Record(NamedTuple):
    """A record, its place in the file, and what there is to clean in it: a text, a page, or why neither.

    Places count from 1; a file that is one document has none.
    """

    number: int | None
    fields: dict[str, Any] | None
    content: Document | Page | Exception


class Writer(Protocol):
    """Takes the records that were cleaned, in order."""

    def write(self, record: Record) -> None:
        """Write one record, whose fields hold the clean text."""


def record_of(number: int, fields: dict[str, Any] | None, field: str, error: Exception | None = None) -> Record:
    """A record from its fields, or from what went wrong."""
    if error is not None or fields is None:
        return Record(number, fields, error or ReadError("no record."))
    try:
        return Record(number, fields, content(fields, field))
    except ReadError as problem:
        return Record(number, fields, problem)


def batched(records: Iterable[Record], documents: int, characters: int) -> Iterator[list[Record]]:
    """Records in batches of at most so many documents, or about so many characters."""
    batch: list[Record] = []
    size = 0
    for record in records:
        batch.append(record)
        content = record.content
        size += len(content.text) if isinstance(content, Document) else len(content.html) if isinstance(content, Page) else 0
        if len(batch) >= documents or size > characters:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


@contextmanager
def open_reader(path: str, kind: str, field: str, encoding: str | None, limit: int) -> Iterator[Iterator[Record]]:
    """The records of a file. `ReadError` while iterating if the file breaks off; a record of more than `limit` bytes fails alone."""
    if kind == "parquet":
        yield _parquet_records(path, field)
    elif kind == "warc":
        with open(path, "rb") as stream:  # fastwarc unpacks it itself, and needs to seek
            yield _warc_records(stream, limit)
    else:
        with open_unpacked(path) as stream:
            yield _json_records(stream, field, encoding, limit) if kind == "records" else _rows(stream, path, field, encoding, limit)


# --- JSON Lines ----------------------------------------------------------------------------------------------------------


def _json_records(stream: BinaryIO, field: str, encoding: str | None, limit: int) -> Iterator[Record]:
    for number, line in _lines(_in_utf8(stream), limit):
        if line is None:
            yield Record(number, None, ReadError(f"a line of more than {limit:,} bytes; raise --max-bytes."))
        elif line.strip():
            try:
                yield record_of(number, parse(line, encoding), field)
            except ReadError as error:
                yield Record(number, None, error)


def _lines(stream: BinaryIO, limit: int) -> Iterator[tuple[int, bytes | None]]:
    """Numbered lines; None for one that is longer than the limit, which is never held in memory."""
    number = 0
    while line := stream.readline(limit + 1):
        number += 1
        if len(line) > limit and not line.endswith(b"\n"):
            while (more := stream.readline(1 << 20)) and not more.endswith(b"\n"):
                pass
            yield number, None
        else:
            yield number, line


def _in_utf8(stream: BinaryIO) -> BinaryIO:
    """Lines of UTF-16 or UTF-32 cannot be cut as bytes: a stream that starts so is converted on the way."""
    if not isinstance(stream, io.BufferedReader):
        return stream
    start = stream.peek(4)[:4]
    for codec, marks in (("utf-32", (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)), ("utf-16", (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))):
        if start.startswith(marks):
            return io.BufferedReader(_Converted(stream, codec))
    return stream


class _Converted(io.RawIOBase):
    def __init__(self, stream: BinaryIO, codec: str) -> None:
        self._stream, self._decoder, self._ready = stream, codecs.getincrementaldecoder(codec)(), b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            data = self._stream.read(1 << 16)
            try:
                self._ready = self._decoder.decode(data, not data).encode("utf-8", "surrogatepass")
            except UnicodeDecodeError as error:
                raise ReadError(f"starts as {error.encoding} but is damaged; save it again as UTF-8.") from None
            if not data:
                break
        taken, self._ready = self._ready[: len(buffer)], self._ready[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)


class _JsonWriter:
    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def write(self, record: Record) -> None:
        self._stream.write(encoded(json.dumps(numbered(record), ensure_ascii=False) + "\n"))


def numbered(record: Record) -> dict[str, Any]:
    """The fields; a missing id becomes the number of the record."""
    fields = record.fields or {}
    if fields.get("id") is not None:
        return fields
    return {"id": record.number, **{name: value for name, value in fields.items() if name != "id"}}


# --- CSV and TSV -----------------------------------------------------------------------------------------------------------


def _rows(stream: BinaryIO, path: str, field: str, encoding: str | None, limit: int) -> Iterator[Record]:
    csv.field_size_limit(max(limit, 1 << 17))
    text = io.TextIOWrapper(stream, encoding or _table_encoding(stream), newline="")
    rows = csv.reader(text, delimiter=_delimiter(path))
    try:
        header = next(rows, None)
        if header is None:
            return
        header[0] = header[0].removeprefix("\ufeff")
        if field not in header and "html" not in header:
            raise ReadError(f"no column `{field}` among {', '.join(header[:12])[:200]}; name the column of the text with --field.")
        number = 0
        while True:
            number += 1
            try:
                row = next(rows, None)
            except csv.Error as error:
                yield Record(number, None, ReadError(f"a row that cannot be read ({error}); repair the file."))
                continue
            if row is None:
                return
            if len(row) != len(header):
                if row:
                    yield Record(number, None, ReadError(f"a row of {len(row)} cells where the header has {len(header)}; repair the file."))
                continue
            yield record_of(number, dict(zip(header, row)), field)
    except UnicodeDecodeError as error:
        raise ReadError(f"not {error.encoding} all through; name its encoding with --encoding.") from None
    finally:
        text.detach()


def _table_encoding(stream: BinaryIO) -> str:
    start = stream.peek(_SNIFF) if isinstance(stream, io.BufferedReader) else b""
    if len(start) > 4096 and b"\n" in start:
        start = start[: start.rindex(b"\n") + 1]
    codec = decode(start)[1]
    return "utf-8-sig" if codec == "utf-8" else codec


def _delimiter(path: str) -> str:
    return "\t" if plain_name(path).lower().endswith(".tsv") else ","


class _RowWriter:
    """Rows as they came; the columns that a page adds stand at the end."""

    ADDED = ("title", "author", "date", "language")

    def __init__(self, stream: IO[bytes], path: str, field: str) -> None:
        self._stream, self._field, self._delimiter = stream, field, _delimiter(path)
        self._columns: list[str] | None = None

    def write(self, record: Record) -> None:
        fields = record.fields or {}
        if self._columns is None:
            own = [name for name in fields if name not in self.ADDED or not isinstance(record.content, Page)]
            added = [self._field, *self.ADDED] if isinstance(record.content, Page) else []
            self._columns = list(dict.fromkeys([*own, *added]))
            self._put(self._columns)
        self._put([fields.get(name, "") for name in self._columns])

    def _put(self, cells: list[Any]) -> None:
        line = io.StringIO(newline="")
        csv.writer(line, delimiter=self._delimiter, lineterminator="\n").writerow(cells)
        self._stream.write(encoded(line.getvalue()))


# --- Parquet ---------------------------------------------------------------------------------------------------------------


def pyarrow() -> Any:
    """pyarrow with its Parquet part. `UsageError` if it is not installed."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise UsageError("Parquet needs the pyarrow package; pip install 'article-cleaner[parquet]'.") from None
    return pyarrow


def _parquet_records(path: str, field: str) -> Iterator[Record]:
    arrow = pyarrow()
    try:
        with arrow.parquet.ParquetFile(path) as file:
            number = 0
            for batch in file.iter_batches(batch_size=64):
                for fields in batch.to_pylist():
                    number += 1
                    yield record_of(number, fields, field)
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise ReadError(f"not a Parquet file that pyarrow reads ({str(error).splitlines()[0][:200]}); fetch it again.") from None


class _ParquetWriter:
    """Rows of the source's schema, 512 at a time; the columns that a page adds stand at the end."""

    def __init__(self, stream: IO[bytes], source: str, field: str) -> None:
        arrow = pyarrow()
        schema = arrow.parquet.read_schema(source).remove_metadata()
        for name in (field.partition(".")[0], *_RowWriter.ADDED) if "html" in schema.names else ():
            if name not in schema.names:
                schema = schema.append(arrow.field(name, arrow.string()))
        self._arrow, self._schema = arrow, schema
        self._writer = arrow.parquet.ParquetWriter(stream, schema)
        self._rows: list[dict[str, Any]] = []

    def write(self, record: Record) -> None:
        self._rows.append(record.fields or {})
        if len(self._rows) >= 512:
            self.flush()

    def flush(self) -> None:
        if self._rows:
            self._writer.write_table(self._arrow.Table.from_pylist(self._rows, schema=self._schema))
            self._rows = []

    def close(self) -> None:
        self.flush()
        self._writer.close()


# --- WARC ------------------------------------------------------------------------------------------------------------------


def _warc_records(stream: BinaryIO, limit: int) -> Iterator[Record]:
    """The response records that are pages. Other records are passed over."""
    try:
        from fastwarc.warc import ArchiveIterator, WarcRecordType
    except ImportError:
        raise UsageError("WARC files need the fastwarc package; pip install 'article-cleaner[warc]'.") from None
    number = 0
    try:
        for record in ArchiveIterator(stream, record_types=WarcRecordType.response, parse_http=True):
            number += 1
            if (record.http_content_type or "").lower() not in ("text/html", "application/xhtml+xml"):
                continue
            url = record.headers.get("WARC-Target-URI")
            fields = {"id": record.record_id, "url": url, "crawled": record.headers.get("WARC-Date")}
            try:
                page: Page | ReadError = Page(_decoded(_body(record, limit), record.http_charset), url)
            except ReadError as error:
                page = error
            yield Record(number, fields, page)
    except (ReadError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # each version of fastwarc has errors of its own; a panic of its Rust code is no Exception
        raise ReadError(f"a broken WARC file ({error}); fetch it again.") from None


def _decoded(body: bytes, charset: str | None) -> str | bytes:
    """The page as text if it is in the character set that the server named; often it is not."""
    try:
        return decode(body, charset)[0] if charset else body
    except CleanerError:
        return body


def _body(record: Any, limit: int) -> bytes:
    announced = record.content_length
    body: bytes = record.reader.read(min(limit, announced) + 1)
    if len(body) < min(limit, announced):
        raise ReadError("a record that is shorter than it says; fetch the archive again.")
    if len(body) > limit:
        raise ReadError(f"a page of more than {limit:,} bytes; raise --max-bytes.")
    coding = (record.http_headers.get("Content-Encoding") or "").lower() if record.http_headers else ""
    if coding in ("gzip", "x-gzip"):
        return unpack(body, ".gz", limit)
    if coding == "deflate":
        try:
            return zlib.decompressobj(-15 if body[:1] != b"\x78" else 15).decompress(body, limit)
        except zlib.error as error:
            raise ReadError(f"its body cannot be unpacked ({error}).") from None
    return body


# --- writers ---------------------------------------------------------------------------------------------------------------


@contextmanager
def open_writer(path: str, name: str, kind: str, source: str, field: str) -> Iterator[Writer]:
    """A writer to `path` of a file that will be called `name`, in the format of the source."""
    if kind == "parquet":
        with open(path, "wb") as stream:
            writer = _ParquetWriter(stream, source, field)
            yield writer
            writer.close()
    else:
        with open_packed(path, name) as stream:
            yield _RowWriter(stream, source, field) if kind == "table" else _JsonWriter(stream)
