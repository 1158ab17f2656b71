"""scikit-learn: text in, clean text out, in a `Pipeline`.

from cleaner.integrations.sklearn import ArticleCleaner
pipeline = make_pipeline(ArticleCleaner(), TfidfVectorizer(), LogisticRegression())
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin

from cleaner.errors import UsageError
from cleaner.integrations import check_errors, cleaned
from cleaner.pipeline import Cleaner


class ArticleCleaner(TransformerMixin, BaseEstimator):  # type: ignore[misc, unused-ignore]
    """Takes the advertising and the site furniture out of texts. It has nothing to fit.

    Options as `cleaner.integrations` tells, but a transformer may not lose a row: with ``errors="drop"`` a text that cannot be
    cleaned becomes an empty one.

    >>> ArticleCleaner().fit_transform(["시의회는 20일 예산안을 의결했다."])
    array(['시의회는 20일 예산안을 의결했다.'], dtype=object)
    """

    def __init__(
        self, model: str | None = None, keep: Sequence[str] | None = None, favor: str | None = None, errors: str = "raise"
    ) -> None:
        self.model = model
        self.keep = keep
        self.favor = favor
        self.errors = errors

    def fit(self, X: Iterable[str], y: object = None) -> ArticleCleaner:  # noqa: N803
        """Check the options; nothing is learned from the texts."""
        check_errors(self.errors)
        Cleaner(self.model, self.keep, self.favor)
        return self

    def transform(self, X: Iterable[str]) -> npt.NDArray[np.object_]:  # noqa: N803
        """The clean texts, one for each row. `DocumentError` for one that cannot be cleaned, unless ``errors`` says otherwise."""
        if isinstance(X, str):
            raise UsageError("ArticleCleaner takes an iterable of texts, not one string; put it in a list.")
        texts = list(X)
        result = np.full(len(texts), "", dtype=object)
        cleaner = Cleaner(self.model, self.keep, self.favor)
        rows = range(len(texts))
        for row, text, _ in cleaned(cleaner, rows, texts, rows, check_errors(self.errors)):
            result[row] = texts[row] if text is None else text
        return result

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.requires_fit = False
        return tags
