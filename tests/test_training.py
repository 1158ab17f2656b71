"""Training: folds, stages, calibration and threshold, each against a slow or a known answer, and the whole on a small corpus."""

from __future__ import annotations

import dataclasses
import random
from collections import Counter

import numpy as np
import pytest
import small_corpus
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from cleaner import CorpusError, augment, fitting, threshold, training
from cleaner.corpus import LabelledDocument
from cleaner.evaluate import evaluate_model
from cleaner.segment import segment
from cleaner.trees import LEAF_SCALE

NEW_PAPERS = ("Delta Echo", "Cape Mail")


@pytest.fixture(scope="module", autouse=True)
def _few_trees():
    """These tests ask whether training is right, not how good it is: few folds, few trees."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "N_FOLDS", 3)
        for name in ("TREES", "LOOK_TREES"):
            patch.setattr(training, name, {**training.TREES, "max_iter": 20, "min_samples_leaf": 4})
        yield


@pytest.fixture(scope="module")
def trained():
    """A model of the small corpus."""
    return training.train(small_corpus.corpus(each=4), n_jobs=1)


# --- the whole -------------------------------------------------------------------------------------------------------


def test_the_same_corpus_gives_the_same_weights(trained):
    """Trained again, every array is the same, bit for bit, and so is the card."""
    again = training.train(small_corpus.corpus(each=4), n_jobs=1)
    for name, array in trained.model.arrays.items():
        np.testing.assert_array_equal(array, again.model.arrays[name], err_msg=name)
    assert again.model.card == trained.model.card


def test_it_learns(trained):
    """Documents of papers it has never seen: the ads and the furniture go, the story stays."""
    quality = evaluate_model(trained.model, small_corpus.corpus(NEW_PAPERS, each=6, seed=3))["all"]
    assert quality["drop_F1"] > 0.85
    assert quality["kept_chars"] > 0.97


def test_the_card_says_what_it_was_made_of(trained):
    """Labels in the guide's order, the policy, the corpus by its digests, the quality by group of documents, the versions."""
    card, documents = trained.model.card, small_corpus.corpus(each=4)
    assert card["labels"] == ["editorial", "byline", "ad", "boilerplate"]
    assert card["policy"]["keep"] == ["editorial", "byline"]
    assert 0 < card["policy"]["threshold"] <= 1
    assert card["languages"] == ["en"]
    assert card["corpus"]["documents"] == len(documents)
    assert card["corpus"]["digests"] == sorted({document.digest for document in documents})
    assert {"all", "lang en", "kind regional"} <= set(card["quality"])
    assert {"python", "numpy", "scikit-learn", "scipy"} == set(card["versions"])
    assert "words" in card


def test_the_reported_quality_is_measured_on_folds(trained):
    """Every document has a score from a model that saw neither it nor its group; the arrays fit together."""
    n = len(segment([document.text for document in trained.documents]))
    assert len(trained.scores) == len(trained.gold) == len(trained.alone) == len(trained.segments) == n
    assert ((trained.scores > 0) & (trained.scores < 1)).all()
    assert len(set(trained.folds.tolist())) == 3


def test_a_label_of_ones_own_is_learned():
    """Labels are data: a sixth label is learned, and kept or dropped as the policy says."""
    own = ("Paid content: why our kitchens last a lifetime, by Fir Kitchens", "sponsored")
    documents = small_corpus.corpus(each=4, more=[own] * 3)
    made = training.train(documents, keep=("editorial", "byline"), n_jobs=1).model
    assert made.labels == ("editorial", "byline", "ad", "boilerplate", "sponsored")
    assert made.drops.tolist() == [False, False, True, True, True]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda documents: [dataclasses.replace(documents[0], by="model"), *documents[1:]], "labelled by a model"),
        (lambda documents: [dataclasses.replace(document, group="one paper") for document in documents], "two groups"),
        (lambda documents: [document for document in documents if not {"ad", "boilerplate"} & {label for *_, label in document.runs()}], "one to drop"),
        (lambda _: [LabelledDocument(f"{n}", "en", f"{n}", "", ("Buy now",), ("ad",), "person") for n in range(4)], "one label to keep"),
        (lambda _: [], "two groups"),
    ],
    ids=["by a model", "one group", "nothing to drop", "nothing to keep", "nothing"],
)  # fmt: skip
def test_documents_that_cannot_be_trained_on(change, message):
    """Each refusal is a CorpusError that says what is missing."""
    with pytest.raises(CorpusError, match=message):
        training.train(change(small_corpus.corpus(each=3)), n_jobs=1)


