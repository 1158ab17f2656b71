"""Model folders from anywhere: each that is not what it should be is a ModelError; nothing runs, nothing fills the memory."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import pickle
import random
import shutil
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cleaner.errors import ModelError
from cleaner.model import CARD_FILE, MAX_BYTES, MAX_TREES, WEIGHTS_FILE, load_model, packaged_model, save_model
from cleaner.pipeline import Cleaner

Arrays = dict[str, Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the packaged model's weights and card."""
    for name in (CARD_FILE, WEIGHTS_FILE):
        shutil.copy(packaged_model() / name, tmp_path / name)
    return tmp_path


def write_card(folder: Path, **changes: Any) -> None:
    card = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
    (folder / CARD_FILE).write_text(json.dumps({**card, **changes}), encoding="utf-8")


def write_weights(folder: Path, data: bytes) -> None:
    """Put bytes in the place of the weights, and their digest in the card: whoever tampers with one can tamper with both."""
    (folder / WEIGHTS_FILE).write_bytes(data)
    write_card(folder, weights_sha256=hashlib.sha256(data).hexdigest())


def members(folder: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(folder / WEIGHTS_FILE) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(content: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def npy(array: Any) -> bytes:
    member = io.BytesIO()
    np.lib.format.write_array(member, np.asarray(array), allow_pickle=True)
    return member.getvalue()


def header(text: str, data: bytes = b"") -> bytes:
    """An array file with a header of one's own."""
    line = text.encode("latin1") + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(line)) + line + data


def with_arrays(folder: Path, **arrays: bytes) -> None:
    write_weights(folder, zipped({**members(folder), **{f"{name}.npy": data for name, data in arrays.items()}}))


def refused(folder: Path) -> str:
    """The message of the ModelError that loading the folder gives; at most as much memory as an honest model takes is used."""
    tracemalloc.start()
    try:
        with pytest.raises(ModelError) as error:
            load_model(folder)
        assert tracemalloc.get_traced_memory()[1] < 4 * MAX_BYTES
    finally:
        tracemalloc.stop()
    assert str(folder) in str(error.value)
    return str(error.value)


class Bomb:
    """Runs a command when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch '{self.mark}'",)


def test_an_honest_copy_loads(folder: Path) -> None:
    """The folder that the other tests spoil is a good one."""
    assert load_model(folder).labels == load_model().labels


def test_saving_again_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    """Weights go through a load and a save unchanged, extra files come along, and no half-written file is left."""
    save_model(load_model(folder), tmp_path / "again", {"README.md": b"x"})
    assert (tmp_path / "again" / WEIGHTS_FILE).read_bytes() == (folder / WEIGHTS_FILE).read_bytes()
    assert {path.name for path in (tmp_path / "again").iterdir()} == {WEIGHTS_FILE, CARD_FILE, "README.md"}


def test_pickles_are_not_opened(folder: Path) -> None:
    """A pickle renamed, or one inside an array of objects, is refused, and nothing in it runs."""
    mark = folder / "executed"
    write_weights(folder, pickle.dumps(Bomb(mark)))
    refused(folder)
    shutil.copy(packaged_model() / WEIGHTS_FILE, folder / WEIGHTS_FILE)
    with_arrays(folder, bias=npy(np.array([Bomb(mark)] * 4, dtype=object)))
    assert "bias" in refused(folder)
    assert not mark.exists()


@pytest.mark.parametrize("keep", [0, 1, 100, 5000, -1, -30])
def test_truncated_weights(folder: Path, keep: int) -> None:
    """Weights cut short do not match the card; and with a card to match, they are no archive."""
    data = (folder / WEIGHTS_FILE).read_bytes()[:keep]
    (folder / WEIGHTS_FILE).write_bytes(data)
    assert "does not match the card" in refused(folder)
    write_weights(folder, data)
    refused(folder)


def test_tampered_archives(folder: Path) -> None:
    """Bytes changed anywhere in the archive give a ModelError or a model, never another error."""
    honest = (folder / WEIGHTS_FILE).read_bytes()
    rng = random.Random(0)
    small = zipped({name: data if len(data) < 10_000 else data[:2000] for name, data in members(folder).items()})
    for number in range(150):
        data = bytearray(small if number % 5 else honest)
        for _ in range(rng.choice((1, 1, 2, 8))):
            at = rng.randrange(len(data)) if rng.random() < 0.5 else rng.randrange(max(0, len(data) - 1500), len(data))
            data[at] = rng.randrange(256)
        write_weights(folder, bytes(data))
        with contextlib.suppress(ModelError):
            load_model(folder)


def test_archives_of_other_things(folder: Path) -> None:
    """An array missing, one too many, one twice, another kind of archive: refused."""
    content = members(folder)
    write_weights(folder, zipped({name: data for name, data in content.items() if name != "bias.npy"}))
    assert "does not hold the arrays" in refused(folder)
    write_weights(folder, zipped({**content, "../../evil.npy": b""}))
    assert "does not hold the arrays" in refused(folder)
    assert not (folder.parent.parent / "evil.npy").exists()
    write_weights(folder, b"\x1f\x8b" + bytes(100))
    refused(folder)


def test_an_archive_that_would_fill_the_memory(folder: Path) -> None:
    """A small archive that unpacks to very much is refused before it is unpacked, whatever its directory says."""
    write_weights(folder, zipped({**members(folder), "rarity.npy": bytes(MAX_BYTES + 1)}))
    assert "unpack" in refused(folder)
    data = bytearray((folder / WEIGHTS_FILE).read_bytes())
    size = struct.pack("<I", MAX_BYTES + 1)
    assert size in data
    write_weights(folder, bytes(data).replace(size, struct.pack("<I", 100)))
    refused(folder)


@pytest.mark.parametrize(
    "content",
    [
        header("{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000000, )}"),
        header("{'descr': '<f8', 'fortran_order': False, 'shape': (-4, -1)}", bytes(32)),
        header("{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387905, 4)}", bytes(32)),
        header("{'descr': '|O', 'fortran_order': False, 'shape': (4, )}", bytes(32)),
        header("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (4, )}", bytes(32)),
        header("__import__('os').system('true')"),
        header("{'descr': '<f8', 'fortran_order': False, 'shape': (4, )}" + " " * 60_000, bytes(32)),
        header("(" * 5000),
        header("{'descr': '<f8'"),
        b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1) + b"{",
        b"\x93NUMPY\x09\x00" + bytes(100),
        b"\x93NUM",
        b"",
    ],
)
def test_hostile_headers(folder: Path, content: bytes) -> None:
    """An array's header may announce any size, any type, or be no header at all."""
    with_arrays(folder, bias=content)
    refused(folder)


def changed(name: str, change: Callable[[Any], Any]) -> Callable[[Arrays], Arrays]:
    return lambda arrays: {name: change(arrays[name])}


def first(value: float) -> Callable[[Any], Any]:
    """The array with another number at its start."""

    def change(array: Any) -> Any:
        copy = array.copy()
        copy.reshape(-1)[0] = value
        return copy

    return change


@pytest.mark.parametrize(
    "change",
    [
        changed("bias", first(np.nan)), changed("bias", first(np.inf)), changed("calibration", first(np.nan)),
        changed("weight_scale", first(np.nan)), changed("weight_scale", first(1e300)), changed("tree_base", first(-np.inf)),
        changed("look_base", first(np.nan)), changed("tree_threshold", first(np.nan)), changed("look_threshold", first(np.nan)),
        changed("tree_feature", first(-1)), changed("look_feature", first(30000)),
        changed("bias", lambda a: a[:-1]), changed("weights", lambda a: a[:, :-1]), changed("weights", lambda a: a.T),
        changed("weights", lambda a: a.astype(np.float32)), changed("weights", lambda a: np.concatenate((a, a[:1]))),
        changed("rarity", lambda a: a[:10]), changed("calibration", lambda a: a.reshape(2, 1)), changed("tree_value", lambda a: a[:, :-1]),
        changed("tree_threshold", lambda a: a[:-1]), changed("tree_feature", lambda a: a[:, :-1]),
        lambda arrays: {
            name: np.zeros((MAX_TREES + 1, size), dtype=arrays[name].dtype)
            for name, size in (("tree_feature", 1), ("tree_threshold", 1), ("tree_value", 2))
        },
    ],
)  # fmt: skip
def test_arrays_that_do_not_fit(folder: Path, change: Callable[[Arrays], Arrays]) -> None:
    """Numbers that are not finite, features that do not exist, shapes that fit neither each other nor the card."""
    arrays = dict(load_model(folder).arrays)
    with_arrays(folder, **{name: npy(array) for name, array in change(arrays).items()})
    refused(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 0}, {"format": 99}, {"format": "1"}, {"format": None}, {"format": [1] * 1000}, {"labels": None}, {"labels": ["ad"]},
        {"labels": "editorial"}, {"labels": ["ad", "ad"]}, {"labels": ["ad", 1]}, {"labels": ["ad", {}]}, {"labels": ["ad", "editorial"]},
        {"labels": [f"label {i}" for i in range(1_000_000)]}, {"policy": None}, {"policy": {}},
        {"policy": {"keep": [[]], "threshold": 0.5}},
        {"policy": {"keep": ["nowhere"], "threshold": 0.5}}, {"policy": {"keep": "editorial", "threshold": 0.5}},
        {"policy": {"keep": ["editorial"], "threshold": float("nan")}}, {"policy": {"keep": ["editorial"], "threshold": 2}},
        {"policy": {"keep": ["editorial"], "threshold": "0.5"}}, {"policy": {"keep": ["editorial"]}}, {"features": {}},
        {"curve": [1]}, {"curve": {"threshold": 1.0}}, {"curve": [{"threshold": 0.5}]}, {"languages": "ko"}, {"languages": [None]},
        {"weights_sha256": None}, {"weights_sha256": "0" * 64},
    ],
)  # fmt: skip
def test_cards_that_do_not_fit(folder: Path, changes: dict[str, Any]) -> None:
    """A card of another format, or one whose fields are not what they should be."""
    write_card(folder, **changes)
    refused(folder)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff\xfe", b"[" * 100_000, b"null", b'{"format": 1}', b"9" * 10_000])
def test_cards_that_are_no_cards(folder: Path, content: bytes) -> None:
    """Bytes that are no JSON, or JSON that is no card."""
    (folder / CARD_FILE).write_bytes(content)
    refused(folder)


def test_an_older_format_is_told_what_to_do(folder: Path) -> None:
    """The message for another format names both, and the command that trains the model again."""
    write_card(folder, format=0)
    message = refused(folder)
    assert "format 0" in message and "cleaner train --base" in message


@pytest.mark.parametrize("name", [CARD_FILE, WEIGHTS_FILE])
def test_files_that_are_no_files(folder: Path, name: str) -> None:
    """A folder, an endless device or a very large file in a file's place is refused unread; a missing one is named."""
    (folder / name).unlink()
    assert name in refused(folder)
    with (folder / name).open("wb") as file:
        file.truncate(50 << 30)  # takes no room on the disk
    assert "MiB" in refused(folder)
    (folder / name).unlink()
    (folder / name).mkdir()
    refused(folder)
    (folder / name).rmdir()
    if Path("/dev/zero").exists():
        (folder / name).symlink_to("/dev/zero")
        refused(folder)


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    """The message names the folder and the command that makes one."""
    with pytest.raises(ModelError, match="cleaner train"):
        load_model(tmp_path / "nowhere")


def test_the_limits_leave_room_for_honest_models() -> None:
    """The packaged model loads and judges in less than a quarter of what is allowed."""
    model = load_model()
    assert sum(array.nbytes for array in model.arrays.values()) < MAX_BYTES / 4
    assert max(len(model.arrays["tree_value"]), len(model.arrays["look_value"])) < MAX_TREES / 4
    assert Cleaner().clean("The council met on Tuesday and agreed to repair the bridge.").text
