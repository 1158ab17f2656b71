"""Records: JSON objects with a text or a page among their fields, and what becomes of them."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from cleaner.charset import decode
from cleaner.errors import ReadError
from cleaner.records import Document


class Page(NamedTuple):
    """A page inside a record, not parsed yet."""

    html: str | bytes
    url: str | None = None
    encoding: str | None = None


def parse(line: bytes, encoding: str | None = None) -> dict[str, Any]:
    """One line of JSON Lines as a record. `ReadError` if it is none."""
    try:
        text = line.decode("utf-8-sig") if encoding is None else decode(line, encoding)[0].removeprefix("\ufeff")
    except UnicodeDecodeError:
        text = decode(line)[0]
    try:
        record = json.loads(text)
    except json.JSONDecodeError as error:
        raise ReadError(f"not JSON: {error.msg} at column {error.colno}; write one JSON object a line.") from None
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, brackets thousands deep
        raise ReadError(f"JSON that cannot be read ({error}); write one JSON object a line.") from None
    if not isinstance(record, dict):
        raise ReadError("a record must be a JSON object with a text field; write one JSON object a line.")
    return record


def content(record: dict[str, Any], field: str) -> Document | Page:
    """The text of a record, or else its page. `ReadError` if it has neither."""
    text = get(record, field)
    if isinstance(text, str):
        return Document(text)
    html, url = record.get("html"), record.get("url")
    if text is None and isinstance(html, (str, bytes)):
        _place(record, field)  # before any work is done
        return Page(html, url if isinstance(url, str) else None)
    if text is not None or html is not None:
        name, value = (field, text) if text is not None else ("html", html)
        raise ReadError(f"field `{name}` holds {_json_kind(value)}, not a string; name the field of the text with --field.")
    raise ReadError(f"no field `{field}` and no `html`; name the field of the text with --field.")


def get(record: dict[str, Any], field: str) -> Any:
    """The value of a field; ``a.b`` is field ``b`` of the object in ``a``, unless a key is spelled so.

    >>> get({"page": {"body": "text"}}, "page.body")
    'text'
    """
    if field in record:
        return record[field]
    value: Any = record
    for name in field.split("."):
        if not isinstance(value, dict) or name not in value:
            return None
        value = value[name]
    return value


def _place(record: dict[str, Any], field: str) -> tuple[dict[str, Any], str]:
    """The object and the key that hold `field`, made where they are missing."""
    if field in record:
        return record, field
    *parents, name = field.split(".")
    for parent in parents:
        record = record.setdefault(parent, {})
        if not isinstance(record, dict):
            raise ReadError(f"field `{field}` cannot be set: `{parent}` holds {_json_kind(record)}, not an object.")
    return record, name


def fill(record: dict[str, Any], text: str, document: Document, field: str) -> dict[str, Any]:
    """The record with its text cleaned, its other fields as they were, and what is known of its page."""
    put(record, field, text)
    for key, value in document.metadata.items():
        record.setdefault(key, value)
    return record


def put(record: dict[str, Any], field: str, text: str) -> None:
    """Set the text of a record."""
    owner, name = _place(record, field)
    owner[name] = text


def _json_kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    return {dict: "an object", list: "a list", int: "a number", float: "a number"}.get(type(value), "a string")
