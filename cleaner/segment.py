"""Documents -> segments: cut at line ends and, inside a line, where one kind of text may end and another begin.

A newspaper page usually needs no cut inside a line. Scrapes do: they glue a byline, a copyright line or a whole ad on the
last paragraph, or have lost every line break. So a line is cut

* before a mark that opens furniture (``▶ ☞ ※ ⓒ …``), before a list mark that follows a sentence (``■ ◆ ★ ☎ …``), before a
  bracket or a slash that follows a sentence, before ``[`` after a closed bracket, after an e-mail address, and around the
  bracket of ``ⓒName(…)``; and
* at every sentence end, after a web address, and after a note in brackets that follows a sentence, but only in a line that has
  one of the cuts above or is longer than `LONG_LINE`.

The model judges each piece in its line, and neighbours with the same verdict are joined again (``decide.py``): cutting too
often costs time, not text. Everything works on the code points of a whole batch of documents at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

ANNOUNCEMENT = 14
"""Code points; so far before a copyright sign its opening bracket or its word is looked for."""

NOTE = 160
"""Code points; a longer bracket is no note, its closing bracket belongs to something else."""

ASIDE = 4
"""Code points; a shorter bracket, such as ``(Inc)`` or ``(웃음)``, belongs to the sentence after it."""

CREDIT = 48
"""Code points; so far after a copyright sign the bracket of its note is looked for, if no space comes first."""

LONG_LINE = 240
"""Code points; a longer line is cut at its sentence ends. In printed Korean news nine paragraphs of ten are shorter."""

LINE_END = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
SPACE = " \t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000\u001f"
SENTENCE_END = ".!?…。！？．｡"
WIDE_END = "。！？｡"  # ends a sentence without a space after it
CLOSER = "\"'”’»)]}」』】〉》）］"
OPENING_MARK = "▶▷►☞☛※ⓒ©"
LIST_MARK = "■□▣▨◆◇◈★☆☎☏✓✔✅●○◎▲△▼▽❚•◀◁"
MARK = OPENING_MARK + LIST_MARK
NOTE_BRACKETS = ("()", "[]", "<>", "【】", "〈〉")
BRACKET = "[<〈《【［＜「『（(/|"


CHARACTERS = "".join(map(chr, range(65536)))


def flags(characters: str) -> Bools:
    """A table of 65,536 flags: is this code point one of `characters`? Code points beyond share the last, which is none of them."""
    table = np.zeros(65536, dtype=bool)
    table[[ord(c) for c in characters if ord(c) < 65535]] = True
    return table


def all_that(holds: Callable[[str], bool]) -> Bools:
    """A table of 65,536 flags: does this hold of the character?"""
    return np.fromiter(map(holds, CHARACTERS), dtype=bool, count=65536)


IS_SPACE = flags(SPACE + LINE_END)
_IS_LINE_END = flags(LINE_END)
_IS_SENTENCE_END = flags(SENTENCE_END)
_IS_WIDE_END = flags(WIDE_END)
_IS_CLOSER = flags(CLOSER)
_IS_MARK = flags(MARK)
_IS_BRACKET = flags(BRACKET)
IS_JOINED = np.zeros(65536, dtype=bool)  # what composition (NFC) joins to the character before
IS_JOINED[0x0300:0x0370] = IS_JOINED[0x0653:0x0656] = IS_JOINED[0x1160:0x1200] = IS_JOINED[0x3099:0x309B] = True
# One look-up for all that is asked of every character.
_AT, _ENDS_LINE, _BLANK, _OPENS, _MARKS, _JOINS, _PAIRED = (np.uint8(1 << bit) for bit in range(7))
_CLASS = np.zeros(65536, dtype=np.uint8)
for _bit, _flagged in (
    (_AT, flags("@")), (_ENDS_LINE, flags(LINE_END)), (_BLANK, IS_SPACE), (_OPENS, flags(BRACKET + LIST_MARK)),
    (_MARKS, flags(OPENING_MARK)), (_JOINS, IS_JOINED), (_PAIRED, flags("".join(NOTE_BRACKETS) + LINE_END)),
):  # fmt: skip
    _CLASS[_flagged] |= _bit
_IS_WORD = all_that(str.isalnum)
_IS_HANGUL = np.zeros(65536, dtype=bool)
_IS_HANGUL[0xAC00:0xD7A4] = _IS_HANGUL[0x1100:0x1200] = True
_IS_ADDRESS = flags("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@")
_IS_LATIN = flags("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_IS_DIGIT = flags("0123456789")
_IS_COPYRIGHT = flags("ⓒ©")
_IS_CLOSING_BRACKET = flags(")]>】〉》」』")
_IS_BLOCK_BRACKET = flags("[<【〈")
_IS_ANNOUNCED = flags("[<【〈" + SENTENCE_END + ")]>】〉" + LINE_END)  # where the search for an announcement ends
_IS_LOWER = flags("abcdefghijklmnopqrstuvwxyz")
_IS_UPPER = flags("ABCDEFGHIJKLMNOPQRSTUVWXYZ")


@dataclass(frozen=True, slots=True)
class Segments:
    """The segments of a batch of documents, as arrays.

    ``codes``: the code points of all documents, each document followed by one line feed, clipped to 16 bits (``uint16``).
    ``offsets``: where each document starts in ``codes``, and the end (``n_documents + 1``).
    ``document``, ``line``, ``start``, ``end``: one entry for each segment; ``line`` counts within the document,
    ``start`` and ``end`` point into ``codes`` and enclose no white space at either side.
    """

    codes: npt.NDArray[np.uint16]
    offsets: Ints
    document: Ints
    line: Ints
    start: Ints
    end: Ints

    def __len__(self) -> int:
        return len(self.start)


def code_points(text: str) -> npt.NDArray[np.uint32]:
    """The code points of `text`; lone surrogates pass."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def is_space(codes: npt.NDArray[np.uint16]) -> Bools:
    """Which code points are white space or end a line."""
    result: Bools = IS_SPACE[codes]
    return result


