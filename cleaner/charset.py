"""Bytes -> text: which character set is it?

In this order: byte order mark, strict UTF-8, the character set that a page declares, and last every candidate that decodes
without error, judged by how much the result looks like a language (`likeness.likeness`). Every Korean label (``euc-kr``,
``ks_c_5601-1987``, ``korean`` …) means CP949, as browsers take it.
"""

from __future__ import annotations

import codecs
import re

from cleaner.errors import ReadError, UsageError

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_OF_TWO_BYTES = ("cp949", "cp932", "euc_jp", "gb18030", "big5hkscs")
_CANDIDATES = (*_OF_TWO_BYTES, "cp1252", "cp1251", "iso8859_9")
_KOREAN = {"euckr", "ksc56011987", "ksc5601", "korean", "isoir149", "windows949", "ms949", "uhc", "cp949", "949"}
_WEB_NAMES = {
    "iso88591": "cp1252", "latin1": "cp1252", "ascii": "cp1252", "usascii": "cp1252", "gb2312": "gb18030", "gbk": "gb18030",
    "shiftjis": "cp932", "sjis": "cp932", "xsjis": "cp932", "big5": "big5hkscs", "iso88599": "cp1254",
}  # fmt: skip
_META_CHARSET = re.compile(rb"""<(?:meta|\?xml)[^>]{0,400}?(?:charset|encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)

SURE = 0.8
"""The likeness from which no other character set is tried."""


def python_encoding(name: str) -> str | None:
    """The Python codec for a character set as pages and people name it; `None` if there is none.

    >>> python_encoding("KS_C_5601-1987"), python_encoding("EUC-KR"), python_encoding("no-such-thing")
    ('cp949', 'cp949', None)
    """
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    if plain in _KOREAN:
        return "cp949"
    if plain in _WEB_NAMES:
        return _WEB_NAMES[plain]
    try:
        codec = codecs.lookup(name.strip()).name
        bytes(4).decode(codec)
    except (LookupError, ValueError):  # no such codec, or none for text, such as base64
        return None
    return codec


def decode(data: bytes, encoding: str | None = None, *, page: bool = False) -> tuple[str, str]:
    """Text and the character set it was decoded with. `ReadError` if the bytes are not text."""
    if encoding is not None:
        codec = python_encoding(encoding)
        if codec is None:
            raise UsageError(f"unknown encoding {encoding!r}; use a name such as utf-8, cp949 or shift_jis.")
        if codec == "utf-8" and data.startswith(codecs.BOM_UTF8):
            codec = "utf-8-sig"
        try:
            return data.decode(codec), codec
        except UnicodeError as error:
            place = f"byte {error.start}" if isinstance(error, UnicodeDecodeError) else "it"
            raise ReadError(f"not {encoding}: {place} cannot be decoded; leave --encoding out to have it found.") from None
    for bom, codec in _BOMS:
        if data.startswith(bom):
            try:
                return data.decode(codec), codec
            except UnicodeError:
                raise ReadError(f"starts as {codec} but is damaged; save it again as UTF-8.") from None
    if b"\x00" in data[:4096] or (b"\x00" in data and data.count(b"\x00") > len(data) // 1000):
        raise ReadError("holds NUL bytes: a binary file, or UTF-16 without a byte order mark; convert it to UTF-8.")
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeError:
        pass
    if page and (declared := _META_CHARSET.search(data[:4096])):
        codec = python_encoding(declared[1].decode("ascii", "replace"))
        if codec and codec != "utf-8":
            try:
                return data.decode(codec), codec
            except UnicodeError:
                pass
    return _guess(data)


def _guess(data: bytes) -> tuple[str, str]:
    """The candidate whose text looks most like its language; the first of equals."""
    from cleaner.likeness import likeness  # NumPy takes its time, and most text is UTF-8

    best: tuple[float, str, str] | None = None
    for codec in _CANDIDATES:
        try:
            text = data.decode(codec)
        except UnicodeError:
            continue
        score = likeness(text)
        if best is None or score > best[0] + 1e-9:
            best = (score, text, codec)
        if score >= SURE and codec in _OF_TWO_BYTES and len(data) >= 64:  # misread text of some length never looks like this
            break
    if best is None or best[0] < 0.05:
        text = data.decode("utf-8", "replace")
        # A few broken bytes in a long UTF-8 text (cut in mid-character) are no reason to lose it; much more is no text.
        if text.count("\ufffd") <= max(1, len(text) // 500):
            return text, "utf-8"
        raise ReadError("not text in any encoding we know; name it with --encoding, or leave the file out.")
    return best[1], best[2]
