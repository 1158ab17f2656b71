"""Variants of labelled documents for training: the same words as other scrapers and scanners would have left them.

`flattened` loses the line breaks, `wrapped` breaks at a width, `paragraphed` joins sentences into longer paragraphs,
`transplanted` carries the ad blocks of other documents into this one, `cropped` keeps a part of the lines. Each takes a
document and a random generator and returns a new document; nothing is invented, so a label stays true of its words.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeAlias

from cleaner.corpus import Label, LabelledDocument

Runs: TypeAlias = "list[tuple[str, str]]"  # (text, label) within one line


def _runs(line: str, label: Label) -> Runs:
    if not label:
        return []
    if isinstance(label, str):
        return [(line, label)]
    ends = [start for start, _ in label[1:]] + [len(line)]
    return [(line[start:end], name) for (start, name), end in zip(label, ends)]


def _lines(document: LabelledDocument) -> list[Runs]:
    return [runs for line, label in zip(document.lines, document.labels) if (runs := _runs(line, label))]


def _document(source: LabelledDocument, lines: Sequence[Runs], kind: str) -> LabelledDocument:
    texts: list[str] = []
    labels: list[Label] = []
    for runs in lines:
        text = ""
        starts: list[tuple[int, str]] = []
        for piece, name in runs:
            if not starts or starts[-1][1] != name:
                starts.append((len(text), name))
            text += piece
        texts.append(text)
        labels.append(starts[0][1] if len(starts) == 1 else tuple(starts))
    return LabelledDocument(f"{source.id}/{kind}", source.lang, source.group, source.kind, tuple(texts), tuple(labels), source.by)


def flattened(document: LabelledDocument, rng: random.Random) -> LabelledDocument:
    """All lines, or all but the title, joined into one; sometimes without a space between them."""
    lines = _lines(document)
    kept = lines[:1] if rng.random() < 0.3 else []
    joined: Runs = []
    glue = " " if rng.random() < 0.75 or document.lang not in ("ko", "ja", "zh") else ""
    for runs in lines[len(kept) :]:
        if joined:
            joined.append((glue, joined[-1][1]))
        joined += runs
    return _document(document, [*kept, joined] if joined else kept, "flattened")


def wrapped(document: LabelledDocument, rng: random.Random) -> LabelledDocument:
    """Every line broken after a number of characters, at a space where there is one near."""
    width = rng.randint(18, 60) * (1 if document.lang in ("ko", "ja", "zh") else 2)
    lines: list[Runs] = []
    for runs in _lines(document):
        text = "".join(piece for piece, _ in runs)
        names = [name for piece, name in runs for _ in piece]
        at = 0
        while at < len(text):
            end = at + width
            if end < len(text):
                space = text.rfind(" ", at + width // 2, end + 1)
                end = space + 1 if space >= 0 else end
            part: Runs = []
            for character, name in zip(text[at:end], names[at:end]):
                part = [*part[:-1], (part[-1][0] + character, name)] if part and part[-1][1] == name else [*part, (character, name)]
            if text[at:end].strip():
                lines.append(part)
            at = end
    return _document(document, lines, "wrapped")


def paragraphed(document: LabelledDocument, rng: random.Random) -> LabelledDocument:
    """Neighbouring editorial lines that are whole sentences, two to four of them joined: most papers print longer paragraphs."""
    lines: list[Runs] = []
    room = 0
    for runs in _lines(document):
        text, name = runs[0]
        sentence = len(runs) == 1 and name == "editorial" and len(text) > 25 and text.rstrip("\"'”’」』) ")[-1:] in _STOPS
        if sentence and room and lines:
            glue = "" if document.lang in ("ja", "zh") else " "
            lines[-1] = [(lines[-1][0][0] + glue + text, name)]
            room -= 1
        else:
            lines.append(runs)
            room = rng.choice((1, 1, 2, 3)) if sentence else 0
    return _document(document, lines, "paragraphed")


_STOPS = tuple(".!?。！？…")


def cropped(document: LabelledDocument, rng: random.Random) -> LabelledDocument:
    """A part of the lines: without the first few, without the last few, or both."""
    lines = _lines(document)
    low = rng.randint(0, len(lines) // 3)
    high = len(lines) - (0 if rng.random() < 0.5 else rng.randint(0, len(lines) // 3))
    return _document(document, lines[low : max(high, low + 3)], "cropped")


def ad_blocks(documents: Sequence[LabelledDocument]) -> list[tuple[str, list[Runs]]]:
    """Every run of at least two lines that are wholly `ad`, with its language."""
    blocks = []
    for document in documents:
        block: list[Runs] = []
        for runs in [*_lines(document), []]:
            if runs and all(name == "ad" for _, name in runs):
                block.append(runs)
            else:
                if len(block) > 1:
                    blocks.append((document.lang, block))
                block = []
    return blocks


def transplanted(document: LabelledDocument, blocks: Sequence[tuple[str, list[Runs]]], rng: random.Random) -> LabelledDocument:
    """The document without its own ads and with those of others: at the end, in the middle, or both; some blocks in part."""
    own = [block for lang, block in blocks if lang == document.lang]
    lines = [runs for runs in _lines(document) if not all(name == "ad" for _, name in runs)]
    if not own or len(lines) < 3:
        return _document(document, lines or _lines(document), "plain")
    for where in rng.choice((("end",), ("end",), ("middle",), ("middle",), ("middle", "end"))):
        for block in rng.sample(own, min(len(own), rng.choice((1, 1, 1, 2, 3)))):
            part = list(block)
            if rng.random() < 0.4:  # only a part of an ad was scanned
                low = rng.randint(0, len(part) - 2)
                part = part[low : rng.randint(low + 2, len(part))]
            at = len(lines) if where == "end" else _inside(lines, rng)
            lines[at:at] = part
    return _document(document, lines, "transplanted")


def _inside(lines: Sequence[Runs], rng: random.Random) -> int:
    """A place within the document; every other time beside a short line, where ad and article look most alike."""
    short = [i for i, runs in enumerate(lines[1:], 1) if sum(len(text) for text, _ in runs) < 25]
    if short and rng.random() < 0.5:
        return rng.choice(short) + rng.randint(0, 1)
    return rng.randint(2, max(2, len(lines) - 1))
