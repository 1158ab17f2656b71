"""Take the advertising and the site furniture out of news text.

>>> from cleaner import Cleaner
>>> Cleaner().clean("시의회는 20일 예산안을 의결했다.").text
'시의회는 20일 예산안을 의결했다.'
"""

from cleaner.errors import CleanerError, CorpusError, ModelError, ReadError, UsageError
from cleaner.pipeline import Cleaner
from cleaner.records import CleanArticle, Document, Segment

__version__ = "0.1.0"

__all__ = ["CleanArticle", "Cleaner", "CleanerError", "CorpusError", "Document", "ModelError", "ReadError", "Segment", "UsageError"]
