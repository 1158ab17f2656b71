"""The classifier: arrays and a card. Probabilities for every segment, alone and then in context; load and save.

Stage one is linear in hashed character n-grams (multinomial logistic regression). Its weights are whole numbers of 8 bits, four
labels packed in one 64-bit table entry, so that one look-up and one sum serve four labels and sums are exact in any order.
Stage two is a few shallow trees over the context features (``trees.py``; gradient boosting, binary: does the segment go?). Stage
three looks again, with stage two's verdicts on the segments around in view, so that a block goes or stays together. Leaf values
are whole numbers too. So a segment gets the same verdict alone, in a batch, or in another order.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import stat
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt

from cleaner import blocks, features, grams, vocabulary
from cleaner.errors import ModelError
from cleaner.language import Language, Languages, known
from cleaner.segment import Bools, Segments
from cleaner.trees import Scores, Trees, first_look, second_look, sigmoid, unsettled

FORMAT = 1
MAX_BYTES = 64 << 20
"""A weights file that unpacks to more is refused before it is unpacked."""
MAX_LABELS, MAX_TREES = 64, 2000
"""A model with more is refused: it would be no model of ours, and its tables would fill the memory."""

CLEAN = 0.15
"""A document in which stage two gives no segment more is not looked at again: in no text we have did stage three drop a word of one."""

STRANGE_FLOOR = 0.99
"""In a language that the corpus lacks, nothing is dropped below this score."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Which labels are kept, and the score from which a segment goes."""

    keep: tuple[str, ...]
    threshold: float


