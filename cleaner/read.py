"""Files, bytes and records -> documents.

Bytes become text in this order: byte order mark, strict UTF-8, the character set that a page declares, and last every
candidate that decodes without error, judged by how much the result looks like a language (`likeness`). Every Korean label
(``euc-kr``, ``ks_c_5601-1987``, ``korean`` …) means CP949, as browsers take it. Pages go through trafilatura.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from pathlib import Path
from typing import Any

from cleaner.errors import ReadError, UsageError
from cleaner.records import Document
from cleaner.unpack import plain_name, unpack

TEXT_SUFFIXES = (".txt", ".md", ".text")
PAGE_SUFFIXES = (".html", ".htm", ".xhtml")
RECORD_SUFFIXES = (".jsonl", ".ndjson")
_KINDS = {
    **dict.fromkeys(TEXT_SUFFIXES, "text"), **dict.fromkeys(PAGE_SUFFIXES, "page"), **dict.fromkeys(RECORD_SUFFIXES, "records"),
    ".csv": "table", ".tsv": "table", ".parquet": "parquet", ".warc": "warc",
}  # fmt: skip

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_CANDIDATES = ("cp949", "cp932", "euc_jp", "gb18030", "big5hkscs", "cp1252", "cp1251", "iso8859_9")
_KOREAN = {"euckr", "ksc56011987", "ksc5601", "korean", "isoir149", "windows949", "ms949", "uhc", "cp949", "949"}
_WEB_NAMES = {
    "iso88591": "cp1252", "latin1": "cp1252", "ascii": "cp1252", "usascii": "cp1252", "gb2312": "gb18030", "gbk": "gb18030",
    "shiftjis": "cp932", "sjis": "cp932", "xsjis": "cp932", "big5": "big5hkscs", "iso88599": "cp1254",
}  # fmt: skip
_META_CHARSET = re.compile(rb"""<(?:meta|\?xml)[^>]{0,400}?(?:charset|encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)

# The characters that make up most running text of each language, by our own count of what any newspaper prints.
_FREQUENT_HANGUL = frozenset(
    "이다는을의에가고한지기하은로사도를대서인자시리해으어정부들과있었일수그주장나라전면아게스상보원제만조성구여국신공"
    "선연회실유경안오우비진동관위것와행발생용학문민방세금년월화무개중모업통계소분간설적미당내저단재지않까데때말니습합"
    "됩요세마음치거바며려각차러트운호남북광산울천포강군청"
)
_FREQUENT_KANA = frozenset(chr(c) for c in range(0x3041, 0x30FF))
_FREQUENT_HAN = frozenset(
    "的一是不了在人有我他这個个们們中来來上大为為和国國地到以说說时時要就出会會可也你对對生能而子那得于於着下自之年过"
    "過发發后後作里裡用道行所然家种種事成方多经經么麼去法学學如都同现現当當没沒动動面起看定天分还還进進好小部其些主样"
    "樣理心本前开開但因只从從想实實日军軍者意无無力它与與长長把机機十民第公此已工使情明性知全三又关關点點正业業外将將"
    "两兩高间間由问問很最重并物手应應战戰向头頭文体體政美相见見被利什二等产產或新己制身果加西斯月话話合回特代内內信表"
    "化老给給世位次度门門任常先海通教儿原东東声聲提立及比员員解水名真论論处處走义義各入几口认認条條平系气氣题題活尔更"
    "别別打女变變四神总總何电電数數安少报報才结結反受目太量再感建务務做接必场場件计計管期市直德资資命山金指克许許统統"
    "区區保至队隊形社便空决治展马馬科司五基眼书書非则听白却界达達光放强強即像难難且权權思王象完设設式色路记記南品住告"
    "类類求据程北边邊死张張该該交规規万取拉格望觉覺术術领領共确確传傳师師观觀清今切院让讓识識候带帶导導争爭运運県市町"
    "村党選挙首相議員警察会社東京大阪千円億以上発表調査対応地域"
)
_FREQUENT_LATIN = frozenset("áàâäãåæçéèêëíìîïñóòôöõøœßúùûüýÿÁÀÂÄÃÅÆÇÉÈÊËÍÌÎÏÑÓÒÔÖÕØŒÚÙÛÜÝ¿¡«»“”„‘’–—…€°·•ğışĞİŞ")
_FREQUENT_CYRILLIC = frozenset(chr(c) for c in [*range(0x410, 0x450), 0x401, 0x451])
_NEUTRAL = frozenset("“”‘’「」『』【】〈〉《》（），。、！？：；·…—～ ㎡㎞％ⓒ©▶◆■□○●△▲▼☞※☎★☆◇①②③④⑤　─│〔〕［］＜＞・々ー℃")