def segment(texts: Sequence[str]) -> Segments:
    """Cut a batch of texts into segments.

    >>> segments = segment(["A line.\\n\\nBody text ends here. ▶ Subscribe"])
    >>> [(int(s), int(e)) for s, e in zip(segments.start, segments.end)]
    [(0, 7), (9, 29), (30, 41)]
    """
    lengths = np.array([len(text) + 1 for text in texts], dtype=np.int64)
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    joined = code_points("\n".join([*texts, ""]))
    codes = np.minimum(joined, 65535).astype(np.uint16)
    kinds = _CLASS[codes]
    inside = np.flatnonzero((kinds & _BLANK) == 0)
    line_end = np.flatnonzero((kinds & _ENDS_LINE) != 0)
    line_start = np.concatenate(([0], line_end[:-1] + 1)) if len(line_end) else line_end
    cuts = _cuts(codes, kinds, inside, line_start, line_end)
    if not len(inside):
        nothing = np.zeros(0, dtype=np.int64)
        return Segments(codes, offsets, nothing, nothing, nothing, nothing)
    bounds = np.sort(np.concatenate((line_start, cuts)))
    edge = np.searchsorted(inside, np.append(bounds, len(codes)))
    full = np.flatnonzero(edge[1:] > edge[:-1])
    start, end = inside[edge[full]], inside[edge[full + 1] - 1] + 1
    document = np.searchsorted(offsets, start, side="right") - 1
    line = np.searchsorted(line_start, start, side="right") - 1
    first_line = np.searchsorted(line_start, offsets[:-1])
    return Segments(codes, offsets, document, line - first_line[document], start, end)


def _cuts(codes: npt.NDArray[np.uint16], kinds: npt.NDArray[np.uint8], inside: Ints, line_start: Ints, line_end: Ints) -> Ints:
    """Positions where a line is cut; a cut at or before a line's first character does no harm."""
    addresses, openers, marks = (np.flatnonzero((kinds & bit) != 0) for bit in (_AT, _OPENS, _MARKS))
    after_sentences = _openers_after_sentences(codes, openers)
    joined = np.flatnonzero((kinds & _JOINS) != 0)
    paired = np.append(np.flatnonzero((kinds & _PAIRED) != 0), len(codes) - 1)
    rights = _rights_notes(codes, marks, paired, joined)
    hard = np.concatenate((_opening_marks(codes, marks), _after_addresses(codes, addresses), after_sentences, rights))
    of_hard = np.searchsorted(line_start, hard, side="right") - 1
    at = np.searchsorted(inside, line_start)
    first = np.append(inside, len(codes))[at]
    last = np.append(-1, inside)[np.append(at[1:], len(inside))]  # the last visible code point of each line, or one before the line
    length = last + 1 - first
    if len(joined):  # decomposed text is no longer than the same text composed
        length = length - np.bincount(np.searchsorted(line_start, joined, side="right") - 1, minlength=len(length))
    flagged = length > LONG_LINE
    flagged[of_hard[hard > first[of_hard]]] = True
    if not flagged.any():
        return hard
    picked = np.flatnonzero(flagged)
    soft = np.concatenate((_after_notes(codes, after_sentences, paired, joined), _after_links(codes, openers, kinds)))
    soft = soft[flagged[np.searchsorted(line_start, soft, side="right") - 1]]
    return np.concatenate((hard, soft, _sentence_starts(codes, line_start[picked], line_end[picked])))


