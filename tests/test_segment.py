"""Where lines are cut: one test for each rule that segment.py states."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest

from cleaner.segment import LINE_END, LONG_LINE, MARK, SPACE, Segments, is_space, segment

SENTENCE = "바람이 세게 불었다고 주민이 말했다. "


def pieces(text: str) -> list[str]:
    """The segments of one text."""
    cut = segment([text])
    return [text[start:end] for start, end in zip(cut.start.tolist(), cut.end.tolist())]


@pytest.mark.parametrize("end", [*LINE_END, "\r\n", "\n\n", " \n\t"], ids=repr)
def test_every_line_end_cuts(end):
    """A line ends where Python's splitlines ends it, and white space belongs to no segment."""
    assert pieces(f"  첫 줄이다{end}둘째 줄이다 ") == ["첫 줄이다", "둘째 줄이다"]


def test_white_space_is_what_python_calls_so():
    """The tables of white space and line ends agree with str.isspace and str.splitlines for every code point."""
    codes = np.arange(65535, dtype=np.uint16)
    expected = [chr(code).isspace() for code in codes]
    assert is_space(codes).tolist() == expected
    assert {chr(code) for code in codes if len(f"a{chr(code)}b".splitlines()) == 2} == set(LINE_END)
    assert set(SPACE) == {chr(code) for code in codes if chr(code).isspace()} - set(LINE_END)


def test_a_short_line_is_one_segment():
    """A paragraph of several sentences and no mark stays whole."""
    line = SENTENCE * 3 + "그는 “그럴 줄 알았다”며 웃었다."
    assert len(line) < LONG_LINE
    assert pieces(line) == [line]


@pytest.mark.parametrize("mark", list("▶☞※ⓒ©"))
def test_a_mark_that_opens_furniture_cuts(mark):
    """Furniture glued on a sentence is cut off at its mark, with a space before it or without."""
    assert pieces(f"공사가 끝났다고 시가 밝혔다. {mark} 구독하기") == ["공사가 끝났다고 시가 밝혔다.", f"{mark} 구독하기"]
    assert pieces(f"공사가 끝났다{mark}구독하기") == ["공사가 끝났다", f"{mark}구독하기"]


def test_a_run_of_marks_is_one_piece():
    """``▶▶[…]◀◀`` is cut before its first mark alone."""
    assert pieces("공사가 끝났다. ▶▶[무료 체험]◀◀") == ["공사가 끝났다.", "▶▶[무료 체험]◀◀"]


def test_a_mark_inside_a_bracket_does_not_cut():
    """``<ⓒ 신문>`` stays with its bracket."""
    assert pieces("공사가 끝났다. <ⓒ 새벽신문>")[-1] == "<ⓒ 새벽신문>"


@pytest.mark.parametrize("mark", list("■◆★☎●▲"))
def test_a_list_mark_cuts_after_a_sentence_only(mark):
    """A list mark after a sentence starts a piece; in the middle of one it does not."""
    assert pieces(f"공사가 끝났다. {mark} 오시는 길") == ["공사가 끝났다.", f"{mark} 오시는 길"]
    assert pieces(f"청군 {mark} 백군 대결이 뜨거웠다") == [f"청군 {mark} 백군 대결이 뜨거웠다"]


def test_a_bracket_cuts_after_a_sentence_only():
    """``… 밝혔다. [사진=…]`` is two pieces; a bracket inside a sentence cuts nothing."""
    assert pieces("공사가 끝났다. [사진=군청 제공]") == ["공사가 끝났다.", "[사진=군청 제공]"]
    assert pieces('그는 "끝났다." (웃음)') == ['그는 "끝났다."', "(웃음)"]
    assert pieces("김모(58)씨와 [가칭] 추진위가 만났다") == ["김모(58)씨와 [가칭] 추진위가 만났다"]


def test_a_slash_before_a_name_cuts():
    """``… 공사 현장 /홍길동 기자``: a slash after a space and before a word starts the credit; ``3/4`` does not."""
    assert pieces("흙을 나르는 공사 현장 /나기자 기자") == ["흙을 나르는 공사 현장", "/나기자 기자"]
    assert pieces("전체의 3/4이 끝났다") == ["전체의 3/4이 끝났다"]


def test_an_address_ends_a_piece():
    """After an e-mail address comes something else, even where no space parts the two."""
    assert pieces("나기자 기자 na@paper.example 무단 전재 금지") == ["나기자 기자 na@paper.example", "무단 전재 금지"]
    assert pieces("na@paper.exampleCopyright 새벽신문")[0] == "na@paper.example"
    assert pieces("na@paper.example") == ["na@paper.example"]
    assert pieces("@") == ["@"]


def test_an_address_without_its_domain_ends_a_piece():
    """Some papers print ``name@`` alone; what follows the space is something else."""
    assert pieces("새벽연예 나기자 na@ 무단 전재 금지") == ["새벽연예 나기자 na@", "무단 전재 금지"]
    assert pieces("기온은 @ 표시가 붙은 곳") == ["기온은 @ 표시가 붙은 곳"]


def test_the_rights_note_of_a_credit_is_a_piece():
    """``ⓒAgency(no reuse)``: the credit is the picture's, the note in the bracket is furniture."""
    assert pieces("[사진] 첫 골의 순간. ⓒ새벽포토(재배포 금지) 경기는 2-1로 끝났다.")[1:] == [
        "ⓒ새벽포토",
        "(재배포 금지)",
        "경기는 2-1로 끝났다.",
    ]
    assert pieces("ⓒ새벽포토(재배포 금지)") == ["ⓒ새벽포토", "(재배포 금지)"]
    assert pieces("ⓒ 새벽포토 (재배포 금지)") == ["ⓒ 새벽포토 (재배포 금지)"]