def likeness(text: str) -> float:
    """How much a decoded text looks like text of one language: about 1 for running text, near 0 or below for mojibake."""
    sample = [c for c in text[:20_000] if ord(c) > 127]
    if not sample:
        return 1.0
    if any(unicodedata.category(c) in ("Cc", "Co", "Cn") for c in set(sample)):
        return -1.0
    counted = [c for c in sample if c not in _NEUTRAL]
    if not counted:
        return 0.9
    n = len(counted)
    hangul = sum(c in _FREQUENT_HANGUL for c in counted) / n
    kana = sum(c in _FREQUENT_KANA for c in counted) / n
    han = sum(c in _FREQUENT_HAN for c in counted) / n
    latin = sum(c in _FREQUENT_LATIN for c in counted) / n
    cyrillic = sum(c in _FREQUENT_CYRILLIC for c in counted) / n
    # Accented Latin is sparse among plain letters; a text that is mostly accents is another script misread.
    if latin > 0.5 and len(sample) > 0.45 * max(1, sum(c.isalpha() for c in text[:20_000])):
        latin = 0.0
    half_width = sum("\uff61" <= c <= "\uff9f" for c in counted) / n
    return max(hangul * 1.15, (kana + han) if kana > 0.2 else han, latin, cyrillic) - half_width


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
        return codecs.lookup(name.strip()).name
    except (LookupError, ValueError):
        return None


def decode(data: bytes, encoding: str | None = None, *, page: bool = False) -> tuple[str, str]:
    """Text and the character set it was decoded with. `ReadError` if the bytes are not text."""
    if encoding is not None:
        codec = python_encoding(encoding)
        if codec is None:
            raise UsageError(f"unknown encoding {encoding!r}; use a name such as utf-8, cp949 or shift_jis.")
        try:
            return data.decode(codec), codec
        except UnicodeDecodeError as error:
            raise ReadError(f"not {encoding}: byte {error.start} cannot be decoded; leave --encoding out to have it found.") from None
    for bom, codec in _BOMS:
        if data.startswith(bom):
            try:
                return data.decode(codec), codec
            except UnicodeDecodeError:
                raise ReadError(f"starts as {codec} but is damaged; save it again as UTF-8.") from None
    if b"\x00" in data[:4096] or (b"\x00" in data and data.count(b"\x00") > len(data) // 1000):
        raise ReadError("holds NUL bytes: a binary file, or UTF-16 without a byte order mark; convert it to UTF-8.")
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        pass
    if page and (declared := _META_CHARSET.search(data[:4096])):
        codec = python_encoding(declared[1].decode("ascii", "replace"))
        if codec and codec != "utf-8":
            try:
                return data.decode(codec), codec
            except UnicodeDecodeError:
                pass
    return _guess(data)


def _guess(data: bytes) -> tuple[str, str]:
    best: tuple[float, str, str] | None = None
    for codec in _CANDIDATES:
        try:
            text = data.decode(codec)
        except UnicodeDecodeError:
            continue
        score = likeness(text)
        if best is None or score > best[0] + 1e-9:
            best = (score, text, codec)
    if best is None or best[0] < 0.05:
        text = data.decode("utf-8", "replace")
        # A few broken bytes in a long UTF-8 text (cut in mid-character) are no reason to lose it; much more is no text.
        if text.count("\ufffd") <= max(1, len(text) // 500):
            return text, "utf-8"
        raise ReadError("not text in any encoding we know; name it with --encoding, or leave the file out.")
    return best[1], best[2]


def kind_of(path: str | Path) -> str | None:
    """What a name promises: ``text``, ``page``, ``records`` (JSON Lines), ``table``, ``parquet``, ``warc``; `None` for what we do not read.

    A ``.gz`` or ``.zst`` at the end does not count.

    >>> kind_of("a/B.HTML.gz"), kind_of("photo.jpg")
    ('page', None)
    """
    _, dot, ending = plain_name(str(path)).rpartition(".")
    return _KINDS.get(dot + ending.lower())


def read_bytes(path: str | Path) -> bytes:
    """The content of a file, unpacked. `ReadError` names what is wrong."""
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise ReadError("no such file.") from None
    except OSError as error:
        raise ReadError(f"cannot be read ({error.strerror or error}).") from None
    return unpack(data, str(path))


def read_file(path: str | Path, encoding: str | None = None) -> Document:
    """A text file or a page as a document. `ReadError` names what is wrong; the caller names the file."""
    data = read_bytes(path)
    if kind_of(path) == "page":
        text, codec = decode(data, encoding, page=True)
        return read_page(text, encoding=codec)
    text, codec = decode(data, encoding)
    return Document(text, encoding=codec)


def read_page(html: str | bytes, url: str | None = None, encoding: str | None = None) -> Document:
    """Extract a page's text and metadata with trafilatura; a page without article text is a document with empty text."""
    if isinstance(html, bytes):
        html, encoding = decode(html, encoding, page=True)
    if not isinstance(html, str):
        raise TypeError(f"a page is a string or bytes, not {type(html).__name__}")
    from trafilatura import bare_extraction

    try:
        found: Any = bare_extraction(html, url=url, include_comments=False, with_metadata=True)
    except (RecursionError, MemoryError, ValueError, TypeError, AttributeError, LookupError) as error:
        raise ReadError(f"trafilatura cannot parse this page ({type(error).__name__}: {error}).") from None
    if found is None or not found.text:
        return Document("", encoding=encoding)
    return Document(found.text, title=found.title, author=found.author, date=found.date, language=found.language, encoding=encoding)
