"""Files and bytes become documents: character sets, compression, pages, and what cannot be read."""

from __future__ import annotations

import gzip

import pytest

from cleaner.errors import ReadError
from cleaner.read import kind_of, read_file

KOREAN = "여주시는 18일 남한강 자전거길 공사를 시작했다고 밝혔다. 길은 내년 9월에 열린다."
JAPANESE = "市は18日、川沿いの自転車道の工事を始めたと発表した。来年9月に開通する予定です。"
CHINESE = "市政府18日宣布，沿江自行车道开始施工，明年9月通车，市民可以从大桥一直骑到码头。"
FRENCH = "La mairie a annoncé mardi que la piste cyclable serait prolongée jusqu'à la forêt, à côté de l'école."


@pytest.mark.parametrize(
    ("codec", "text"),
    [
        ("utf-8", KOREAN), ("utf-8-sig", KOREAN), ("cp949", KOREAN), ("euc-kr", KOREAN), ("utf-16", KOREAN), ("cp949", "■ 기자"),
        ("shift_jis", JAPANESE), ("euc_jp", JAPANESE), ("gb18030", CHINESE), ("cp1252", FRENCH),
    ],
)  # fmt: skip
def test_character_sets_are_found(tmp_path, codec, text):
    """A text in each common character set is read as it was written, nobody naming the set."""
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode(codec))
    assert read_file(path).text == text


def test_gzip_is_opened_and_a_broken_one_reported(tmp_path):
    """A gzipped text is read; a truncated one is a ReadError."""
    good, bad = tmp_path / "a.txt.gz", tmp_path / "b.txt.gz"
    good.write_bytes(gzip.compress(KOREAN.encode()))
    bad.write_bytes(gzip.compress(KOREAN.encode() * 99)[:60])
    assert read_file(good).text == KOREAN
    with pytest.raises(ReadError):
        read_file(bad)


def test_a_binary_and_a_missing_file_are_reported(tmp_path):
    """Bytes that are no text, and a path that leads nowhere, are ReadErrors that say so."""
    binary = tmp_path / "a.txt"
    binary.write_bytes(bytes(range(256)) * 20)
    with pytest.raises(ReadError):
        read_file(binary)
    with pytest.raises(ReadError, match="no such file"):
        read_file(tmp_path / "none.txt")


def test_a_page_gives_its_article_and_a_bare_one_nothing(tmp_path):
    """A page's text and title come from trafilatura; a page without an article is an empty document, not an error."""
    page, bare = tmp_path / "a.html", tmp_path / "b.html"
    body = "".join(f"<p>The bridge over the canal opened again on Tuesday after {n} months of repairs, the council said.</p>" for n in range(9))
    page.write_text(f"<html><head><title>Bridge opens</title></head><body><article>{body}</article></body></html>", encoding="utf-8")
    bare.write_text("<html><body></body></html>", encoding="utf-8")
    document = read_file(page)
    assert "opened again" in document.text
    assert document.title == "Bridge opens"
    assert read_file(bare).text == ""


def test_kinds_follow_from_names():
    """What a file is follows from its ending, compressed or not."""
    assert [kind_of(name) for name in ("a.TXT", "b.md.gz", "c.html", "d.jsonl.gz", "e.pdf")] == ["text", "text", "page", "records", None]
