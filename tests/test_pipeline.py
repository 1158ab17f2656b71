"""The contract of `Cleaner`: nothing lost, nothing invented, and the same verdicts however a text comes in."""

from __future__ import annotations

import pickle
import time
import unicodedata
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import AD, AWKWARD, STORY

from cleaner import CleanArticle, Cleaner, Document, ModelError, UsageError
from cleaner.pipeline import BATCH_CHARACTERS, BATCH_DOCUMENTS


def visible(text: str) -> str:
    """The text without its white space."""
    return "".join(text.split())


def hold_contract(cleaner: Cleaner, article: CleanArticle) -> None:
    """Everything that DESIGN promises of one cleaned document."""
    source, at = article.document.text, 0
    for segment in article.segments:
        assert at <= segment.start < segment.end, "segments are in order, do not overlap and are not empty"
        assert source[segment.start : segment.end] == segment.text == segment.text.strip()
        assert not source[at : segment.start].strip(), "what stands in no segment is white space"
        assert len(segment.text.splitlines()) == 1
        assert 0 <= segment.score <= 1
        assert segment.score == round(segment.score, 4)
        assert segment.kept or segment.score >= cleaner.policy.threshold
        assert segment.kept == (segment.label in cleaner.policy.keep)
        at = segment.end
    assert not source[at:].strip()
    assert visible(article.text) == visible("".join(segment.text for segment in article.kept))
    at = 0
    for segment in article.kept:
        at = article.text.index(segment.text, at) + len(segment.text)
    if not article.dropped:
        assert article.text == source


def test_nothing_lost_nothing_invented(cleaner, texts):
    """Every visible character stands in one segment, and the clean text is the kept ones in order, for every kind of text."""
    for article in cleaner.clean_many(texts):
        hold_contract(cleaner, article)


def test_any_unicode_keeps_the_contract(cleaner):
    """Texts no one would write keep the contract too, and their verdicts do not depend on the batch they come in."""
    pytest.importorskip("hypothesis", reason="properties need hypothesis; pip install 'article-cleaner[test]'")
    from hypothesis import given
    from hypothesis import strategies as st

    pieces = st.one_of(
        st.text(max_size=30), st.sampled_from([*AWKWARD, *STORY, *AD, "\n", "\r\n", " ", ". ", "▶ ", "ⓒ", "a@b.kr ", "다.", "” "]),
    )  # fmt: skip
    documents = st.lists(st.lists(pieces, max_size=12).map("".join), min_size=1, max_size=4)

    @given(documents)
    def check(batch):
        together = list(cleaner.clean_many(batch))
        for text, article in zip(batch, together):
            hold_contract(cleaner, article)
            assert cleaner.clean(text) == article

    check()


def test_the_texts_are_worth_testing_on(cleaner, texts):
    """The sample has documents that lose something and documents that lose nothing; else the properties say little."""
    dropped = [bool(article.dropped) for article in cleaner.clean_many(texts)]
    assert dropped.count(True) >= 20
    assert dropped.count(False) >= 20


def test_same_verdicts_alone_in_a_batch_twice_and_in_another_order(cleaner, texts):
    """A document's verdicts depend on nothing but the document."""
    together = list(cleaner.clean_many(texts))
    assert [cleaner.clean(text) for text in texts] == together
    assert list(cleaner.clean_many(texts)) == together
    assert list(cleaner.clean_many(texts[::-1]))[::-1] == together
    assert list(cleaner.clean_many(texts[7:] + texts[:7])) == together[7:] + together[:7]


def test_the_end_of_a_batch_does_not_matter(cleaner):
    """Short texts that end without a line feed, at the very end of the arrays, get the verdicts they get in the middle."""
    for text in ("가", "가나", "가나다", "abcd", "보청기 무료 체험", "끝\n가", "끝이다.\n가나"):
        assert next(iter(cleaner.clean_many([text, STORY[0]]))) == cleaner.clean(text), text


