"""The labelled documents that a model folder carries, so that the model can be trained again, or adapted, from its folder alone.

They lie beside the weights as ``documents.jsonl.gz``, in corpus format, and the card holds their digest. Cleaning never reads
them. ``cleaner train --no-documents`` leaves them out, for texts that must not travel with the model.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import stat
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cleaner.corpus import LabelledDocument, from_row
from cleaner.errors import CorpusError, ModelError
from cleaner.model import CARD_FILE

DOCUMENTS_FILE = "documents.jsonl.gz"
MAX_BYTES = 1 << 30
"""Documents that unpack to more are refused."""


@dataclass(frozen=True, slots=True)
class Base:
    """What adapting needs of a model folder: its card, its documents, and how much each of them counts."""

    folder: Path
    card: Mapping[str, Any]
    documents: tuple[LabelledDocument, ...]
    counts: tuple[float, ...]

    @property
    def policy(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """All labels of the model, and those it keeps; both empty where a card of another format does not say."""
        policy = self.card.get("policy")
        return _names(self.card.get("labels")), _names(policy.get("keep") if isinstance(policy, dict) else None)


def pack(documents: Iterable[LabelledDocument]) -> bytes:
    """The documents as compressed rows of the corpus format; the same documents give the same bytes."""
    rows = "".join(json.dumps(document.row(), ensure_ascii=False) + "\n" for document in documents)
    return gzip.compress(rows.encode("utf-8", "backslashreplace"), 9, mtime=0)  # a lone surrogate becomes its JSON escape


def digest(documents: Iterable[LabelledDocument]) -> str:
    """A fingerprint of the documents with their labels, in any order and whatever else their rows hold."""
    rows = sorted(json.dumps([d.lines, d.labels, d.group], ensure_ascii=False) for d in documents)
    return hashlib.sha256("\n".join(rows).encode("utf-8", "surrogatepass")).hexdigest()


def read_card(folder: Path) -> dict[str, Any]:
    """The card of a model folder of any format; `ModelError` if there is none that can be read."""
    path = folder / CARD_FILE
    try:
        card = json.loads(_bytes(path, 64 << 20))
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}: cannot be read as JSON ({error}); restore the file or train again.") from None
    corpus = card.get("corpus") if isinstance(card, dict) else None
    digests = corpus.get("digests") if isinstance(corpus, dict) else None
    if not isinstance(digests, list) or not all(isinstance(entry, str) for entry in digests):
        raise ModelError(f"{path}: the card does not say which documents the model was trained on; train it again.")
    return dict(card)


def load_base(folder: str | Path) -> Base:
    """Read what a model folder carries; the weights are not read, so this works for models of older formats too.

    `ModelError` if the folder carries no documents, or if they do not match the card.
    """
    path = Path(folder)
    if not path.is_dir():
        raise ModelError(f"{folder}: no such model folder; give a folder that `cleaner train` wrote, or `default`.")
    if not (path / CARD_FILE).exists():
        raise ModelError(f"{folder}: not a model folder, {CARD_FILE} is missing; give a folder that `cleaner train` wrote.")
    card, where = read_card(path), path / DOCUMENTS_FILE
    if not where.exists():
        raise ModelError(
            f"{folder}: the model carries no documents (it was trained with --no-documents, or {DOCUMENTS_FILE} was removed); "
            "train on its corpus and the new labels together, without --base."
        )
    data = _bytes(where, MAX_BYTES)
    if hashlib.sha256(data).hexdigest() != card.get("documents_sha256"):
        raise ModelError(f"{where}: does not match the card (damaged, truncated or changed); restore it or train without --base.")
    documents = tuple(_rows(data, where))
    return Base(path, card, documents, _counts(card, documents))


def _rows(data: bytes, where: Path) -> Iterable[LabelledDocument]:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        text = unpacker.decompress(data, MAX_BYTES)
        if unpacker.unconsumed_tail or not unpacker.eof:
            raise ModelError(f"{where}: is truncated, or would unpack to more than {MAX_BYTES >> 20} MiB; do not use it.")
        for number, line in enumerate(text.decode("utf-8").split("\n"), 1):
            if line:
                yield from_row(json.loads(line), f"{where}:{number}")
    except (zlib.error, ValueError, RecursionError, CorpusError) as error:
        raise ModelError(f"{where}: does not hold labelled documents ({error}); restore it or train without --base.") from None


def _names(value: Any) -> tuple[str, ...]:
    return tuple(name for name in value if isinstance(name, str)) if isinstance(value, list) else ()


def _counts(card: Mapping[str, Any], documents: Iterable[LabelledDocument]) -> tuple[float, ...]:
    """How much each document counts: 1, or what an earlier adapting gave it."""
    counts = card["corpus"].get("counts", {})
    known = {key: float(n) for key, n in counts.items() if isinstance(n, (int, float)) and 0 < n < 1000} if isinstance(counts, dict) else {}
    return tuple(known.get(document.digest, 1.0) for document in documents)


def _bytes(path: Path, most: int) -> bytes:
    """The bytes of a plain file that is not larger than `most`."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > most:
            raise ModelError(f"{path}: is not a plain file of at most {most >> 20} MiB; do not use it.")
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); restore the file or train again.") from None