def test_a_note_after_a_sentence_ends_a_piece_in_a_line_with_cuts():
    """``… said. (Photo: the city) Jane Roe``: the note is the picture's, what follows it is not; an aside stays with its sentence."""
    assert pieces("공사가 끝났다. (사진=군청 제공) 나기자 na@ 무단 전재 금지")[1:3] == ["(사진=군청 제공)", "나기자 na@"]
    assert pieces("공사가 끝났다. (웃음) 그래서 쉰다. ▶ 구독")[1] == "(웃음) 그래서 쉰다."
    assert pieces("공사가 끝났다. (사진=군청(과장) 제공) 나기자 ▶ 구독")[1] == "(사진=군청(과장) 제공) 나기자"


def test_a_link_ends_a_piece_in_a_line_with_cuts():
    """A web address is followed by something else; in a line without other cuts it stands inside its sentence."""
    assert pieces("제보는 https://paper.example/tip 안산=나기자 기자 na@paper.example 끝")[:2] == [
        "제보는 https://paper.example/tip",
        "안산=나기자 기자 na@paper.example",
    ]
    assert pieces("누리집 https://paper.example 에서 볼 수 있다") == ["누리집 https://paper.example 에서 볼 수 있다"]


def test_a_line_with_a_cut_is_cut_at_its_sentences():
    """Where furniture is glued on, the sentences before it part as well, so that the tail alone can go."""
    assert pieces("첫 문장이다. 둘째 문장이다! 셋째인가? ▶ 구독") == ["첫 문장이다.", "둘째 문장이다!", "셋째인가?", "▶ 구독"]


def test_a_mark_at_the_start_of_a_line_is_no_cut():
    """A list item or a subhead of several sentences stays whole."""
    for mark in MARK:
        assert pieces(f"{mark} 첫 문장이다. 둘째 문장이다.") == [f"{mark} 첫 문장이다. 둘째 문장이다."]


def test_a_long_line_is_cut_at_its_sentences():
    """A text that lost its line breaks is cut at every sentence end."""
    line = (SENTENCE * (LONG_LINE // len(SENTENCE) + 1)).strip()
    assert pieces(line) == [SENTENCE.strip()] * (LONG_LINE // len(SENTENCE) + 1)


def test_the_margins_of_a_line_do_not_make_it_long():
    """White space at either side does not count: it would change verdicts."""
    line = (SENTENCE * (LONG_LINE // len(SENTENCE))).strip()
    assert pieces(" " * 300 + line + "\u3000" * 300) == [line]


def test_decomposed_text_is_cut_like_composed_text():
    """NFD has two to three code points for a syllable and is cut at the same places."""
    for text in (
        SENTENCE * 8,
        SENTENCE * 20,
        "끝났다.다음 문장이 붙었다. ▶ 구독",
        "Zürich wählt. ▶ abonnieren",
        "がんばる。ばらばら。" * 20,
        "끝났다. (웃음) 갔다. [사진=군청 제공] 나기자 na@ 금지 ⓒ새벽포토통신사진부(재배포 금지) 끝",
    ):
        assert [unicodedata.normalize("NFC", piece) for piece in pieces(unicodedata.normalize("NFD", text))] == pieces(
            unicodedata.normalize("NFC", text)
        )


def test_sentence_ends_of_each_script():
    """Closing quotes stay with their sentence; wide stops need no space; a Korean full stop may be glued; the point in a number, after a list's
    number or in a date is none."""
    tail = " ▶ x"
    assert pieces('그는 "간다." 그리고 갔다.' + tail)[:2] == ['그는 "간다."', "그리고 갔다."]
    assert pieces("雨が降った。風も強い。" + tail)[:2] == ["雨が降った。", "風も強い。"]
    assert pieces("예산이 늘었다.주민은 반겼다." + tail)[:2] == ["예산이 늘었다.", "주민은 반겼다."]
    assert pieces("수치는 3.5에서 4.1로 올랐다." + tail)[:1] == ["수치는 3.5에서 4.1로 올랐다."]
    assert pieces("행사는 2019. 4. 21. 열린다. 끝이다." + tail)[:2] == ["행사는 2019. 4. 21. 열린다.", "끝이다."]
    assert pieces("두 가지다. 1. 물을 끓인다. 10. 식힌다." + tail)[:3] == ["두 가지다.", "1. 물을 끓인다.", "10. 식힌다."]
    assert pieces("회원은 모두 412. 그중 절반이 왔다." + tail)[:2] == ["회원은 모두 412.", "그중 절반이 왔다."]
    assert pieces("He left. She stayed." + tail)[:2] == ["He left.", "She stayed."]


def test_batches_are_cut_like_single_texts(texts):
    """Lines count within their document, and every document is cut as if it were alone."""
    together = segment(texts)
    assert isinstance(together, Segments)
    for number, text in enumerate(texts):
        alone, mine = segment([text]), together.document == number
        offset = together.offsets[number]
        np.testing.assert_array_equal(together.start[mine] - offset, alone.start)
        np.testing.assert_array_equal(together.end[mine] - offset, alone.end)
        np.testing.assert_array_equal(together.line[mine], alone.line)


def test_line_numbers_are_those_of_the_source():
    """``line`` counts every line end, so that a segment leads back to its line; CR LF counts as two."""
    cut = segment(["a\n\nb", "c\r\nd"])
    assert cut.line.tolist() == [0, 2, 0, 2]
    assert cut.document.tolist() == [0, 0, 1, 1]


def test_nothing_gives_nothing():
    """No texts, and texts without a visible character, have no segments."""
    assert len(segment([])) == 0
    assert len(segment(["", " \n"])) == 0