def test_line_ends_do_not_matter(cleaner, texts, verdicts):
    """CRLF, lone carriage returns and Unicode's own line ends give the verdicts that line feeds give."""
    plain = [text for text in texts if "\r" not in text and "\x85" not in text]
    wanted = [verdicts(article) for article in cleaner.clean_many(plain)]
    for end in ("\r\n", "\r", "\u2028"):
        other = cleaner.clean_many(text.replace("\n", end) for text in plain)
        assert [verdicts(article) for article in other] == wanted, repr(end)


def test_blank_lines_and_margins_do_not_matter(cleaner, texts, verdicts):
    """Blank lines before, between and after, and white space at either side of a line, change no verdict."""
    wanted = [verdicts(article) for article in cleaner.clean_many(texts)]
    spread = ("\n\n" + text.replace("\n", " \n\n \t\n\u3000") + "\n\n\n" for text in texts)
    assert [verdicts(article) for article in cleaner.clean_many(spread)] == wanted


def test_decomposed_text_gets_the_same_verdicts(cleaner, texts):
    """NFD, as macOS and some scrapers write it, is judged like NFC, and comes out as it went in."""
    composed = [unicodedata.normalize("NFC", text) for text in texts]
    decomposed = [unicodedata.normalize("NFD", text) for text in composed]
    for one, other in zip(cleaner.clean_many(composed), cleaner.clean_many(decomposed)):
        assert [(unicodedata.normalize("NFD", s.text), s.label, s.kept) for s in one.segments] == [
            (s.text, s.label, s.kept) for s in other.segments
        ]
        for segment, same in zip(one.segments, other.segments):
            assert abs(segment.score - same.score) < 0.02, "pieces joined again are weighed by length, which differs a little"


def test_invisible_characters_do_not_change_verdicts(cleaner):
    """Zero-width spaces and soft hyphens inside words stay in the text and are not seen by the model."""
    text = "\n".join([*STORY, "", *AD])
    hidden = text.replace("보청기", "보\u200b청\u00ad기")
    one, other = cleaner.clean(text), cleaner.clean(hidden)
    assert [(s.label, s.score, s.kept) for s in one.segments] == [(s.label, s.score, s.kept) for s in other.segments]
    assert hidden.startswith(other.text.rstrip())


def test_the_ad_goes_and_the_story_stays(cleaner):
    """The clear case, at the end and in the middle: every ad line gone, the story unchanged."""
    story, ad = "\n\n".join(STORY), "\n".join(AD)
    assert cleaner.clean(f"{story}\n\n{ad}").text == story
    middle = "\n\n".join([*STORY[:2], ad, *STORY[2:]])
    assert cleaner.clean(middle).text == story


def test_an_empty_document_is_an_empty_article(cleaner):
    """No text, or white space alone: no segments, and the text as it was."""
    for text in ("", " ", "\n\t\u3000\n"):
        article = cleaner.clean(text)
        assert (article.text, article.segments, article.kept, article.dropped) == (text, (), (), ())


@pytest.mark.parametrize("bad", [None, 3, b"bytes", ["a", "list"], object()], ids=lambda bad: type(bad).__name__)
def test_what_is_no_text_is_a_type_error(cleaner, bad):
    """Anything but a string (or, in a stream, a Document) is refused by its type name."""
    with pytest.raises(TypeError, match=type(bad).__name__):
        cleaner.clean(bad)
    with pytest.raises(TypeError, match=type(bad).__name__):
        list(cleaner.clean_many(["a text", bad]))


def test_documents_keep_what_is_known_of_them(cleaner):
    """A Document goes through with its id and metadata; a string becomes one without."""
    document = Document(STORY[0], id="7", title="둑", language="ko")
    by_document, by_text = cleaner.clean_many([document, STORY[0]])
    assert by_document.document is document
    assert by_text.document == Document(STORY[0])
    assert by_document.segments == by_text.segments


def test_pickled_it_takes_its_settings_along(cleaner):
    """A Cleaner goes to a worker as its settings alone, and judges alike there."""
    favoring = Cleaner(keep=["editorial", "byline"], favor="dropping")
    data = pickle.dumps(favoring)
    assert len(data) < 1000
    copy = pickle.loads(data)
    assert copy.policy == favoring.policy
    text = "\n".join([*STORY, *AD])
    assert copy.clean(text) == favoring.clean(text)
    assert pickle.loads(pickle.dumps(cleaner)).policy == cleaner.policy


