"""What article-cleaner is measured beside: each peer takes labelled documents and says which spans of their text go.

None of these was made for advertising inside text; they are what people use for want of a tool that is. Rules keep or drop
lines; the two classifiers learn from the lines of the same corpus as our model. Where a peer needs a package that is not
installed, `peers` leaves it out and says so.
"""

from __future__ import annotations

import html
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from cleaner import Cleaner
from cleaner.corpus import LabelledDocument

Span = tuple[int, int]
Peer = Callable[[Sequence[LabelledDocument]], list[list[Span]]]
LineJudge = Callable[[Sequence[str]], list[bool]]

DROPPED = ("ad", "boilerplate")
OURS = "article-cleaner"


def peers(corpus: Sequence[LabelledDocument], model: str | None = None, only: Sequence[str] | None = None) -> dict[str, Peer]:
    """Every peer by name (or those of `only`), the classifiers trained on `corpus`."""
    makers: dict[str, Callable[[], Peer]] = {
        OURS: lambda: ours(model),
        "TF-IDF + logistic regression": lambda: by_line(tfidf(corpus)),
        "fastText": lambda: by_line(fasttext(corpus)),
        "regex list": lambda: regex_list,
        "C4 line rules": lambda: by_line(lambda lines: [c4_drops(line) for line in lines]),
        "jusText": justext,
        "trafilatura": lambda: unchanged,
    }
    made = {}
    for name, make in makers.items():
        if only and name not in only:
            continue
        try:
            made[name] = make()
        except ImportError as error:
            print(f"{name} left out: {error}", file=sys.stderr)
    return made


def ours(model: str | None) -> Peer:
    cleaner = Cleaner(model)
    return lambda documents: [
        [(segment.start, segment.end) for segment in article.dropped] for article in cleaner.clean_many([d.text for d in documents])
    ]


def unchanged(documents: Sequence[LabelledDocument]) -> list[list[Span]]:
    """trafilatura decides by the page's DOM: text in is text out."""
    return [[] for _ in documents]


def line_spans(document: LabelledDocument) -> Iterator[Span]:
    """The span of every line in the document's text, blank ones too."""
    at = 0
    for line in document.lines:
        yield at, at + len(line)
        at += len(line) + 1


def by_line(judge: LineJudge) -> Peer:
    """A peer from a judge of single lines; blank lines are not asked about."""

    def removed(documents: Sequence[LabelledDocument]) -> list[list[Span]]:
        spans = [(number, span) for number, d in enumerate(documents) for span in line_spans(d) if d.text[slice(*span)].strip()]
        verdicts = judge([documents[number].text[slice(*span)] for number, span in spans])
        result: list[list[Span]] = [[] for _ in documents]
        for (number, span), goes in zip(spans, verdicts):
            if goes:
                result[number].append(span)
        return result

    return removed


# --- rules -------------------------------------------------------------------------------------------------------------

_C4_ENDS = (".", "?", "!", '"', "'")
_C4_POLICY = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")


def c4_drops(line: str) -> bool:
    """The line rules of the C4 corpus; its rules for whole documents are left out."""
    line = line.strip()
    words, lower = line.split(), line.lower()
    return (
        not line.endswith(_C4_ENDS) or line.endswith("...") or len(words) < 3 or max(map(len, words)) > 1000
        or "javascript" in lower or any(phrase in lower for phrase in _C4_POLICY)
    )  # fmt: skip


# A list of the kind that scripts for Korean news share among themselves, in our own writing: what is cut out of a line, and
# what takes the rest of the line with it.
REGEXES = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
        r"(?:https?://|www\.)\S+",
        r"[\[(<【](?:사진|영상|광고|AD|앵커|동영상|이미지)[^\])>】\n]{0,20}[\])>】]",
        r"[\[(【<]?\s*(?:저작권자|copyrights?|ⓒ|©)[^\n]*",
        r"[^.\n]{0,20}무단\s*(?:전재|복제|배포)[^\n]*",
        r"(?:▶|☞|▷|※)[^\n]*",
        r"[^.\n]*(?:구독\s*(?:하기|신청|버튼|해 ?주)|카카오톡\s*채널|카톡\s*친구)[^\n]*",
        r"[^.\n]*(?:네이버\s*(?:채널|에서 .{0,12}(?:받|구독))|앱\s*(?:다운로드|설치))[^\n]*",
        r"[^.\n]*제보(?:는|하기|를 ?(?:받|기다))[^\n]*",
        r"^\s*(?:관련\s*기사|많이\s*본|인기\s*기사|이\s*시각|추천\s*기사|기사\s*더\s*보기|목록|댓글|공유|좋아요|기사제보)[^\n]{0,30}$",
        r"[^.\n]*(?:상담\s*(?:문의|전화)|문의\s*(?:전화|[:：])|무료\s*(?:상담|체험|추천)|의료광고\s*심의|사업자\s*등록\s*번호|할인\s*이벤트)[^\n]*",
        r"^[^가-힣\n]*(?:0\d{1,2}|1[568]\d\d)[-). ]\s?\d{3,4}(?:[-. ]\d{4})?[^가-힣\n]*$",
        r"^#\S+(?:\s+#\S+)*\s*$",
    )
]