# --- folds and variants ----------------------------------------------------------------------------------------------


def test_folds_never_split_a_group():
    """Whatever the sizes, languages and names: all documents of a group are in one fold, and dealing again gives the same."""
    rng = random.Random(5)
    for round_ in range(30):
        groups = [f"paper {n}" for n in range(rng.randint(2, 12))]
        documents = [
            LabelledDocument(
                f"{round_}-{n}", rng.choice(["ko", "en", "ja"]), rng.choice(groups), "", ("a line",) * rng.randint(1, 30), ("editorial",)
            )
            for n in range(rng.randint(2, 60))
        ]
        folds = training.deal(documents, 5)
        of_group = {}
        for document, fold in zip(documents, folds.tolist()):
            assert of_group.setdefault(document.group, fold) == fold
        assert set(folds.tolist()) <= set(range(5))
        np.testing.assert_array_equal(training.deal(documents, 5), folds)


def test_folds_are_of_like_size():
    """Many groups of one language: no fold has much more than its share, and every fold has some."""
    documents = small_corpus.corpus([f"paper {n}" for n in range(40)], each=3)
    count = Counter(training.deal(documents, 5).tolist())
    assert len(count) == 5
    assert max(count.values()) <= 1.5 * min(count.values())


def test_variants_stay_in_their_fold():
    """An ad is carried over within a fold only: no variant holds a line that its own fold does not have."""
    documents = small_corpus.corpus([f"paper {n}" for n in range(12)], each=3)
    marked = [
        dataclasses.replace(document, lines=tuple(f"{line} fold{fold}" for line in document.lines))
        for document, fold in zip(documents, training.deal(documents, 4).tolist())
    ]
    folds = training.deal(marked, 4)
    np.testing.assert_array_equal(folds, training.deal(documents, 4))
    made, sources = training.variants(marked, folds)
    assert len(made) == len(sources) > len(marked) // 2
    for variant, source in zip(made, sources):
        assert set(part for part in variant.text.split() if part.startswith("fold")) == {f"fold{folds[source]}"}
        assert variant.group == marked[source].group


def labelled_characters(document):
    """Every visible character of a document with its label, in order."""
    text = document.text
    return [(text[at], label) for start, end, label in document.runs() for at in range(start, end) if not text[at].isspace()]


@pytest.mark.parametrize("way", ["flattened", "wrapped", "paragraphed"])
def test_variants_keep_every_word_and_its_label(way):
    """Lines lost, broken or joined: the same characters in the same order under the same labels."""
    for seed, document in enumerate(small_corpus.corpus(each=3)):
        for lang in ("en", "ko", "ja"):
            source = dataclasses.replace(document, lang=lang)
            made = getattr(augment, way)(source, random.Random(seed))
            assert labelled_characters(made) == labelled_characters(source)
            assert len(made.lines) == len(made.labels)


