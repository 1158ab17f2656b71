"""A step for each framework that already carries text into an index or a corpus, each behind its own extra.

    cleaner.integrations.datatrove    ArticleCleaner(PipelineStep)              pip install 'article-cleaner[datatrove]'
    cleaner.integrations.haystack     ArticleCleaner, a @component              pip install 'article-cleaner[haystack]'
    cleaner.integrations.langchain    ArticleCleaner(BaseDocumentTransformer)   pip install 'article-cleaner[langchain]'
    cleaner.integrations.llamaindex   ArticleCleaner(TransformComponent)        pip install 'article-cleaner[llamaindex]'
    cleaner.integrations.sklearn      ArticleCleaner(TransformerMixin)          comes with the package

All of them clean in batches and take the same options: ``model``, ``keep`` and ``favor`` as
`cleaner.Cleaner` has them, and ``errors``, which says what becomes of a document that cannot be cleaned:

* ``"raise"`` (default): a `DocumentError` that names the document;
* ``"keep"``: the document goes on as it was, with the reason under ``cleaner_error`` in its metadata;
* ``"drop"``: the document is left out, and a warning is logged.

The metadata of a cleaned document says what was removed and how much: ``removed_characters``, ``removed_share`` and one
``removed_as_<label>`` for each label that the policy drops, in characters. Plain numbers under the same keys for every document,
because many stores take nothing else; and never the removed text, which would be found again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from cleaner.errors import CleanerError, UsageError
from cleaner.pipeline import Cleaner
from cleaner.records import CleanArticle
from cleaner.stream import clean_each, removed

ERRORS = ("raise", "keep", "drop")

log = logging.getLogger("cleaner")

T = TypeVar("T")


class DocumentError(CleanerError):
    """A document of a framework that cannot be cleaned."""


def check_errors(errors: str) -> str:
    """`errors` itself. `UsageError` unless it is ``raise``, ``keep`` or ``drop``."""
    if errors not in ERRORS:
        raise UsageError(f"errors is {', '.join(ERRORS[:-1])} or {ERRORS[-1]}, not {errors!r}.")
    return errors


def metadata(cleaner: Cleaner, article: CleanArticle) -> dict[str, int | float]:
    """What was removed and how much, flat, with the same keys for every document of a cleaner.

    >>> cleaner = Cleaner()
    >>> metadata(cleaner, cleaner.clean("시의회는 20일 예산안을 의결했다."))
    {'removed_characters': 0, 'removed_share': 0.0, 'removed_as_ad': 0, 'removed_as_boilerplate': 0}
    """
    counts, share = removed(article)
    by_label = {f"removed_as_{label}": counts.get(label, 0) for label in cleaner.model.labels if label not in cleaner.policy.keep}
    return {"removed_characters": sum(counts.values()), "removed_share": share, **by_label}


def cleaned(
    cleaner: Cleaner, documents: Sequence[T], texts: Iterable[object], names: Iterable[object], errors: str
) -> Iterator[tuple[T, str | None, dict[str, Any]]]:
    """For each document that goes on: itself, its clean text (`None`: as it was) and the metadata to add.

    `texts` and `names` belong to `documents`, one each; `errors` is the policy that this package's docstring tells.
    """
    for document, name, result in zip(documents, names, clean_each(cleaner, texts)):
        if isinstance(result, CleanArticle):
            yield document, result.text, metadata(cleaner, result)
        elif goes_on(name, result, errors):
            yield document, None, {"cleaner_error": str(result)}


def goes_on(name: object, problem: Exception, errors: str) -> bool:
    """Whether a document that cannot be cleaned goes on as it was. `DocumentError` if the policy is to raise."""
    message = f"document {name!r} cannot be cleaned: {problem}"
    if errors == "raise":
        raise DocumentError(f"{message}; mend it, or pass errors='keep' or errors='drop'.") from problem
    log.warning("%s; %s.", message, "kept as it was" if errors == "keep" else "dropped")
    return errors == "keep"


def missing(extra: str, error: ImportError) -> ImportError:
    """The error for a framework that is not installed; it names the command that installs it."""
    message = f"cleaner.integrations.{extra} cannot be imported ({error}); install it with: pip install 'article-cleaner[{extra}]'"
    return ModuleNotFoundError(message, name=error.name)
