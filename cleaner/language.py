"""Is a document in a language that the model has learned? Where it is not, it drops only what it is very sure of.

Scripts settle Korean, Japanese and Chinese. For languages written with spaces the model's card carries the words that
the corpus used most in each; running text of a language is full of them, text of another is not.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence

from cleaner.corpus import LabelledDocument

SAMPLE = 4000
"""Code points of a document that are looked at."""

FEWEST_WORDS = 12
"""Below so many words nothing can be said, and the language passes for known."""

KNOWN_SHARE = 0.2
"""In running text of a known language at least this share of the words is among its most common ones."""

WORDS_EACH = 80
_SPACED = re.compile(r"[^\W\d_]+")
_SCRIPTS = {"ko": re.compile(r"[\uac00-\ud7a3]"), "ja": re.compile(r"[\u3041-\u30ff]"), "zh": re.compile(r"[\u3400-\u9fff]")}


def learn_words(documents: Sequence[LabelledDocument]) -> dict[str, list[str]]:
    """The most common words of each language written with spaces, by the number of its documents that use them."""
    counts: dict[str, Counter[str]] = {}
    for document in documents:
        if document.lang and document.lang not in _SCRIPTS:
            words = set(_SPACED.findall(document.text.lower()))
            counts.setdefault(document.lang, Counter()).update(words)
    return {lang: sorted(sorted(count), key=lambda word: -count[word])[:WORDS_EACH] for lang, count in sorted(counts.items())}


def _sample(text: str) -> str:
    """The start of a text, the same however it is composed and whatever white space stands in it."""
    words = text.split(maxsplit=SAMPLE // 4)[: SAMPLE // 4]
    return unicodedata.normalize("NFC", " ".join(words))[:SAMPLE]


def known(text: str, languages: Sequence[str], words: Mapping[str, frozenset[str]]) -> bool:
    """Whether `text` looks like one of the languages the model has learned.

    >>> english = {"en": frozenset("the of and to in a is that for on with was said by at from it".split())}
    >>> known("The council said on Monday that the bridge is to be closed for a week, and the work is paid for.", ["en"], english)
    True
    >>> known("Kaupunginvaltuusto päätti maanantaina sulkea sillan viikoksi, ja kunta maksaa työn kokonaan itse.", ["en"], english)
    False
    """
    sample = _sample(text)
    letters = sum(map(str.isalpha, sample))
    found = {lang: len(pattern.findall(sample)) for lang, pattern in _SCRIPTS.items()}
    if sum(found.values()) > 0.25 * letters:
        if found["ko"] >= max(found["ja"], found["zh"]):
            return "ko" in languages
        return ("ja" if found["ja"] > 0.1 * found["zh"] else "zh") in languages
    tokens = _SPACED.findall(sample.lower())
    if len(tokens) < FEWEST_WORDS:
        return True
    return any(sum(token in common for token in tokens) >= KNOWN_SHARE * len(tokens) for common in words.values())
