"""Files, bytes and pages become documents: every character set we promise, and everything that may be wrong with an input."""

from __future__ import annotations

import gzip
import os

import pytest
from conftest import EXAMPLES, ROOT, STORY

from cleaner import ReadError, UsageError, charset, corpus
from cleaner.charset import decode, python_encoding
from cleaner.likeness import likeness
from cleaner.read import kind_of, read_bytes, read_file, read_page

KOREAN = "\n".join(STORY)
JAPANESE = (
    "村議会は14日、老朽化した堤防を補強する予算2億7千万円を可決した。\n工事は来年3月に始まり、波に削られた640メートルの区間に石を積み直す。\n"
    "議長は「去年の台風で田んぼが水につかった。梅雨の前に急ぐ場所から終えたい」と話した。"
)
CHINESE = (
    "镇人民代表大会14日通过预算，拨款2700万元加固旧海堤。\n工程将于明年三月开工，在被海浪冲刷的640米堤段重新铺设石笼。\n"
    "一位代表说：“去年台风时十二公顷稻田被淹，我们希望在雨季到来之前先修好最急的地方。”"
)
GERMAN = "Der Gemeinderat hat am Dienstag 2,7 Millionen Euro für den alten Deich bewilligt.\nMüller: „Wir müssen vor dem Frühjahr fertig sein“ – so heißt es."
FRENCH = (
    "Le conseil a voté mardi 2,7 millions d’euros pour la vieille digue.\n« Il faut finir avant l’été », a déclaré le maire à la presse."
)
ENGLISH = "The council voted on Tuesday to spend £2.7m on the old sea wall.\n“We must finish before spring,” the mayor said – and left."
TURKISH = "Belediye meclisi salı günü eski setin güçlendirilmesi için bütçeyi onayladı. Çalışmalar ilkbahardan önce bitecek."
RUSSIAN = "Во вторник совет выделил деньги на ремонт старой дамбы.\nРаботы начнутся в марте и закончатся до паводка, сообщил глава района."


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (KOREAN, "utf-8"), (KOREAN, "utf-8-sig"), (KOREAN, "cp949"), (KOREAN, "utf-16"), (KOREAN, "utf-32"), ("똠방각하 " + KOREAN, "cp949"),
        (JAPANESE, "cp932"), (JAPANESE, "euc_jp"), (JAPANESE, "utf-8"), (CHINESE, "gb18030"), (CHINESE, "utf-16"),
        (GERMAN, "cp1252"), (FRENCH, "cp1252"), (ENGLISH, "cp1252"), (RUSSIAN, "cp1251"), (TURKISH, "iso8859_9"), ("plain ASCII", "utf-8"), ("", "utf-8"),
    ],
)  # fmt: skip
def test_every_character_set_is_found(text, encoding):
    """Without a hint, the text is what was written, and the name of the character set is told."""
    assert decode(text.encode(encoding)) == (text, encoding)


@pytest.mark.parametrize("order", ["le", "be"])
def test_utf_16_of_either_order(order):
    """The byte order mark tells which."""
    assert decode(("\ufeff" + KOREAN).encode(f"utf-16-{order}"))[0] == KOREAN


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("무료 청력검사", "cp949"), ("댓글 (3)", "cp949"), ("등록일 2022.10.05.", "cp949"), ("■ 나기자 기자", "cp949"), ("▲7.18", "cp949"),
        ("ⓒ 새벽신문", "cp949"), ("市長 기자회견", "cp949"), ("堤防の工事が始まった", "cp932"), ("堤防の工事が始まった", "euc_jp"), ("コメント（3）", "euc_jp"),
        ("海堤工程开工", "gb18030"), ("Müller kommt", "cp1252"), ("£1.1m", "cp1252"), ("café à Nîmes", "cp1252"), ("informação", "cp1252"), ("één knop", "cp1252"),
    ],
)  # fmt: skip
def test_short_texts(text, encoding):
    """A headline, a credit, a line of figures is enough, in most cases."""
    assert decode(text.encode(encoding))[0] == text


def test_whole_documents_in_every_language():
    """Documents of our corpus, written in the character set of their country, are read back."""
    sets = {
        "ko": ["cp949"],
        "ja": ["cp932", "euc_jp"],
        "zh": ["gb18030"],
        "ru": ["cp1251"],
        **dict.fromkeys(("de", "fr", "es", "pt", "it"), ("cp1252",)),
    }
    tried = 0
    for document in corpus.load([ROOT / "corpus"])[::5]:
        for encoding in sets.get(document.lang, []):
            try:
                data = document.text.encode(encoding)
            except UnicodeEncodeError:
                continue
            if not data.isascii() and data.decode(encoding) == document.text:  # some signs do not come back from CP932
                assert decode(data) == (document.text, encoding), document.id
                tried += 1
    assert tried > 60