def _opening_marks(codes: npt.NDArray[np.uint16], at: Ints) -> Ints:
    """Marks that open furniture, the first of each run (``▶▶[Free]◀◀`` is one piece).

    A copyright sign is cut off with what announces it: ``<All rights © …>`` at the bracket, ``Copyright ⓒ …`` at the word.
    """
    before = codes[np.maximum(at - 1 - (codes[np.maximum(at - 1, 0)] == ord(" ")), 0)]
    at = at[~(_IS_MARK[before] | _IS_BRACKET[before] | (before == ord("="))) | (at == 0)]  # ``photo=ⓒ …`` is one piece
    signs = np.flatnonzero(_IS_COPYRIGHT[codes[at]])
    for number in signs.tolist():
        start = int(at[number])
        head = codes[max(start - ANNOUNCEMENT, 0) : start][::-1]  # what stands before the sign, nearest first
        stop = np.flatnonzero(_IS_ANNOUNCED[head])
        if len(stop) and _IS_BRACKET[head[stop[0]]]:
            at[number] = start - 1 - stop[0]
        else:
            gap = int(len(head) > 0 and head[0] == ord(" "))
            word = head[gap:]
            outside = ~_IS_LATIN[word]
            outside[1:] |= _IS_UPPER[word[:-1]] & _IS_LOWER[word[1:]]  # ``comCopyright``
            length = int(outside.argmax()) if outside.any() else len(word)
            at[number] = start - gap - length if length else start
    return at


def _after_addresses(codes: npt.NDArray[np.uint16], signs: Ints) -> Ints:
    """Where an e-mail address ends; ``a@b.comCopyright`` ends where a capital follows a small letter."""
    cuts = [np.zeros(0, dtype=np.int64)]
    for at in np.split(signs, range(4096, len(signs), 4096)):
        tail = codes[np.minimum(at[:, None] + np.arange(1, 65), len(codes) - 1)]
        stop = ~_IS_ADDRESS[tail]
        stop[:, 1:] |= _IS_UPPER[tail[:, 1:]] & _IS_LOWER[tail[:, :-1]]
        length = np.where(stop.any(axis=1), stop.argmax(axis=1), tail.shape[1])
        # ``name@``, its domain left out, is an address too where a space follows.
        bare = _IS_ADDRESS[codes[np.maximum(at - 1, 0)]] & IS_SPACE[tail[:, 0]] & (at > 0)
        cuts.append((at + 1 + length)[(length > 0) | bare])
    return np.concatenate(cuts)


def _openers_after_sentences(codes: npt.NDArray[np.uint16], at: Ints) -> Ints:
    """List marks, opening brackets and slashes whose last visible predecessor ends a sentence; and ``word /name``."""
    at = at[at > 1]
    at = at[~_IS_LINE_END[codes[at - 1]]]  # what ends the line before does not count
    after_space = IS_SPACE[codes[at - 1]]
    previous = np.where(after_space, at - 2, at - 1)
    before = codes[previous]
    ends = _IS_SENTENCE_END[before] | (_IS_CLOSER[before] & _IS_SENTENCE_END[codes[np.maximum(previous - 1, 0)]])
    ends |= _IS_CLOSING_BRACKET[before] & _IS_BLOCK_BRACKET[codes[at]]  # ``(no reuse) [Photo] …``
    credit = (codes[at] == ord("/")) & after_space & _IS_WORD[codes[np.minimum(at + 1, len(codes) - 1)]]
    result: Ints = at[ends | credit]
    return result


def _rights_notes(codes: npt.NDArray[np.uint16], marks: Ints, paired: Ints, joined: Ints) -> Ints:
    """Both ends of the bracket in ``ⓒAgency(no reuse)``: the name is the picture's credit, the note is furniture."""
    signs = marks[_IS_COPYRIGHT[codes[marks]]]
    head = codes[np.minimum(signs[:, None] + np.arange(1, CREDIT), len(codes) - 1)]
    stop = (head == ord("(")) | IS_SPACE[head]
    at = signs + 1 + stop.argmax(axis=1)
    at = at[stop.any(axis=1) & (codes[np.minimum(at, len(codes) - 1)] == ord("("))]
    return np.concatenate((at, _closed(codes, at, paired, joined, "()")))