class Model:
    """A trained classifier: load it with `load_model`, make it with ``cleaner train``.

    ``labels`` in the order of the columns of `probabilities`; ``card`` what is known of its making; ``policy`` the default.
    """

    def __init__(self, card: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        self.card = card
        self.arrays = arrays
        self.labels: tuple[str, ...] = tuple(card["labels"])
        self.policy = Policy(tuple(card["policy"]["keep"]), float(card["policy"]["threshold"]))
        self.drops: Bools = np.array([label not in self.policy.keep for label in self.labels])
        self.second = Trees(arrays["tree_feature"], arrays["tree_threshold"], arrays["tree_value"])
        self.third = Trees(arrays["look_feature"], arrays["look_threshold"], arrays["look_value"])
        self._tables = pack(arrays["weights"])
        self._languages = Languages([Language(frozenset(words["words"]), words["share"]) for words in card.get("words", {}).values()])

    def probabilities(self, segments: Segments) -> Scores:
        """The probability of each label for each segment in its context: ``(n_segments, n_labels)``, rows sum to 1."""
        if not len(segments):
            return np.zeros((0, len(self.labels)))
        alone, table, _ = self.evidence(segments)
        raw = first_look(self.second, float(self.arrays["tree_base"]), table)
        go = sigmoid(raw)
        suspicious = np.zeros(int(segments.document[-1]) + 1, dtype=bool)
        suspicious[segments.document[go > CLEAN]] = True
        again = np.flatnonzero(suspicious[segments.document])
        if len(again):
            around = blocks.revisited(go[again], segments.document[again], alone.counts[again])
            rest = unsettled(go[again])
            seen = np.concatenate((table[:, again[rest]], around[:, rest]))
            raw[again[rest]] = second_look(self.third, float(self.arrays["look_base"]), seen)
        slope, offset = self.arrays["calibration"]
        return self._spread(alone.probability().T, sigmoid(slope * raw + offset))

    def floors(self, texts: Sequence[str]) -> Callable[[npt.NDArray[np.int64]], Scores]:
        """What gives, for the numbers of some texts, the least score from which a segment of each may go.

        It is higher in a language that the model has not learned. Asked late, since only texts that would lose something matter.
        """

        def least(numbers: npt.NDArray[np.int64]) -> Scores:
            if not len(self._languages):
                return np.zeros(len(numbers))
            strange = [not known(texts[number], self.card["languages"], self._languages) for number in numbers.tolist()]
            return np.where(strange, STRANGE_FLOOR, 0.0)

        return least

    def evidence(self, segments: Segments) -> tuple[features.Alone, features.Floats, list[str]]:
        """What the verdict rests on: stage one's view, the table that stage two sees, the names of its features."""
        folded = grams.fold(segments)
        hashes = grams.rolling_hashes(folded.codes)
        alone = self.alone(folded, hashes)
        shapes = features.shape(folded)
        keys = vocabulary.weighed_keys(folded, hashes, segments.document, self.arrays["rarity"])
        repeated = features.repetitions(folded, hashes, segments.document)
        table, names = features.context(segments, shapes, keys, repeated, alone, self.drops)
        return alone, table, names

    def alone(self, folded: grams.Folded, hashes: list[grams.Hashes]) -> features.Alone:
        """Stage one: what each segment's own n-grams say."""
        chunks = -(-(folded.end - folded.start + 1) // _CHUNK)
        first = np.cumsum(chunks) - chunks
        place = (np.arange(int(chunks.sum())) - np.repeat(first, chunks)) * _CHUNK  # of each chunk in its segment
        sums = [np.zeros(len(place), dtype=np.int64) for _ in self._tables]
        for order in grams.ORDERS:
            bucket = grams.buckets(hashes[order - 1], order)
            low, high = (np.repeat(edge, chunks) for edge in grams.gram_spans(folded, order))
            low = np.minimum(low + place, high)
            high = np.minimum(low + _CHUNK, high)
            for number, packed in enumerate(self._tables):
                sums[number] += grams.span_sums(np.take(packed, bucket), low, high).astype(np.int64)
        fields = [field for total in sums for field in unpack(total)][: len(self.labels) - 1]
        evidence = np.add.reduceat(np.asarray(fields), first, axis=1).astype(np.float64)
        return features.Alone(evidence, grams.gram_counts(folded), self.arrays["bias"], float(self.arrays["weight_scale"]))

    def _spread(self, alone: Scores, go: Scores) -> Scores:
        """Share the verdict of stage two among the labels of each side as stage one has them."""
        result = np.maximum(alone, 1e-9)
        for side, weight in ((self.drops, go), (~self.drops, 1 - go)):
            if side.any():
                result[:, side] *= (weight / result[:, side].sum(axis=1))[:, None]
        return result


_CHUNK = 64
"""Four orders of n-grams from so many positions, 127 each at most, sum to less than a 16-bit field holds."""


def pack(weights: npt.NDArray[np.int8]) -> list[npt.NDArray[np.int64]]:
    """Tables of 64-bit entries that hold the weights of four labels each, 16 bits apart; their sums hold the four sums."""
    tables = []
    for at in range(0, len(weights), 4):
        packed = np.zeros(weights.shape[1], dtype=np.int64)
        for slot, label in enumerate(weights[at : at + 4]):
            packed += label.astype(np.int64) << (16 * slot)
        tables.append(packed)
    return tables


def unpack(sums: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
    """The four sums in packed entries; each within 16 bits, signed."""
    fields = []
    for _ in range(4):
        field = ((sums + (1 << 15)) & 0xFFFF) - (1 << 15)
        fields.append(field)
        sums = (sums - field) >> 16
    return fields


# --- folders ---------------------------------------------------------------------------------------------------------

WEIGHTS_FILE, CARD_FILE, README_FILE = "weights.npz", "card.json", "README.md"


def save_model(model: Model, folder: str | Path, extra: Mapping[str, bytes] | None = None) -> None:
    """Write the model's folder: arrays, card, and the files in `extra` by name (the card that people read, documents).

    All files are written beside those that stand, and take their places together at the end.
    """
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:  # np.savez would put the time of day in it
        for name in sorted(model.arrays):
            member = io.BytesIO()
            np.lib.format.write_array(member, np.asarray(model.arrays[name]), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)), member.getvalue(), zipfile.ZIP_DEFLATED)
    data = buffer.getvalue()
    card = {**model.card, "weights_sha256": hashlib.sha256(data).hexdigest()}
    text = json.dumps(card, ensure_ascii=False, indent=1) + "\n"
    files = {**(extra or {}), WEIGHTS_FILE: data, CARD_FILE: text.encode("utf-8", "backslashreplace")}
    for name, content in files.items():
        (path / f".{name}.part").write_bytes(content)
    for name in files:
        (path / f".{name}.part").replace(path / name)


def packaged_model() -> Path:
    """Where the model that comes with the package lies: in the wheel, or in the checkout."""
    here = Path(__file__).resolve().parent
    for folder in (here / "models" / "default", here.parent / "models" / "default"):
        if (folder / CARD_FILE).exists():
            return folder
    raise ModelError("The packaged model is missing; reinstall article-cleaner, or run `python train.py` in a checkout.")


@lru_cache(maxsize=8)
def _load(path: Path, stamp: tuple[int, ...]) -> Model:  # noqa: ARG001  (a changed file is another key)
    return _read_model(path)


def load_model(folder: str | Path | None = None) -> Model:
    """Load a model folder, or the packaged model; each folder is loaded once in a process.

    Loading runs no code, trains nothing, writes nothing. `ModelError` says what is wrong with a folder that does not load.
    """
    path = packaged_model() if folder is None else Path(folder).resolve()
    if not path.is_dir():
        raise ModelError(f"{folder}: no such model folder; give a folder that `cleaner train` wrote.")
    stamps = []
    for name in (CARD_FILE, WEIGHTS_FILE):
        try:
            status = (path / name).stat()
        except OSError:
            raise ModelError(f"{path}: not a model folder, {name} is missing; give a folder that `cleaner train` wrote.") from None
        stamps += [status.st_mtime_ns, status.st_size]
    return _load(path, tuple(stamps))


def _read_model(path: Path) -> Model:
    try:
        card = json.loads(_bytes(path / CARD_FILE))
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path / CARD_FILE}: cannot be read as JSON ({error}); train the model again or restore the file.") from None
    if problem := _card_problem(card):
        raise ModelError(f"{path / CARD_FILE}: the card {problem}.")
    data = _bytes(path / WEIGHTS_FILE)
    if hashlib.sha256(data).hexdigest() != card.get("weights_sha256"):
        raise ModelError(f"{path / WEIGHTS_FILE}: does not match the card (damaged, truncated or changed); restore it or train again.")
    arrays = _arrays(data, path)
    _check_arrays(card, arrays, path)
    return Model(card, arrays)