@pytest.mark.parametrize("name", ["euc-kr", "EUC-KR", "KS_C_5601-1987", "ks_c_5601", "korean", "windows-949", "ms949", "uhc", "CP949"])
def test_every_korean_label_means_cp949(name):
    """As browsers take it: the syllables that EUC-KR lacks are read too."""
    assert python_encoding(name) == "cp949"
    assert decode("똠방각하 뷁".encode("cp949"), name) == ("똠방각하 뷁", "cp949")


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("iso-8859-1", "cp1252"),
        ("latin1", "cp1252"),
        ("gb2312", "gb18030"),
        ("Shift_JIS", "cp932"),
        ("UTF8", "utf-8"),
        ("big5", "big5hkscs"),
    ],
)
def test_labels_mean_what_browsers_take_them_for(name, codec):
    """The wider set that pages really use under the label."""
    assert python_encoding(name) == codec


@pytest.mark.parametrize("name", ["klingon", "", "base64", "rot13", "zlib", "undefined", "\x00", "한글"])
def test_what_is_no_character_set(name):
    """An unknown name, or a codec that is none for text, is wrong usage; in a page it is not believed."""
    assert python_encoding(name) is None
    with pytest.raises(UsageError, match="unknown encoding"):
        decode(b"abc", name)


def test_a_named_encoding_is_taken_at_its_word():
    """What cannot be decoded then is an error that tells where; a byte order mark is no text."""
    assert decode(KOREAN.encode(), "utf-8") == (KOREAN, "utf-8")
    assert decode(KOREAN.encode("utf-8-sig"), "utf-8")[0] == KOREAN
    with pytest.raises(ReadError, match=r"not shift_jis: byte 3 .* leave --encoding out"):
        decode(b"abc\x81", "shift_jis")


def test_bytes_that_are_no_text():
    """Binary files, UTF-16 without its mark and random bytes are refused; no text is made of them."""
    for data in (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", KOREAN.encode("utf-16-le"), bytes(range(256)) * 20, b"%PDF-1.4\n\x00\xff" * 50):
        with pytest.raises(ReadError):
            decode(data)
    with pytest.raises(ReadError, match="NUL"):
        decode(b"abc\x00\x00\x00")
    with pytest.raises(ReadError, match="starts as utf-16 but is damaged"):
        decode(KOREAN.encode("utf-16")[:-1])


def test_utf_8_cut_in_the_middle_of_a_character():
    """A few broken bytes in a long text do not lose the text."""
    assert decode((KOREAN * 20 + "둑").encode()[:-1]) == (KOREAN * 20 + "\ufffd", "utf-8")


def test_one_stray_nul_is_text():
    """A NUL far into a long text is a scanner's slip, not a binary file."""
    text = KOREAN * 40 + "\x00" + KOREAN
    assert decode(text.encode()) == (text, "utf-8")


def test_likeness_tells_text_from_mojibake():
    """Each text, decoded as each candidate that will, looks best as what it is, and well above the rest."""
    for text, encoding in ((KOREAN, "cp949"), (JAPANESE, "cp932"), (CHINESE, "gb18030"), (RUSSIAN, "cp1251")):
        data, scores = text.encode(encoding), {}
        for candidate in charset._CANDIDATES:
            try:
                scores[candidate] = likeness(data.decode(candidate))
            except UnicodeDecodeError:
                continue
        best = scores.pop(encoding)
        assert best > 0.5
        assert best > max(scores.values()) + 0.2
    assert likeness("plain") == likeness("") == 1


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.txt", "text"), ("a.md", "text"), ("A.TXT", "text"), ("a.txt.gz", "text"), ("a.htm", "page"), ("a.HTML.GZ", "page"), ("a.xhtml", "page"),
        ("a.jsonl", "records"), ("a.ndjson.zst", "records"), ("a.csv", "table"), ("a.parquet", "parquet"), ("a.warc.gz", "warc"),
        ("a.jpg", None), ("a", None), ("txt", None), ("a.gz", None), ("a.txt.bak", None),
    ],
)  # fmt: skip
def test_a_name_tells_the_kind(name, kind):
    """By its ending, whatever its case, packed or not."""
    assert kind_of(name) == kind


def test_a_text_file_is_a_document(tmp_path):
    """Its text, and the character set it was in; packed or not; line ends as they stand."""
    path, packed = tmp_path / "a.txt", tmp_path / "b.txt.gz"
    path.write_bytes(KOREAN.replace("\n", "\r\n").encode("cp949"))
    packed.write_bytes(gzip.compress(path.read_bytes()))
    for file in (path, packed):
        document = read_file(file)
        assert (document.text, document.encoding, document.title) == (KOREAN.replace("\n", "\r\n"), "cp949", None)