def regex_list(documents: Sequence[LabelledDocument]) -> list[list[Span]]:
    """Every match of every expression, line by line."""
    result = []
    for document in documents:
        text = document.text
        matches = (
            (start + found.start(), start + found.end())
            for start, end in line_spans(document)
            for pattern in REGEXES
            for found in pattern.finditer(text[start:end])
        )
        result.append(sorted(span for span in matches if span[0] < span[1]))
    return result


_LANGUAGES = {
    "ko": "Korean", "en": "English", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian", "pt": "Portuguese", "ru": "Russian",
    "tr": "Turkish", "nl": "Dutch", "sv": "Swedish", "pl": "Polish", "id": "Indonesian", "vi": "Vietnamese", "ar": "Arabic",
}  # fmt: skip


def justext() -> Peer:
    """jusText with the language's stop words, lines as paragraphs; documents in a language it has no list for stay whole."""
    import justext as package

    def drops(document: LabelledDocument) -> list[Span]:
        if document.lang not in _LANGUAGES:
            return []
        spans = [span for span in line_spans(document) if document.text[slice(*span)].strip()]
        body = "".join(f"<p>{html.escape(document.text[slice(*span)])}</p>" for span in spans)
        paragraphs = package.justext(f"<html><body>{body}</body></html>", package.get_stoplist(_LANGUAGES[document.lang]))
        if len(paragraphs) != len(spans):
            raise RuntimeError(f"{document.id}: jusText made {len(paragraphs)} paragraphs of {len(spans)} lines")
        return [span for span, paragraph in zip(spans, paragraphs) if paragraph.is_boilerplate]

    return lambda documents: [drops(document) for document in documents]


# --- classifiers of lines ------------------------------------------------------------------------------------------------


def labelled_lines(corpus: Sequence[LabelledDocument]) -> tuple[list[str], list[bool]]:
    """The non-blank lines of a corpus and whether each goes; of a mixed line the greater part decides."""
    lines, goes = [], []
    for document in corpus:
        for line, label in zip(document.lines, document.labels):
            if isinstance(label, str):
                share = float(label in DROPPED)
            elif label:
                ends = [start for start, _ in label[1:]] + [len(line)]
                share = sum(end - start for (start, name), end in zip(label, ends) if name in DROPPED) / len(line)
            else:
                continue
            lines.append(line)
            goes.append(share > 0.5)
    return lines, goes


def tfidf(corpus: Sequence[LabelledDocument]) -> LineJudge:
    """scikit-learn as it comes: character n-grams within words, TF-IDF, logistic regression."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    lines, goes = labelled_lines(corpus)
    pipeline = make_pipeline(TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4)), LogisticRegression(max_iter=1000)).fit(lines, goes)

    def judge(lines: Sequence[str]) -> list[bool]:
        verdicts: list[bool] = pipeline.predict(lines).tolist() if lines else []
        return verdicts

    return judge


def fasttext(corpus: Sequence[LabelledDocument]) -> LineJudge:
    """fastText, supervised, with character 1- to 4-grams; one thread, so that it gives the same model again."""
    import fasttext as package

    package.FastText.eprint = lambda *_: None
    lines, goes = labelled_lines(corpus)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lines.txt"
        with path.open("w", encoding="utf-8", errors="replace") as file:
            file.writelines(f"__label__{'drop' if go else 'keep'} {' '.join(line.split())}\n" for line, go in zip(lines, goes))
        model = package.train_supervised(str(path), minn=1, maxn=4, dim=10, bucket=200_000, epoch=25, lr=0.5, thread=1, verbose=0)

    def judge(lines: Sequence[str]) -> list[bool]:
        # A list goes through the library at once; a single string would meet an error of fastText 0.9 with NumPy 2.
        labels, _ = model.predict([line.replace("\n", " ") for line in lines])
        return [label == ["__label__drop"] for label in labels]

    return judge
