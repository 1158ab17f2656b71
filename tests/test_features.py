"""What the model may see: each array against the same thing computed slowly, in plain Python or by SciPy."""

from __future__ import annotations

import unicodedata
from collections import Counter
from itertools import product

import numpy as np
import pytest
from conftest import AD, STORY

from cleaner import blocks, features, grams, vocabulary
from cleaner.fitting import StageOne, gram_matrix
from cleaner.model import Model, load_model, pack, unpack
from cleaner.places import places, shifted
from cleaner.segment import segment


def folded(*texts):
    return grams.fold(segment(texts))


def as_read(text):
    """The first segment of a text as the model reads it."""
    view = folded(text)
    return "".join(map(chr, view.codes[view.start[0] : view.end[0]].tolist()))


def relabelled(weights, scale=0.01):
    """The packaged model with other weights in stage one, and as many labels as they are for."""
    base = load_model()
    labels = [f"label {number}" for number in range(len(weights) + 1)]
    arrays = {**base.arrays, "weights": weights, "weight_scale": np.array(scale), "bias": np.linspace(-1, 1, len(weights))}
    return Model({**base.card, "labels": labels, "policy": {"keep": labels[:1], "threshold": 0.5}}, arrays)


@pytest.mark.parametrize("labels", [2, 5, 6, 10])
def test_sums_of_weights_agree_with_the_matrix_product(texts, labels):
    """Look-ups and sums in NumPy give exactly what SciPy's matrix product gives, for any number of labels, the last text included."""
    weights = np.random.default_rng(labels).integers(-127, 128, size=(labels - 1, grams.N_BUCKETS), dtype=np.int8)
    weights[:, ::3] = 127  # the worst case for the packed fields
    view = folded(*texts, "마지막 글", "x" * 5000, "가나", "끝")
    hashes, counts = grams.rolling_hashes(view.codes), grams.gram_counts(view)
    alone = relabelled(weights).alone(view, hashes)
    matrix = gram_matrix(view, hashes)
    matrix.sum_duplicates()
    exact = matrix.multiply(np.sqrt(counts)[:, None]).tocsr()
    exact.data = np.rint(exact.data).astype(np.int64)
    np.testing.assert_array_equal(alone.evidence, (exact @ weights.T.astype(np.int64)).T)
    np.testing.assert_array_equal(alone.counts, np.asarray(exact.sum(axis=1)).ravel())
    usual = counts < 2000  # training works in single precision: exact for every segment but the absurdly long
    fitted = StageOne(weights, 0.01, np.zeros(labels - 1)).evidence(matrix, counts)
    np.testing.assert_array_equal(fitted[:, usual], alone.evidence[:, usual])


def test_packed_sums_come_apart_again():
    """Four sums in one 64-bit number, at their extremes of either sign, do not touch each other."""
    extremes = (-(1 << 15), -1, 0, 1, (1 << 15) - 1)
    wanted = np.array(list(product(extremes, repeat=4))).T
    packed = sum(field.astype(np.int64) << (16 * slot) for slot, field in enumerate(wanted))
    np.testing.assert_array_equal(unpack(packed), wanted)
    weights = np.array([[1], [-127], [127], [-1], [5]], dtype=np.int8)
    tables = pack(weights)
    assert [int(field[0]) for table in tables for field in unpack(table)][:5] == weights[:, 0].tolist()


def test_the_n_grams_are_those_of_the_segment():
    """All n-grams of 1 to 4 characters, both ends marked by a separator, and no other: counted in plain Python."""
    text = "보청기 할인"
    view = folded(f"앞 줄이다\n{text}\n뒷줄")
    hashes, marked = grams.rolling_hashes(view.codes), f"\x01{as_read(text)}\x01"
    for order in grams.ORDERS:
        low, high = (int(edge[1]) for edge in grams.gram_spans(view, order))
        found = ["".join(map(chr, view.codes[at : at + order].tolist())) for at in range(low, high)]
        wanted = list(as_read(text)) if order == 1 else [marked[at : at + order] for at in range(len(marked) - order + 1)]
        assert found == wanted
        bucket = grams.buckets(hashes[order - 1], order)
        assert ((bucket >= 0) & (bucket < grams.N_BUCKETS)).all()
        assert len(set(bucket[low:high].tolist())) == len(set(found)), "different n-grams, different buckets"