def _after_notes(codes: npt.NDArray[np.uint16], at: Ints, paired: Ints, joined: Ints) -> Ints:
    """Where a note in brackets ends that opens at one of `at`: ``… said. (Photo: the city) Jane Roe jane@…``."""
    return np.concatenate([_closed(codes, at[codes[at] == ord(pair[0])], paired, joined, pair) for pair in NOTE_BRACKETS])


def _closed(codes: npt.NDArray[np.uint16], at: Ints, paired: Ints, joined: Ints, pair: str) -> Ints:
    """Where the brackets at `at` end: those that hold no bracket of their kind, `ASIDE` to `NOTE` code points, and precede a space.

    `paired` are all brackets and line ends; `joined` the code points that composition takes away, which do not count.
    """
    if not len(at):
        return at
    opened, closed = map(ord, pair)
    kind = codes[paired]
    edges = paired[(kind == opened) | (kind == closed) | _IS_LINE_END[kind]]
    end = edges[np.searchsorted(edges, at, side="right").clip(max=len(edges) - 1)]
    length = end - at - 1 - (np.searchsorted(joined, end) - np.searchsorted(joined, at))
    good = (codes[end] == closed) & (length >= ASIDE) & (length <= NOTE) & IS_SPACE[codes[np.minimum(end + 1, len(codes) - 1)]]
    result: Ints = end[good] + 1
    return result


def _after_links(codes: npt.NDArray[np.uint16], openers: Ints, kinds: npt.NDArray[np.uint8]) -> Ints:
    """The first white space after each ``://``; slashes are among the openers."""
    slash = openers[codes[openers] == ord("/")]
    at: Ints = slash[(codes[np.minimum(slash + 1, len(codes) - 1)] == ord("/")) & (codes[np.maximum(slash - 1, 0)] == ord(":"))]
    if not len(at):
        return at
    blank = np.flatnonzero((kinds & (_BLANK | _ENDS_LINE)) != 0)
    result: Ints = blank[np.searchsorted(blank, at)]
    return result


def _sentence_starts(codes: npt.NDArray[np.uint16], line_start: Ints, line_end: Ints) -> Ints:
    """Where a sentence starts within the given lines."""
    length = line_end - line_start
    where = np.repeat(line_start - np.concatenate(([0], np.cumsum(length)[:-1])), length) + np.arange(length.sum())
    ends = where[_IS_SENTENCE_END[codes[where]]]
    last = len(codes) - 1
    after = ends + 1
    for _ in range(2):  # up to two closing quotes or brackets belong to the sentence
        after = np.where(_IS_CLOSER[codes[np.minimum(after, last)]], after + 1, after)
    after = np.minimum(after, last)
    following = codes[after]
    glued = _IS_HANGUL[codes[np.maximum(ends - 1, 0)]] & (codes[ends] == ord(".")) & (_IS_HANGUL[following] | (after > ends + 1))
    # The point of a date or of a list's number, ``2019. 4. 21.``, ends no sentence.
    digit, second, third = (codes[np.maximum(ends - back, 0)] for back in (1, 2, 3))
    short = IS_SPACE[second] | (_IS_DIGIT[second] & IS_SPACE[third])
    numbered = _IS_DIGIT[digit] & (short | _IS_DIGIT[codes[np.minimum(after + 1, last)]]) & (codes[ends] == ord("."))
    good = (IS_SPACE[following] & ~numbered) | (_IS_WIDE_END[codes[ends]] & ~_IS_SENTENCE_END[following]) | glued
    return _outside_brackets(codes, after[good])


def _outside_brackets(codes: npt.NDArray[np.uint16], at: Ints) -> Ints:
    """The positions that do not stand within ``[…]``: a note in brackets is one piece, whatever sentences it holds."""
    opened, closed = np.flatnonzero(codes == ord("[")), np.flatnonzero(codes == ord("]"))
    if not len(opened) or not len(closed):
        return at
    last_opened = np.append(opened, -1)[np.searchsorted(opened, at) - 1]
    last_closed = np.append(closed, -1)[np.searchsorted(closed, at) - 1]
    next_closed = np.append(closed, len(codes))[np.searchsorted(closed, at)]
    inside = (last_opened > last_closed) & (next_closed - last_opened < NOTE)
    result: Ints = at[~inside]
    return result
