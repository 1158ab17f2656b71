"""What can go wrong, as one small tree.

    CleanerError
    ├── UsageError     options that do not fit together
    ├── ReadError      an input that cannot be read as a document
    ├── CorpusError    labelled documents that break the format
    └── ModelError     a model folder that is missing, damaged, or from another format

Every message is one sentence that names the input, says what is wrong with it, and what to do.
"""


class CleanerError(Exception):
    """The base of every error that this package raises on purpose."""


class UsageError(CleanerError):
    """Options or arguments that do not fit together."""


class ReadError(CleanerError):
    """An input that cannot be read as a document."""


class CorpusError(CleanerError):
    """Labelled documents that break the corpus format."""


class ModelError(CleanerError):
    """A model folder that is missing, damaged, or of another format."""