def test_threads_may_share_one(cleaner, texts):
    """Four threads on one Cleaner get what one thread gets."""
    wanted = [cleaner.clean(text) for text in texts]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(cleaner.clean, texts)) == wanted


def test_a_stream_is_not_read_far_ahead(cleaner):
    """clean_many holds one batch: it reads at most that many documents, or characters, before it gives the first."""
    taken = 0

    def endless(text):
        nonlocal taken
        while True:
            taken += 1
            yield text

    next(cleaner.clean_many(endless(STORY[0])))
    assert taken <= BATCH_DOCUMENTS
    taken = 0
    next(cleaner.clean_many(endless("가" * (BATCH_CHARACTERS // 3))))
    assert taken <= 5


def test_a_stream_gives_all_in_order(cleaner):
    """More than one batch: as many come out as went in, in their order, and none for an empty stream."""
    stream = (f"{number}번째 안건이 통과됐다." for number in range(3 * BATCH_DOCUMENTS + 5))
    assert [article.document.text for article in cleaner.clean_many(stream)] == [
        f"{n}번째 안건이 통과됐다." for n in range(3 * BATCH_DOCUMENTS + 5)
    ]
    assert list(cleaner.clean_many([])) == []


LONG = {
    "one line of sentences": "바람이 세게 불었다고 주민들이 전했다. " * 95_000,
    "one word": "a" * 2_000_000,
    "one mark": "▶" * 2_000_000,
    "line feeds": "\n" * 2_000_000,
    "addresses": "a@b.kr " * 60_000,
    "at signs": "@a" * 60_000,
    "copyright signs": "aⓒ " * 40_000,
    "short lines": "보청기\n" * 60_000,
    "decomposed": unicodedata.normalize("NFD", "바람이 세다. ") * 6_000,
    "combining marks": "a" + "\u0301" * 300_000,
}


@pytest.mark.parametrize("name", LONG)
def test_long_texts_stay_fast(cleaner, name):
    """Two megabytes on one line, and texts made to be slow, take seconds, not minutes: nothing grows with the square."""
    started = time.process_time()
    article = cleaner.clean(LONG[name])
    assert time.process_time() - started < 20
    assert visible("".join(segment.text for segment in article.segments)) == visible(LONG[name])


def test_keep_moves_a_label_to_the_other_side(cleaner):
    """A policy that keeps ads keeps them; the segments and their labels' probabilities come from the same model."""
    text = "\n".join([*STORY, *AD])
    keeping = Cleaner(keep=["editorial", "caption", "byline", "ad", "boilerplate"]).clean(text)
    assert keeping.text == text
    assert cleaner.clean(text).dropped


def test_wrong_settings_say_what_is_wrong(tmp_path):
    """An unknown label, an unknown way to favor and a missing model are errors of our own, in one sentence."""
    with pytest.raises(UsageError, match="no label 'advert'"):
        Cleaner(keep=["editorial", "advert"])
    with pytest.raises(UsageError, match="favor"):
        Cleaner(favor="both")
    with pytest.raises(ModelError, match="no such model folder"):
        Cleaner(tmp_path / "nowhere")


def test_a_page_is_extracted_and_cleaned(cleaner):
    """clean_html gives the article's words and metadata; bytes and text alike; a page without an article is empty."""
    body = "".join(f"<p>{line} 그날 회의는 두 시간 넘게 이어졌고 방청석에는 주민 서른 명이 앉아 있었다.</p>" for line in STORY)
    html = f"<html><head><meta charset='utf-8'><title>방조제 보강</title></head><body><article>{body}</article></body></html>"
    article = cleaner.clean_html(html, url="https://paper.example/1")
    assert all(line in article.text for line in STORY)
    assert article.document.title == "방조제 보강"
    assert cleaner.clean_html(html.encode()).text == article.text
    assert cleaner.clean_html("<html><head><title>x</title></head><body></body></html>").text == ""
    with pytest.raises(TypeError):
        cleaner.clean_html(None)
