"""Take the advertising and the site furniture out of news text.

>>> from cleaner import Cleaner
>>> Cleaner().clean("시의회는 20일 예산안을 의결했다.").text
'시의회는 20일 예산안을 의결했다.'
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cleaner.errors import CleanerError, CorpusError, ModelError, ReadError, UsageError
from cleaner.records import CleanArticle, Document, Segment

if TYPE_CHECKING:
    from cleaner.pipeline import Cleaner

__version__ = "0.1.0"

__all__ = ["CleanArticle", "Cleaner", "CleanerError", "CorpusError", "Document", "ModelError", "ReadError", "Segment", "UsageError"]


def __getattr__(name: str) -> Any:
    """`Cleaner` is imported when it is first asked for: it brings NumPy along, and ``cleaner --help`` can do without."""
    if name == "Cleaner":
        from cleaner.pipeline import Cleaner

        return Cleaner
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