def test_span_sums_agree_with_plain_sums():
    """Sums over spans: empty ones, single ones, overlapping ones, and those that reach the very end."""
    values = np.arange(1, 12, dtype=np.int64) ** 2
    pairs = [(low, high) for low in range(12) for high in range(low, 12)]
    low, high = (np.array(column) for column in zip(*pairs))
    wanted = [int(values[a:b].sum()) for a, b in pairs]
    inside = low < len(values)
    assert grams.span_sums(values, low[inside], high[inside]).tolist() == [w for w, keep in zip(wanted, inside) if keep]
    for last in range(1, len(pairs)):  # whichever span comes last
        if inside[last]:
            assert grams.span_sums(values, low[: last + 1][inside[: last + 1]], high[: last + 1][inside[: last + 1]])[-1] == wanted[last]
    nothing = np.zeros(0, dtype=np.int64)
    assert len(grams.span_sums(values, nothing, nothing)) == 0
    assert grams.span_sums(nothing, np.zeros(3, dtype=np.int64), np.zeros(3, dtype=np.int64)).tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SALE 50% OFF", "sale 12% off"), ("ＡＢＣ　１２３", "abc 000"), ("“할인”", '"할인"'), ("【단독】", "[단독]"), ("5‐6", "5—6"),
        ("© 신문", "ⓒ 신문"), ("ㆍ정형외과", "·정형외과"), ("보\u200b청기", "보청기"), ("\u00adAB", "ab"), ("ﾊﾅ", "ハナ"),
    ],
)  # fmt: skip
def test_what_reads_alike_is_one_to_the_model(one, other):
    """Case, digits, widths, dashes, quotes, brackets and invisible characters are folded; the text itself is not touched."""
    assert as_read(one) == as_read(other)


@pytest.mark.parametrize("text", [*STORY, "ÄÖÜ é ñ", "がぎぐ パピ", "Việt Nam", "أخبار اليوم", "Ελλάδα ά"])
def test_composed_or_not_is_one_to_the_model(text):
    """NFC and NFD of a text are the same arrays."""
    one, other = folded(unicodedata.normalize("NFC", text)), folded(unicodedata.normalize("NFD", text))
    np.testing.assert_array_equal(one.codes, other.codes)
    np.testing.assert_array_equal(one.start, other.start)


def test_glued_segments_are_parted():
    """Two segments of one line without a space between them do not share n-grams."""
    view = folded("끝났다▶구독하기")
    assert len(view.start) == 2
    assert (view.codes[view.end] == view.codes[view.start - 1]).all()
    assert view.end[0] < view.start[1]


def test_neighbours_are_those_of_the_document():
    """Shifted values and sums over windows stop at the document's ends: against plain loops."""
    rng = np.random.default_rng(1)
    document = np.repeat([0, 1, 3, 4], [1, 5, 2, 9])
    values = rng.integers(0, 100, len(document)).astype(np.float64)
    place = places(document)
    n = len(values)
    for by in (-4, -1, 1, 3, 20):
        wanted = [values[i + by] if 0 <= i + by < n and document[i + by] == document[i] else -8 for i in range(n)]
        assert shifted(values, by, document).tolist() == wanted
    for low, high in ((-1, 1), (-3, 0), (0, 3), (-8, -1), (1, 8), (-n, n), (2, 4), (-4, -2)):
        wanted = [sum(values[j] for j in range(max(i + low, 0), min(i + high + 1, n)) if document[j] == document[i]) for i in range(n)]
        assert place.window(values, low, high).tolist() == wanted


def test_vocabulary_keys_in_plain_python():
    """Pairs of Hangul, kana and Han, and runs of four letters elsewhere: those of the text, in order, each in its segment."""
    view = folded("바다 길\nAnchor 바다\nab 海辺の町")
    owner, key = vocabulary.vocabulary_keys(view, grams.rolling_hashes(view.codes))
    assert Counter(owner.tolist()) == {0: 1, 1: 4, 2: 3}  # 바다; anch ncho chor 바다; 海辺 辺の の町
    assert key[0] == key[4], "the same word is the same key wherever it stands"
    assert len(set(key.tolist())) == 7