def test_files_that_cannot_be_read(tmp_path):
    """Missing, a folder, a broken or truncated archive, no permission: one sentence each, which the caller puts the name before."""
    cut, wrong, closed = tmp_path / "cut.txt.gz", tmp_path / "wrong.txt.gz", tmp_path / "closed.txt"
    cut.write_bytes(gzip.compress(KOREAN.encode() * 100)[:-20])
    wrong.write_bytes(b"no archive at all")
    closed.write_bytes(b"text")
    closed.chmod(0)
    for path, message in ((tmp_path / "none.txt", "no such file"), (tmp_path, "cannot be read"), (cut, "archive"), (wrong, "archive")):
        with pytest.raises(ReadError, match=message):
            read_bytes(path)
    if not os.access(closed, os.R_OK):  # a superuser may read everything
        with pytest.raises(ReadError, match="cannot be read"):
            read_bytes(closed)


# --- pages -----------------------------------------------------------------------------------------------------------


def page(body, head="", lang="ko"):
    paragraphs = "".join(f"<p>{line}</p>" for line in body)
    return (
        f"<!DOCTYPE html><html lang='{lang}'><head>{head}</head><body><nav>Home | Local</nav><article>{paragraphs}</article></body></html>"
    )


META = (
    "<title>방조제 보강 예산 의결 | 새벽신문</title><meta property='og:title' content='방조제 보강 예산 의결'><meta name='author' content='Seo-yeon Kim'>"
    "<meta property='article:published_time' content='2024-03-14T09:00:00+09:00'>"
)


def test_a_page_gives_its_text_and_metadata(tmp_path):
    """The article without navigation and tags; title, author and date where the page names them."""
    path = tmp_path / "page.html"
    path.write_text(page(STORY, META), encoding="utf-8")
    for document in (read_page(page(STORY, META)), read_file(path)):
        assert document.text.split("\n") == list(STORY)
        assert (document.title, document.author, document.date) == ("방조제 보강 예산 의결", "Seo-yeon Kim", "2024-03-14")
        assert set(document.metadata) <= {"title", "author", "date", "language"}


@pytest.mark.parametrize(
    ("declaration", "encoding"),
    [
        ("<meta charset='euc-kr'>", "cp949"), ('<meta http-equiv="Content-Type" content="text/html; charset=ks_c_5601-1987">', "cp949"),
        ("<meta charset=utf-8>", "utf-8"), ("<meta charset=euc-kr>", "utf-8"), ("<meta charset='base64'>", "cp949"), ("<meta charset='undefined'>", "cp949"),
        ("<meta charset='utf-8'>", "cp949"), ("", "cp949"),
    ],
)  # fmt: skip
def test_a_page_in_any_character_set(declaration, encoding):
    """What the page declares is believed where it decodes, and not where it does not."""
    document = read_page(page(STORY, declaration + META).encode(encoding))
    assert document.text.split("\n") == list(STORY)
    assert document.encoding == encoding


def test_a_declared_character_set_is_believed():
    """Where several would do, the page's word decides."""
    lines = [f"Fuß und Maß, sagte Bürgermeister Kühn über den Bürgersteig in der Lindenstraße {n}." for n in range(5)]
    data = page(lines, "<meta charset='iso-8859-9'>", "de").encode("cp1252")
    assert read_page(data).encoding == "cp1254"
    assert read_page(data.replace(b"8859-9", b"8859-1")).encoding == "cp1252"


@pytest.mark.parametrize(
    "html", ["", "   ", "<html><body></body></html>", "<html><head><title>x</title></head><body><script>1</script></body></html>"]
)
def test_a_page_without_an_article_is_empty(html):
    """Nothing to clean is no failure."""
    assert read_page(html).text == ""


@pytest.mark.parametrize(
    "html",
    ["<" * 10_000, "<div>" * 5000 + "글", "&#0;&#xD800;<p>글", "\x00<p>a</p>", "<html><p>\ud800 글</p></html>", "<!--" + "a" * 9999],
    ids=["brackets", "deep", "references", "nul", "surrogate", "comment"],
)
def test_broken_pages_are_text_or_a_read_error(html):
    """Whatever a scraper saved: a document, or one clear error, and nothing else."""
    try:
        document = read_page(html)
    except ReadError as error:
        assert "\n" not in str(error).strip()
    else:
        assert isinstance(document.text, str)


def test_what_is_no_page_is_a_type_error():
    """A page is text or bytes."""
    with pytest.raises(TypeError, match="int"):
        read_page(3)


def test_the_examples_can_be_read():
    """Each example is what its README says."""
    old = read_file(EXAMPLES / "old-scrape.txt")
    assert old.encoding == "cp949"
    assert "\r\n" in old.text
    assert read_file(EXAMPLES / "newspaper-page.txt").encoding == "utf-8"
    web = read_file(EXAMPLES / "web-article.html")
    assert (web.title, web.author, web.date) == ("Ferry that never sailed on Sundays gets a seventh day", "Isla Drummond", "2023-03-14")
    assert "Manage" not in web.text