def test_cropped_and_transplanted_invent_nothing():
    """A part of the lines; or the lines without the ads and with whole lines of other ads: each line keeps its label."""
    documents = small_corpus.corpus(each=3)
    blocks = augment.ad_blocks(
        [dataclasses.replace(d, lines=(*d.lines, *small_corpus.ADS[:3]), labels=(*d.labels, "ad", "ad", "ad")) for d in documents]
    )
    known = {(line, label) for document in documents for line, label in zip(document.lines, document.labels)} | {
        (line, "ad") for line in small_corpus.ADS
    }
    for seed, document in enumerate(documents):
        cropped = augment.cropped(document, random.Random(seed))
        assert set(zip(cropped.lines, cropped.labels)) <= set(zip(document.lines, document.labels))
        moved = augment.transplanted(document, blocks, random.Random(seed))
        assert set(zip(moved.lines, moved.labels)) <= known
        kept = [line for line, label in zip(document.lines, document.labels) if label != "ad"]
        assert [line for line, label in zip(moved.lines, moved.labels) if label != "ad"] == kept


# --- stages ----------------------------------------------------------------------------------------------------------


def test_trees_as_arrays_agree_with_scikit_learn():
    """The decision function of scikit-learn and the sums of our arrays are the same, on values equal to thresholds too."""
    rng = np.random.default_rng(3)
    table = np.concatenate((rng.normal(size=(6, 900)), rng.integers(-4, 5, size=(5, 900)), rng.random((1, 900)).round(1))).astype(
        np.float32
    )
    goes = (table[0] + table[7] + rng.normal(size=900) > 0) ^ (table[11] == 0.5)
    weight = rng.random(900) + 0.5
    edges = fitting.bin_edges(table)
    assert max(map(len, edges)) < 256, "bin numbers fit a byte"

    def codes(values):
        return np.stack([np.searchsorted(cuts, row) for cuts, row in zip(edges, values)], axis=1).astype(np.uint8)

    with threadpool_limits(1):  # as `train` does
        trees, base = fitting.fit_trees(codes(table), edges, goes, weight, training.TREES)
        model = HistGradientBoostingClassifier(random_state=0, early_stopping=False, **training.TREES)
        model.fit(codes(table), goes, sample_weight=weight)
    fresh = rng.normal(scale=2, size=(12, 700)).astype(np.float32)
    for row, cuts in zip(fresh, edges):  # a third of the values are edges, a third the next number above or below one
        row[:200] = rng.choice(cuts, 200)
        row[200:300] = np.nextafter(rng.choice(cuts, 100), np.float32(np.inf))
        row[300:400] = np.nextafter(rng.choice(cuts, 100), np.float32(-np.inf))
    for values in (table, fresh, fresh[:, :20]):
        with threadpool_limits(1):
            wanted = model.decision_function(codes(values))
        np.testing.assert_allclose(trees.raw(values) / LEAF_SCALE + base, wanted, atol=len(trees.value) / LEAF_SCALE)


def test_stage_one_agrees_with_scikit_learn(trained):
    """Weights of eight bits give nearly the probabilities that full precision gives, with two labels and with more."""
    from sklearn.linear_model import LogisticRegression

    documents = small_corpus.corpus(each=3)
    for labels in (["editorial", "byline", "ad", "boilerplate"], ["stays", "goes"]):
        named = [
            dataclasses.replace(d, labels=tuple(label if len(labels) > 2 else labels[label in ("ad", "boilerplate")] for label in d.labels))
            for d in documents
        ]
        data = training.prepare(named, labels, len(named))
        weight = np.ones(len(data.gold))
        fitted = fitting.fit_stage_one(data.matrix, data.gold, weight, len(labels))
        assert fitted.weights.dtype == np.int8
        unused = np.setdiff1d(np.arange(data.matrix.shape[1]), data.matrix.indices)
        assert not fitted.weights[:, unused].any()
        alone = training.features.Alone(fitted.evidence(data.matrix, data.counts), data.counts, fitted.bias, fitted.scale)
        used = np.unique(data.matrix.indices)
        inverse = np.log((1 + data.matrix.shape[0]) / (1 + np.bincount(data.matrix.indices)[used])) + 1
        scaled = data.matrix[:, used].multiply(inverse[None, :]).tocsr()
        wanted = LogisticRegression(C=fitting.STAGE_ONE_C, max_iter=2000, tol=1e-5).fit(scaled, data.gold).predict_proba(scaled)
        assert np.abs(alone.probability().T - wanted).max() < 0.08
        assert (alone.probability().argmax(axis=0) == data.gold).mean() > 0.95