def _bytes(path: Path) -> bytes:
    """The bytes of a plain file of a size that a model's may have."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_BYTES:
            raise ModelError(f"{path}: is not a plain file of at most {MAX_BYTES >> 20} MiB; do not use it.")
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); restore the file or train again.") from None


def _card_problem(card: Any) -> str | None:
    """What is wrong with a card, in words that follow "the card"; `None` if it will do."""
    again = "train it again (`cleaner train --base FOLDER -o FOLDER`)"
    problem = None
    if not isinstance(card, dict):
        problem = "is not a JSON object"
    elif card.get("format") != FORMAT:
        number = str(card.get("format"))[:40]
        problem = f"has format {number}, this version reads format {FORMAT}; {again}, or install the version that made it"
    elif not _are_names(labels := card.get("labels")) or not 2 <= len(labels) <= MAX_LABELS or len(set(labels)) != len(labels):
        problem = f"has no proper list of 2 to {MAX_LABELS} labels"
    elif not isinstance(policy := card.get("policy"), dict) or not _are_names(policy.get("keep")) or not set(policy["keep"]) < set(labels):
        problem = "has a policy that does not fit its labels"
    elif not isinstance(policy.get("threshold"), (int, float)) or not 0 < policy["threshold"] <= 1:
        problem = "has no threshold between 0 and 1"
    elif not (_are_names(card.get("languages", [])) and _are_languages(card.get("words", {})) and _is_curve(card.get("curve", []))):
        problem = f"has languages or a curve that format {FORMAT} does not know"
    elif card.get("features") != feature_settings():
        problem = f"was made for other features than this version computes; {again}"
    return problem


def _are_names(value: Any) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(name, str) and name for name in value)


def _are_languages(value: Any) -> bool:
    """The common words of each language and their share, as `floors` needs them."""
    rows = list(value.values()) if isinstance(value, dict) else [None]
    return all(isinstance(row, dict) and _are_names(row.get("words")) and isinstance(row.get("share"), float) for row in rows)


def _is_curve(value: Any) -> bool:
    """Rows of numbers, as ``--favor`` needs them."""
    names = ("threshold", "kept_chars")
    return isinstance(value, list) and all(isinstance(row, dict) and all(isinstance(row.get(n), float) for n in names) for row in value)


def feature_settings() -> dict[str, Any]:
    """What the card records of the features, and what a loaded card must match."""
    return {"version": 3, "orders": list(grams.ORDERS), "bucket_bits": grams.BUCKET_BITS, "key_bits": vocabulary.KEY_BITS}


_EXPECTED = {
    "weights": ("i1", 2), "weight_scale": ("f8", 0), "bias": ("f8", 1), "tree_feature": ("i2", 2), "tree_threshold": ("f4", 2),
    "tree_value": ("i4", 2), "tree_base": ("f8", 0), "look_feature": ("i2", 2), "look_threshold": ("f4", 2), "look_value": ("i4", 2),
    "look_base": ("f8", 0), "calibration": ("f8", 1), "rarity": ("u1", 1),
}  # fmt: skip


def _arrays(data: bytes, path: Path) -> dict[str, npt.NDArray[Any]]:
    where = path / WEIGHTS_FILE
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if {info.filename for info in archive.infolist()} != {f"{name}.npy" for name in _EXPECTED}:
                raise ModelError(f"{where}: does not hold the arrays of a format {FORMAT} model; train it again.")
            if sum(info.file_size for info in archive.infolist()) > MAX_BYTES:
                raise ModelError(f"{where}: would unpack to more than {MAX_BYTES >> 20} MiB, which no model of ours does; do not use it.")
            arrays = {}
            for name, (kind, dimensions) in _EXPECTED.items():
                content = archive.read(f"{name}.npy")
                member = io.BytesIO(content)
                version = np.lib.format.read_magic(member)
                read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                shape, fortran, dtype = read(member)
                # Compare before an array is made: a header may announce any size.
                if dtype != np.dtype(kind) or len(shape) != dimensions or fortran:
                    raise ModelError(f"{where}: array {name} is {dtype} with shape {shape}, not what format {FORMAT} has; train it again.")
                if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != len(content) - member.tell():
                    raise ModelError(f"{where}: array {name} is truncated; restore the file or train again.")
                arrays[name] = np.frombuffer(content, dtype=dtype, offset=member.tell()).reshape(shape)
            return arrays
    except ModelError:
        raise
    except Exception as error:  # what zipfile, its decompressors and NumPy raise at hostile bytes is no closed list
        raise ModelError(f"{where}: cannot be read as plain arrays ({error}); restore the file or train again.") from None


def _check_arrays(card: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]], path: Path) -> None:
    labels, where = len(card["labels"]), path / WEIGHTS_FILE
    most = max(arrays["tree_feature"].shape[0], arrays["look_feature"].shape[0])
    if most > MAX_TREES:
        raise ModelError(f"{where}: {most} trees are more than a model of ours has; do not use it.")
    width = len(features.context_names(labels))
    shapes: dict[str, tuple[int, ...]] = {
        "weights": (labels - 1, grams.N_BUCKETS), "bias": (labels - 1,), "calibration": (2,), "rarity": (1 << vocabulary.KEY_BITS,),
    }  # fmt: skip
    for stage, columns in (("tree", width), ("look", width + len(blocks.revisited_names()))):
        feature = arrays[f"{stage}_feature"]
        trees, nodes = feature.shape
        shapes |= {f"{stage}_threshold": (trees, nodes), f"{stage}_value": (trees, nodes + 1)}
        if not 2 <= nodes + 1 <= 256 or (nodes + 1) & nodes:
            raise ModelError(f"{where}: trees of {nodes} nodes are not complete trees; train the model again.")
        if trees and (feature.min() < 0 or feature.max() >= columns):
            raise ModelError(f"{where}: a tree asks for a feature that does not exist; train the model again.")
    for name, shape in shapes.items():
        if arrays[name].shape != shape:
            raise ModelError(f"{where}: array {name} has shape {arrays[name].shape}, the card needs {shape}; train the model again.")
    for name in ("weight_scale", "bias", "calibration", "tree_base", "look_base"):
        if not (np.abs(arrays[name]) < 1e6).all():
            raise ModelError(f"{where}: array {name} holds numbers that are not finite, or absurd; train the model again.")
    for name in ("tree_threshold", "look_threshold"):
        if np.isnan(arrays[name]).any():
            raise ModelError(f"{where}: array {name} holds numbers that are not finite; train the model again.")
