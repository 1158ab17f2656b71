"""Is a document in a language that the model has learned? Where it is not, it drops only what it is very sure of.

Scripts settle Korean, Japanese and Chinese. For languages written with spaces the model's card carries the words that
the corpus used most in each; running text of a language is full of them, text of another is not.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from cleaner.corpus import LabelledDocument
from cleaner.segment import IS_JOINED, IS_SPACE

SAMPLE = 1200
"""Code points of a document whose words are looked at."""

FEWEST_WORDS = 12
"""Below so many words nothing can be said, and the language passes for known."""

LIKE_ITS_OWN = 0.55
"""A text is in a language when its share of the common words is at least this part of what the corpus has in that language."""

WORDS_EACH = 80
_SPACED = re.compile(r"[^\W\d_]+")
_SCRIPTS = {"ko": (0xAC00, 0xD7A4), "ja": (0x3041, 0x3100), "zh": (0x3400, 0xA000)}
_SCRIPT_OF = np.zeros(65536, dtype=np.uint8)  # 1, 2, 3: the scripts in their order; 4: what does not count, composed or not
for _number, (_low, _high) in enumerate(_SCRIPTS.values(), 1):
    _SCRIPT_OF[_low:_high] = _number
_SCRIPT_OF[0x1100:0x1160] = 1  # the consonant that a decomposed Hangul syllable starts with
_SCRIPT_OF[IS_SPACE | IS_JOINED] = 4


@dataclass(frozen=True, slots=True)
class Language:
    """The most common words of a language, and the least share of a text's words that must be among them."""

    words: frozenset[str]
    share: float


class Languages:
    """Several languages, to be asked about one text together: each word of the text is looked up once."""

    def __init__(self, languages: Sequence[Language]) -> None:
        self._shares = [language.share for language in languages]
        self._common: dict[str, list[int]] = {}
        for number, language in enumerate(languages):
            for word in language.words:
                self._common.setdefault(word, []).append(number)

    def __len__(self) -> int:
        return len(self._shares)

    def hold(self, tokens: Counter[str]) -> bool:
        """Whether the words of a text are those of one of the languages."""
        found = [0] * len(self._shares)
        for word, times in tokens.items():
            for number in self._common.get(word, ()):
                found[number] += times
        total = tokens.total()
        return any(count / total >= share for count, share in zip(found, self._shares))


def learn_languages(documents: Sequence[LabelledDocument]) -> dict[str, dict[str, Any]]:
    """For each language written with spaces, JSON-ready: the words that most of its documents use, and the share that tells it."""
    texts: dict[str, list[list[str]]] = {}
    for document in documents:
        if document.lang and document.lang not in _SCRIPTS:
            texts.setdefault(document.lang, []).append(_SPACED.findall(_sample(document.text).lower()))
    learned = {}
    for lang, token_lists in sorted(texts.items()):
        count = Counter(word for tokens in token_lists for word in set(tokens))
        words = sorted(sorted(count), key=lambda word: -count[word])[:WORDS_EACH]
        shares = [_share(Counter(tokens), frozenset(words)) for tokens in token_lists if tokens]
        learned[lang] = {"share": round(LIKE_ITS_OWN * median(shares or [1.0]), 4), "words": words}
    return learned


def _share(tokens: Counter[str], words: frozenset[str]) -> float:
    return sum(map(tokens.__getitem__, words & tokens.keys())) / tokens.total()


def _tokens(text: str) -> Counter[str]:
    return Counter(_SPACED.findall(_sample(text).lower()))


def _sample(text: str) -> str:
    """The start of a text, the same however it is composed and whatever white space stands in it."""
    words = text.split(maxsplit=SAMPLE // 4)[: SAMPLE // 4]
    return unicodedata.normalize("NFC", " ".join(words))[:SAMPLE]


def known(text: str, scripts: Collection[str], languages: Languages) -> bool:
    """Whether `text` looks like a language the model has learned: one of `scripts` (ko, ja, zh), or one of `languages`.

    >>> english = Languages([Language(frozenset("the of and to in a is that for on with was said by at from it".split()), 0.2)])
    >>> known("The council said on Monday that the bridge is to be closed for a week, and the work is paid for.", [], english)
    True
    >>> known("Kaupunginvaltuusto päätti maanantaina sulkea sillan viikoksi, ja kunta maksaa työn kokonaan itse.", [], english)
    False
    """
    if script := _script(text):
        return script in scripts
    tokens = _tokens(text)
    return tokens.total() < FEWEST_WORDS or languages.hold(tokens)


def guess(text: str, languages: Mapping[str, Language]) -> str:
    """The language a text is in, by its script or by the common words it is fullest of; empty where nothing fits.

    >>> guess("한빛시는 12일 시립도서관을 연다고 밝혔다.", {})
    'ko'
    >>> guess("Kaupunginvaltuusto päätti maanantaina sulkea sillan.", {})
    ''
    """
    if script := _script(text):
        return script
    tokens = _tokens(text)
    if tokens.total() < FEWEST_WORDS:
        return ""
    shares = {lang: _share(tokens, language.words) / language.share for lang, language in languages.items() if language.share > 0}
    best = max(shares, key=lambda lang: shares[lang], default="")
    return best if best and shares[best] >= 1 else ""


def _script(text: str) -> str:
    """``ko``, ``ja`` or ``zh`` where the writing settles it, else nothing."""
    codes = np.frombuffer(text.encode("utf-16-le", "surrogatepass"), dtype=np.uint16)
    _, ko, ja, zh, uncounted = np.bincount(_SCRIPT_OF[codes], minlength=5).tolist()
    if ko + ja + zh <= 0.15 * (len(codes) - uncounted):
        return ""
    if ko >= max(ja, zh):
        return "ko"
    return "ja" if ja > 0.1 * zh else "zh"