def test_shared_vocabulary_tells_an_ad_from_its_article():
    """The article's lines share their words with lines far away, the ad's do not; a text of one line shares none."""
    lines = []
    for number in range(6):
        lines.append(f"방조제 보강 공사는 {number}구간부터 시작되며 방조제 돌망태를 쌓는다.")
    text = "\n".join([*lines[:3], *AD, *lines[3:]])
    segments = segment([text, "방조제 공사"])
    view = grams.fold(segments)
    keys = vocabulary.weighed_keys(
        view, grams.rolling_hashes(view.codes), segments.document, np.full(1 << vocabulary.KEY_BITS, 60, np.uint8)
    )
    table = vocabulary.shared_vocabulary(keys, segments.document)
    assert table.shape == (len(vocabulary.VOCABULARY_NAMES), len(segments))
    far = table[0]
    ad = slice(3, 3 + len(AD))
    assert far[ad].max() < 0.2 < 0.8 < np.delete(far[:-1], np.arange(3, 3 + len(AD))).min()
    assert far[-1] == 0


def test_rare_words_weigh_more():
    """The weight of a key falls with the number of documents that have it; training leaves a document out of its own count."""
    weight = vocabulary.rarity(np.array([0, 1, 10, 100]), 100)
    assert (np.diff(weight.astype(int)) < 0).all()
    assert weight[3] == 0
    assert vocabulary.rarity(np.array([1]), 100, own=1) == weight[0]


def test_document_frequency_counts_documents():
    """A key counts once in a document, and variants beyond the first documents do not count."""
    texts = ["바다 바다 바다", "바다 하늘", "바다"]
    segments = segment(texts)
    view = grams.fold(segments)
    hashes = grams.rolling_hashes(view.codes)
    frequency = vocabulary.document_frequency(view, hashes, segments.document, 2)
    _, key = vocabulary.vocabulary_keys(view, hashes)
    assert frequency[key[0]] == 2
    assert frequency.sum() == 3


def test_repetition_counts_the_same_text_in_the_same_document():
    """Folded text that stands again in its document, nowhere else."""
    segments = segment(["구독하기\n기사다\n구독하기\n구독하기", "구독하기", "SHARE 1\nshare 2"])
    view = grams.fold(segments)
    assert features.repetitions(view, grams.rolling_hashes(view.codes), segments.document).tolist() == [2, 0, 2, 2, 0, 1, 1]


def test_shapes_in_plain_python():
    """Length and the shares of each kind of character, for a line one can count by hand."""
    view = folded("ABC가나 12! ▶")
    column = dict(zip(features.SHAPE_NAMES, features.shape(view)[:, 0].tolist()))
    assert column["log_length"] == pytest.approx(np.log1p(9), rel=1e-6)
    for name, count in (("hangul", 2), ("capital", 3), ("digit", 2), ("stop", 1), ("small", 0), ("kana", 0), ("mark", 0)):
        assert column[f"share_{name}"] == pytest.approx(count / 9, rel=1e-6), name
    assert column["starts_capital"] == 1
    assert column["ends_stop"] == 1
    assert column["words_per_character"] == pytest.approx(1 / 9, rel=1e-6)


def test_every_feature_has_one_name(cleaner, texts):
    """The table has a row for each name, the names are unique, and a loaded model can count them without a text."""
    _, table, names = cleaner.model.evidence(segment(texts))
    assert len(names) == len(set(names)) == len(table)
    assert names == features.context_names(len(cleaner.model.labels))
    more = blocks.revisited(np.full(table.shape[1], 0.5), segment(texts).document, np.full(table.shape[1], 99.0))
    assert len(more) == len(blocks.revisited_names())
    assert len(set([*names, *blocks.revisited_names()])) == len(table) + len(more)
    assert np.isfinite(more).all()


def test_features_do_not_depend_on_the_batch(cleaner, texts):
    """Each row of each document is the same, bit for bit, alone and in a batch: nothing leaks over its ends."""
    together = segment(texts)
    _, table, names = cleaner.model.evidence(together)
    for number, text in enumerate(texts):
        if len(alone := segment([text])):
            _, own, _ = cleaner.model.evidence(alone)
            for name, one, other in zip(names, own, table[:, together.document == number]):
                np.testing.assert_array_equal(one, other, err_msg=f"{name} of text {number}")
