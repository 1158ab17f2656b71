"""The model: trees as arrays, the folder on disk, and every way that folder may be wrong."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import shutil
import zipfile

import numpy as np
import pytest
from conftest import AD, STORY

from cleaner import Cleaner, ModelError
from cleaner.model import CARD_FILE, WEIGHTS_FILE, load_model, packaged_model, save_model
from cleaner.segment import segment
from cleaner.trees import LEAF_SCALE, STAYS_EARLY, Trees, first_look, sigmoid

TEXT = "\n".join([*STORY, *AD])


def random_trees(rng, depth, n_trees=7, n_features=9):
    thresholds = rng.integers(-3, 4, size=(n_trees, 2**depth - 1)).astype(np.float32)
    thresholds[rng.random(thresholds.shape) < 0.1] = np.inf  # a leaf that ended early
    return Trees(
        rng.integers(0, n_features, size=(n_trees, 2**depth - 1), dtype=np.int16), thresholds,
        rng.integers(-(1 << 20), 1 << 20, size=(n_trees, 2**depth), dtype=np.int32),
    )  # fmt: skip


def plain_sum(trees, row):
    """The sum of the leaves one segment falls in, one node at a time."""
    total = 0
    for feature, threshold, value in zip(trees.feature.tolist(), trees.threshold.tolist(), trees.value.tolist()):
        node = 0
        while node < len(feature):
            node = 2 * node + 1 + (row[feature[node]] > threshold[node])
        total += value[node - len(feature)]
    return total


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 6, 8])
def test_the_fast_way_through_trees_agrees_with_the_plain_one(depth):
    """Whole blocks of segments, few of them, and one node at a time: the same sums, values equal to thresholds included."""
    rng = np.random.default_rng(depth)
    trees = random_trees(rng, depth)
    table = rng.integers(-3, 4, size=(9, 600)).astype(np.float32)
    table[:, ::3] += rng.random((9, 200)).astype(np.float32) - 0.5
    wanted = [plain_sum(trees, row) for row in table.T]
    assert trees.raw(table).tolist() == wanted
    assert trees.raw(np.tile(table, 4)).tolist() == wanted * 4  # more than a block
    assert trees.raw(table[:, :5]).tolist() == wanted[:5]
    assert trees.raw(table[:, :0]).tolist() == []


def test_trees_read_more_than_a_block():
    """A batch beyond one block of segments gets what its parts get."""
    rng = np.random.default_rng(0)
    trees = random_trees(rng, 4)
    table = rng.normal(size=(9, 40_000)).astype(np.float32)
    np.testing.assert_array_equal(trees.raw(table), np.concatenate([trees.raw(table[:, at : at + 500]) for at in range(0, 40_000, 500)]))


def test_what_surely_stays_sees_a_quarter_of_the_trees():
    """Segments below the bound after the first trees count twice what those said; all the others see every tree."""
    rng = np.random.default_rng(1)
    trees = random_trees(rng, 3, n_trees=60)
    table = rng.normal(size=(9, 400)).astype(np.float32)
    early = np.array([plain_sum(trees.first_and_rest[0], row) for row in table.T]) / LEAF_SCALE + 1.5
    whole = np.array([plain_sum(trees, row) for row in table.T]) / LEAF_SCALE + 1.5
    settled = early <= STAYS_EARLY
    assert 20 < settled.sum() < 380
    np.testing.assert_allclose(first_look(trees, 1.5, table), np.where(settled, 2 * early, whole))
    few = Trees(trees.feature[:7], trees.threshold[:7], trees.value[:7])
    np.testing.assert_array_equal(first_look(few, 9.0, table), few.raw(table) / LEAF_SCALE + 9.0)


def test_probabilities_are_probabilities(cleaner, texts):
    """A row for each segment, of positive numbers that sum to 1; nothing for nothing."""
    probability = cleaner.model.probabilities(segment(texts))
    assert probability.shape == (len(segment(texts)), len(cleaner.model.labels))
    assert (probability >= 0).all()
    np.testing.assert_allclose(probability.sum(axis=1), 1, atol=1e-9)
    assert cleaner.model.probabilities(segment([])).shape == (0, len(cleaner.model.labels))
    assert cleaner.model.probabilities(segment(["", "\n"])).shape == (0, len(cleaner.model.labels))


def test_the_logistic_function_has_no_overflow():
    """Absurd raw scores give 0 and 1 without a warning."""
    with np.errstate(all="raise", under="ignore"):
        assert sigmoid(np.array([-700.0, 0.0, 700.0])).tolist() == pytest.approx([0, 0.5, 1])


@pytest.fixture
def folder(tmp_path):
    """A copy of the packaged model: its card and its weights."""
    path = tmp_path / "model"
    path.mkdir()
    for name in (CARD_FILE, WEIGHTS_FILE):
        shutil.copyfile(packaged_model() / name, path / name)
    return path


def change_card(folder, **changes):
    card = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
    (folder / CARD_FILE).write_text(json.dumps({**card, **changes}), encoding="utf-8")


def change_weights(folder, data):
    """Other weights, with a card that vouches for them."""
    (folder / WEIGHTS_FILE).write_bytes(data)
    change_card(folder, weights_sha256=hashlib.sha256(data).hexdigest())


def packed(arrays, **options):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays, **options)
    return buffer.getvalue()


def test_saved_and_loaded_it_judges_alike(folder, tmp_path):
    """Save, load, and the verdicts are the same; saved again, the files are the same bytes: no time of day in them."""
    model = load_model()
    save_model(model, tmp_path / "once")
    save_model(load_model(tmp_path / "once"), tmp_path / "twice")
    assert Cleaner(tmp_path / "once").clean(TEXT) == Cleaner().clean(TEXT)
    for name in (CARD_FILE, WEIGHTS_FILE):
        assert (tmp_path / "once" / name).read_bytes() == (tmp_path / "twice" / name).read_bytes()
    assert sorted(path.name for path in (tmp_path / "once").iterdir()) == [CARD_FILE, WEIGHTS_FILE], "no half-written file is left"


def test_a_folder_is_loaded_once_and_again_when_it_changes(folder):
    """Two Cleaners share one model in a process; a retrained folder is read anew."""
    first = load_model(folder)
    assert load_model(str(folder)) is first
    change_card(folder, policy={"keep": ["editorial"], "threshold": 0.123})
    assert load_model(folder).policy.threshold == 0.123
    assert Cleaner(folder).policy.keep == ("editorial",)


def test_loading_writes_nothing(folder):
    """The folder is as it was after it was used."""
    before = {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.iterdir()}
    Cleaner(folder).clean(TEXT)
    assert {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.iterdir()} == before


def test_the_packaged_model_is_small():
    """At most 5 MB of weights and card, as promised to whoever installs it."""
    assert sum((packaged_model() / name).stat().st_size for name in (CARD_FILE, WEIGHTS_FILE)) <= 5_000_000


def test_a_missing_folder_and_missing_files(tmp_path, folder):
    """Each is named, with what to do."""
    with pytest.raises(ModelError, match=r"nowhere: no such model folder; give a folder that `cleaner train` wrote"):
        load_model(tmp_path / "nowhere")
    with pytest.raises(ModelError, match="no such model folder"):
        load_model(folder / CARD_FILE)
    for name in (WEIGHTS_FILE, CARD_FILE):
        (folder / name).unlink()
        with pytest.raises(ModelError, match=f"{name} is missing"):
            load_model(folder)


@pytest.mark.parametrize("keep", [0, 1, 1000, -1])
def test_truncated_weights(folder, keep):
    """Cut short, even by one byte, the weights do not match their card."""
    data = (folder / WEIGHTS_FILE).read_bytes()
    (folder / WEIGHTS_FILE).write_bytes(data[:keep])
    with pytest.raises(ModelError, match=f"{WEIGHTS_FILE}: does not match the card"):
        load_model(folder)


def test_tampered_weights(folder):
    """One changed byte is seen."""
    data = bytearray((folder / WEIGHTS_FILE).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / WEIGHTS_FILE).write_bytes(bytes(data))
    with pytest.raises(ModelError, match="does not match the card"):
        load_model(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 99}, "has format 99"),
        ({"format": None}, "has format None"),
        ({"labels": ["editorial"]}, "labels"),
        ({"labels": "editorial"}, "labels"),
        ({"labels": ["a", "a", "b", "c", "d"]}, "labels"),
        ({"labels": ["editorial", "caption", "byline", "ad", "boilerplate", "more"]}, "needs"),
        ({"policy": {"keep": ["nothing we know"], "threshold": 0.5}}, "policy"),
        ({"policy": None}, "policy"),
        ({"policy": {"keep": ["editorial"], "threshold": 0}}, "threshold"),
        ({"policy": {"keep": ["editorial"], "threshold": "high"}}, "threshold"),
        ({"features": {"version": 0}}, "features"),
        ({"languages": "ko"}, "languages"),
        ({"words": ["the", "of"]}, "word|languages"),
        ({"words": {"en": ["the", 3]}}, "word|languages"),
        ({"curve": [{"threshold": "x"}]}, "curve"),
        ({"weights_sha256": None}, "does not match"),
    ],
    ids=lambda value: json.dumps(value)[:60] if isinstance(value, dict) else "",
)
def test_a_card_of_another_kind(folder, changes, message):
    """A card from another format, or changed by hand, is refused with a sentence that names the file."""
    change_card(folder, **changes)
    with pytest.raises(ModelError, match=message) as caught:
        load_model(folder)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "\x00\xff", "[" * 50_000], ids=["empty", "broken", "list", "null", "binary", "deep"]
)
def test_a_card_that_is_no_card(folder, text):
    """Not JSON, or not an object: a ModelError, whatever stands there."""
    (folder / CARD_FILE).write_text(text, encoding="latin-1")
    with pytest.raises(ModelError, match=CARD_FILE):
        load_model(folder)


def test_weights_that_a_card_vouches_for_are_checked_all_the_same(folder):
    """A matching checksum is not enough: names, types and shapes must be those of the format."""
    arrays = dict(load_model(folder).arrays)
    wrong = {
        "missing": {name: array for name, array in arrays.items() if name != "bias"},
        "more": {**arrays, "extra": np.zeros(3)},
        "type": {**arrays, "weights": arrays["weights"].astype(np.float64)},
        "shape": {**arrays, "bias": np.zeros(2)},
        "dimensions": {**arrays, "bias": np.zeros((1, 4))},
        "not finite": {**arrays, "calibration": np.array([np.nan, 0.0])},
        "tree nodes": {**arrays, "tree_feature": arrays["tree_feature"][:, :-1]},
        "tree features": {**arrays, "look_feature": np.full_like(arrays["look_feature"], 30_000)},
        "nan threshold": {**arrays, "tree_threshold": np.full_like(arrays["tree_threshold"], np.nan)},
    }
    for name, changed in wrong.items():
        change_weights(folder, packed(changed))
        with pytest.raises(ModelError, match=WEIGHTS_FILE):
            load_model(folder)
            pytest.fail(f"{name} was not seen")
    change_weights(folder, packed(arrays))
    load_model(folder)


def test_no_code_runs_from_weights(folder):
    """A pickled object among the arrays, the classic way in, is refused and not run."""

    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("the pickle was run",))

    arrays = dict(load_model(folder).arrays)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            if name == "bias":
                np.lib.format.write_array_header_1_0(member, {"descr": "|O", "fortran_order": False, "shape": (4,)})
                member.write(pickle.dumps([Trap()]))
            else:
                np.lib.format.write_array(member, array, allow_pickle=False)
            archive.writestr(f"{name}.npy", member.getvalue())
    change_weights(folder, buffer.getvalue())
    with pytest.raises(ModelError, match="bias"):
        load_model(folder)


def test_a_bomb_is_not_unpacked(folder):
    """Weights that would unpack to gigabytes, and a header that announces them, are refused before memory is taken."""
    arrays = dict(load_model(folder).arrays)
    change_weights(folder, packed({**arrays, "rarity": np.zeros(80 << 20, dtype=np.uint8)}))
    with pytest.raises(ModelError, match="unpack"):
        load_model(folder)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, array, allow_pickle=False)
            if name == "rarity":
                member = io.BytesIO()
                np.lib.format.write_array_header_1_0(member, {"descr": "|u1", "fortran_order": False, "shape": (1 << 50,)})
            archive.writestr(f"{name}.npy", member.getvalue())
    change_weights(folder, buffer.getvalue())
    with pytest.raises(ModelError, match="rarity"):
        load_model(folder)


def test_weights_that_are_no_archive(folder):
    """Any bytes a card vouches for, and one clear sentence."""
    for data in (b"", b"PK\x03\x04", b"\x93NUMPY", b"\x00" * 1000):
        change_weights(folder, data)
        with pytest.raises(ModelError, match=WEIGHTS_FILE):
            load_model(folder)


def test_the_command_line_says_it_too(run, tmp_path):
    """A wrong model is exit status 2 and one sentence, without a traceback."""
    page = tmp_path / "page.txt"
    page.write_text(TEXT, encoding="utf-8")
    done = run("clean", page, "--model", tmp_path / "nowhere")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("cleaner: ")
    assert done.stderr.count("\n") == 1
    assert "no such model folder" in done.stderr
