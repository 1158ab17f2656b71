"""The names that users may rely on: what is public is meant to be, and stays."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import cleaner
from cleaner import CleanArticle, Cleaner, CleanerError, CorpusError, Document, ModelError, ReadError, Segment, UsageError

PUBLIC = ["CleanArticle", "Cleaner", "CleanerError", "CorpusError", "Document", "ModelError", "ReadError", "Segment", "UsageError"]


def test_the_public_names():
    """Each of them there, and of ours; any other name is an AttributeError, though `Cleaner` is imported late."""
    assert list(cleaner.__all__) == PUBLIC
    for name in PUBLIC:
        assert getattr(cleaner, name).__module__.startswith("cleaner.")
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = cleaner.Nothing


def test_the_methods_of_a_cleaner():
    """Their names and parameters, in order."""
    public = {name for name, _ in inspect.getmembers(Cleaner, inspect.isfunction) if not name.startswith("_")}
    assert public == {"clean", "clean_html", "clean_many"}
    for method, parameters in (
        (Cleaner, ["model", "keep", "favor"]), (Cleaner.clean, ["self", "text"]), (Cleaner.clean_html, ["self", "html", "url"]),
        (Cleaner.clean_many, ["self", "documents"]),
    ):  # fmt: skip
        assert list(inspect.signature(method).parameters) == parameters


def test_the_fields_of_the_records():
    """In order; `as_dict` gives a segment's, ready for JSON."""
    assert Document.__match_args__ == ("text", "id", "title", "author", "date", "language", "encoding")
    assert Segment.__match_args__ == ("start", "end", "text", "label", "score", "kept")
    assert CleanArticle.__match_args__ == ("text", "segments", "document")
    assert Segment(0, 1, "a", "ad", 0.9, False).as_dict() == {"start": 0, "end": 1, "text": "a", "label": "ad", "score": 0.9, "kept": False}
    assert Document("a", title="t", author="").metadata == {"title": "t"}


def test_records_do_not_change():
    """A result may be shared: no field can be set, no field added."""
    for record in (Document("a"), Segment(0, 1, "a", "ad", 0.9, False), CleanArticle("a", (), Document("a"))):
        with pytest.raises((AttributeError, TypeError)):
            record.text = "b"
        with pytest.raises((AttributeError, TypeError)):
            record.more = "b"


def test_the_tree_of_errors():
    """One base for all that the package raises on purpose."""
    for error in (ReadError, CorpusError, ModelError, UsageError):
        assert error.__bases__ == (CleanerError,)
    assert CleanerError.__bases__ == (Exception,)


def test_every_public_thing_has_a_docstring():
    """What goes in, what comes out, what goes wrong."""
    for name in PUBLIC:
        assert inspect.getdoc(getattr(cleaner, name))
    for name in ("clean", "clean_html", "clean_many"):
        assert inspect.getdoc(getattr(Cleaner, name))


def test_the_package_says_its_version():
    """As the distribution does, where it is installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        installed = version("article-cleaner")
    except PackageNotFoundError:
        pytest.skip("the package is not installed")
    assert installed == cleaner.__version__


def test_importing_prints_and_warns_nothing():
    """Not a word on import, with warnings as errors."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "import cleaner; cleaner.Cleaner"], capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