def test_mean_of_several_fits_says_what_they_say_on_average():
    """Log odds of the mean are the means of the log odds, to within the rounding to eight bits; one fit is its own mean."""
    documents = small_corpus.corpus(each=3)
    labels = ["editorial", "byline", "ad", "boilerplate"]
    data = training.prepare(documents, labels, len(documents))
    parts = [data.segments.document % 3 != k for k in range(3)]
    fits = [fitting.fit_stage_one(data.matrix[part], data.gold[part], np.ones(part.sum()), len(labels)) for part in parts]
    mean = fitting.mean_stage_one(fits)

    def log_odds(stage):
        return stage.evidence(data.matrix, data.counts) * stage.scale / np.sqrt(data.counts) + stage.bias[:, None]

    wanted = np.mean([log_odds(fit) for fit in fits], axis=0)
    assert np.abs(log_odds(mean) - wanted).max() < 0.1
    assert np.abs(log_odds(fits[0]) - wanted).max() > 0.3  # the fits differ
    np.testing.assert_allclose(log_odds(fitting.mean_stage_one(fits[:1])), log_odds(fits[0]), atol=0.1)


# --- calibration, threshold, weights ---------------------------------------------------------------------------------


def test_calibrated_scores_are_probabilities():
    """Of segments scored about p, about the share p should go; the mean score is the share that goes."""
    rng = np.random.default_rng(8)
    raw = rng.normal(scale=3, size=20_000)
    goes = rng.random(20_000) < 1 / (1 + np.exp(-(0.6 * raw - 1)))
    slope, offset = fitting.fit_calibration(raw, goes, np.ones(20_000))
    assert slope == pytest.approx(0.6, abs=0.05)
    assert offset == pytest.approx(-1, abs=0.1)
    table = threshold.reliability(1 / (1 + np.exp(-(slope * raw + offset))), goes, np.ones(20_000))
    assert sum(row["n"] for row in table) == 20_000
    assert all(abs(row["score"] - row["share"]) < 0.05 for row in table)


def test_everyday_weights_give_everyday_shares():
    """Clean documents weigh what makes them `EVERYDAY_CLEAN` of all; the mean weight is 1; all of one kind count alike."""
    documents = [small_corpus.document(n, "a", [("Buy now", "ad")] if n < 6 else []) for n in range(10)]
    weights = threshold.everyday_weights(documents, ["ad", "boilerplate"])
    assert weights.mean() == pytest.approx(1)
    assert weights[6:].sum() / weights.sum() == pytest.approx(threshold.EVERYDAY_CLEAN)
    assert threshold.everyday_weights(documents[:6], ["ad"]).tolist() == [1] * 6


def test_the_threshold_is_the_lowest_that_keeps_the_news():
    """The lowest threshold that meets the target; where none does, the highest there is."""
    target = threshold.KEPT_TARGET
    curve = [{"threshold": t, "kept_chars": k} for t, k in ((0.1, target - 0.1), (0.4, target), (0.7, target + 0.001), (0.9, 1.0))]
    assert threshold.choose_threshold(curve) == 0.4
    assert threshold.choose_threshold([{**row, "kept_chars": target - 0.01} for row in curve]) == 0.9


def test_the_measured_curve_rises(trained):
    """A higher threshold keeps no less of the newsroom's text and drops no more of the rest."""
    curve = trained.model.card["curve"]
    assert [row["threshold"] for row in curve] == sorted(row["threshold"] for row in curve)
    kept, recall = ([row[name] for row in curve] for name in ("kept_chars", "drop_recall"))
    assert kept == sorted(kept)
    assert recall == sorted(recall, reverse=True)
    assert trained.model.policy.threshold in [row["threshold"] for row in curve]
