"""`cleaner train`: what it learns from, what it compares, what it refuses, and what it writes."""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import small_corpus

from cleaner import carried, cli, compare, corpus, lesson, quality_page, retraining, training
from cleaner.errors import CorpusError, ModelError, UsageError
from cleaner.evaluate import Quality
from cleaner.model import load_model
from cleaner.pipeline import Cleaner

SPONSORED = ("Paid content: why our kitchens last a lifetime, by Fir Kitchens", "sponsored")


@pytest.fixture(autouse=True, scope="module")
def _fast() -> Iterator[None]:
    """Few folds and few trees: these tests ask how training is used, not how well it learns."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "N_FOLDS", 2)
        for name in ("TREES", "LOOK_TREES"):
            patch.setattr(training, name, {**training.TREES, "max_iter": 25, "learning_rate": 0.3, "min_samples_leaf": 4})
        yield


def run(*arguments: object) -> int:
    """The exit status of `cleaner train` with these arguments, in this process."""
    with pytest.raises(SystemExit) as stop:
        cli.main(["train", *map(str, arguments), "--jobs", "1"])
    return int(stop.value.code or 0)


def saved(path: Path, documents: list[corpus.LabelledDocument]) -> Path:
    corpus.save(documents, path)
    return path


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small labelled corpus on disk."""
    return saved(tmp_path_factory.mktemp("labels") / "small.jsonl", small_corpus.corpus())


@pytest.fixture(scope="module")
def base(labelled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model trained on the small corpus."""
    out = tmp_path_factory.mktemp("models") / "base"
    assert run(labelled, "-o", out, "--license", "cc0-1.0") == 0
    return out


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """New labels from papers that the small corpus does not have, with a label of their own."""
    papers = ("Islet Times", "Cape Mail", "Delta Echo", "Ridge News")
    documents = small_corpus.corpus(papers, each=3, seed=7, more=[SPONSORED] * 2)
    return saved(tmp_path_factory.mktemp("fresh") / "new.jsonl", documents)


@pytest.fixture(scope="module")
def adapted(base: Path, fresh: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model of `base`, adapted to the new labels."""
    out = tmp_path_factory.mktemp("models") / "adapted"
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        assert run(fresh, "--base", base, "-o", out, "--drop", "sponsored", "--curve", "--weight", "4") == 0
    out.with_name("printed.txt").write_text(printed.getvalue(), encoding="utf-8")
    return out


def test_a_trained_model_loads_and_cleans(base: Path) -> None:
    """What `cleaner train` writes is a model that the rest of the program can use."""
    article = Cleaner(base).clean("\n".join([*(line for line in small_corpus.corpus()[0].lines), small_corpus.ADS[0]]))
    assert article.text
    assert [segment.text for segment in article.dropped] == [small_corpus.ADS[0]]


def test_the_folder_tells_what_it_is(base: Path, labelled: Path) -> None:
    """Card, README and documents stand beside the weights, and the documents are the corpus."""
    assert {path.name for path in base.iterdir()} == {"weights.npz", "card.json", "README.md", "documents.jsonl.gz"}
    card = json.loads((base / "card.json").read_text(encoding="utf-8"))
    assert card["corpus"]["documents"] == 30
    assert card["corpus"]["composition"]["labeller"] == {"person": 30}
    assert set(card["quality_by_group"]) == set(small_corpus.PAPERS)
    assert [d.row() for d in carried.load_base(base).documents] == [d.row() for d in corpus.load([labelled])]


def test_the_readme_is_a_model_card(base: Path) -> None:
    """The README has the YAML head that model hubs read, and the figures that people ask for."""
    yaml = pytest.importorskip("yaml", reason="PyYAML reads the head")
    _, head, body = (base / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    fields = yaml.safe_load(head)
    assert fields["language"] == ["en"]
    assert fields["license"] == "cc0-1.0"
    metrics = {entry["name"]: entry["value"] for entry in fields["model-index"][0]["results"][0]["metrics"]}
    assert metrics["drop F1"] == load_model(base).card["quality"]["all"]["drop_F1"]
    for title in ("## Data", "## Quality", "## Reliability", "## Limits", "Harbour Post"):
        assert title in body


def test_two_trainings_give_the_same_bytes(base: Path, labelled: Path, tmp_path: Path) -> None:
    """The same corpus gives the same weights, card, README and documents, to the byte."""
    assert run(labelled, "-o", tmp_path / "base", "--license", "cc0-1.0") == 0
    for file in base.iterdir():
        assert (tmp_path / "base" / file.name).read_bytes() == file.read_bytes(), file.name


def test_adapting_learns_from_both(adapted: Path, base: Path) -> None:
    """An adapted model knows the new label, carries all documents, and remembers how much each counted."""
    card = load_model(adapted).card
    assert "sponsored" in card["labels"]
    assert "sponsored" not in card["policy"]["keep"]
    assert card["corpus"]["documents"] == 42
    assert card["base"] == load_model(base).card["weights_sha256"]
    again = carried.load_base(adapted)
    assert sorted(set(again.counts)) == [1.0, 4.0]
    assert again.counts.count(1.0) == 30


def test_adapting_shows_before_and_after(adapted: Path) -> None:
    """The same folds without and with the new labels, on the new documents and on the base's; the base as it stands on new ones only."""
    comparisons = load_model(adapted).card["comparisons"]
    assert [(one["before"], one["on"], one["documents"]) for one in comparisons] == [
        ("without the new labels", "the new documents", 12),
        ("without the new labels", "the base's documents", 30),
        ("the base as it stands", "documents that it has not learned from", 12),
    ]
    assert all({change["name"] for change in one["changes"]} == {"drop_F1", "kept_chars"} for one in comparisons)


def test_the_report_stands_alone(adapted: Path) -> None:
    """The report is one page with its pictures in it, and loads nothing."""
    html = adapted.with_name("adapted-report.html").read_text(encoding="utf-8")
    assert html.count("<svg") == 4
    for words in ("Before and after", "Precision and recall", "Reliability", "Learning curve", "Confusion", "By group", "The worst lines"):
        assert words in html
    for outside in ("http:", "https:", "src=", "<script", "@import", "url("):
        assert outside not in html


def test_a_part_of_the_new_labels_makes_the_learning_curve(adapted: Path) -> None:
    """`--curve` prints what parts of the new labels would have reached, from none to all."""
    printed = adapted.with_name("printed.txt").read_text(encoding="utf-8")
    lines = [line for line in printed.splitlines() if line.startswith("learned from")]
    assert [int(line.split()[2]) for line in lines] == [0, 2, 3, 6, 12]


def test_progress_is_told_on_stderr(capsys: pytest.CaptureFixture[str], labelled: Path, tmp_path: Path) -> None:
    """While it works it says what it does, and at the end what the model is worth."""
    assert run(labelled, "-o", tmp_path / "m", "--report", tmp_path / "deep" / "r.html") == 0
    said = capsys.readouterr()
    assert "stage one fitted" in said.err
    assert "drop_F1" in said.out
    assert (tmp_path / "deep" / "r.html").exists()


def test_documents_can_be_left_out(labelled: Path, base: Path, tmp_path: Path) -> None:
    """With --no-documents no text travels with the model, an older copy goes, and adapting it says why it cannot."""
    out = tmp_path / "m"
    out.mkdir()
    for file in base.iterdir():
        (out / file.name).write_bytes(file.read_bytes())
    assert run(labelled, "-o", out, "--no-documents") == 0
    assert sorted(path.name for path in out.iterdir()) == ["README.md", "card.json", "weights.npz"]
    with pytest.raises(ModelError, match="carries no documents"):
        carried.load_base(out)


# --- what to learn from ----------------------------------------------------------------------------------------------


def test_labels_of_ones_own_and_the_policy(fresh: Path) -> None:
    """A label that no policy names is kept and said to be; --drop and --keep change sides; a label that is nowhere is an error."""
    first = lesson.lesson([fresh])
    assert "sponsored" in first.keep
    assert any("--drop sponsored" in note for note in first.notes)
    other = lesson.lesson([fresh], keep=["boilerplate"], drop=["sponsored"])
    assert set(other.keep) == {"editorial", "byline", "boilerplate"}
    with pytest.raises(UsageError, match="'comment'"):
        lesson.lesson([fresh], drop=["comment"])
    with pytest.raises(UsageError, match="name it once"):
        lesson.lesson([fresh], drop=["ad"], keep=["ad"])


def test_labels_without_the_usual_names(tmp_path: Path) -> None:
    """A corpus whose labels are all its own trains, saves, loads and cleans."""
    renamed = {"editorial": "story", "byline": "story", "ad": "sponsored", "boilerplate": "comment"}
    documents = [dataclasses.replace(d, labels=tuple(renamed[str(label)] for label in d.labels)) for d in small_corpus.corpus()]
    out = tmp_path / "own"
    assert run(saved(tmp_path / "own.jsonl", documents), "-o", out, "--drop", "sponsored,comment") == 0
    cleaner = Cleaner(out)
    assert cleaner.model.labels == ("comment", "sponsored", "story")
    assert cleaner.model.drops.tolist() == [True, True, False]
    assert cleaner.model.card["quality"]["all"]["sponsored_gone"] > 0.9
    assert {s.label for s in cleaner.clean(documents[1].text).segments} <= {"story", "sponsored", "comment"}


def test_the_base_keeps_its_folds(base: Path, fresh: Path) -> None:
    """New documents do not move those of the base to other folds, and groups are not split."""
    taught = lesson.lesson([fresh], base)
    old = carried.load_base(base).documents
    assert taught.folds[: len(old)].tolist() == training.deal(old, 2).tolist()
    by_group: dict[str, set[int]] = {}
    for document, fold in zip(taught.documents, taught.folds.tolist()):
        by_group.setdefault(document.group, set()).add(fold)
    assert all(len(folds) == 1 for folds in by_group.values())


def test_new_labels_of_one_group_are_parted(base: Path, tmp_path: Path) -> None:
    """New labels of one publisher lie in several folds, or what they teach would never show; the user is told."""
    one = saved(tmp_path / "one.jsonl", small_corpus.corpus(["Harbour Post"], each=6, seed=3))
    taught = lesson.lesson([one], base)
    assert len(set(taught.folds[np.array(taught.new)].tolist())) == 2
    assert any("Harbour Post" in note for note in taught.notes)


def test_new_labels_replace_old_ones(base: Path, labelled: Path, tmp_path: Path) -> None:
    """A corrected document of the base takes the place of the old one; of two copies the last counts."""
    document = corpus.load([labelled])[1]
    corrected = dataclasses.replace(document, labels=tuple("editorial" for _ in document.labels))
    path = saved(tmp_path / "corrected.jsonl", [document, corrected])
    taught = lesson.lesson([path], base)
    assert len(taught.documents) == 30
    assert [d.labels for d, new in zip(taught.documents, taught.new) if new] == [corrected.labels]
    assert len(taught.notes) >= 2


def test_nothing_of_the_new_labels_reaches_the_training_before(base: Path, fresh: Path, tmp_path: Path) -> None:
    """The model without the new labels is the same whatever those labels say."""
    turned = {"editorial": "ad", "byline": "ad", "ad": "editorial", "boilerplate": "sponsored", "sponsored": "byline"}
    wrong = [dataclasses.replace(d, labels=tuple(turned[str(label)] for label in d.labels)) for d in corpus.load([fresh])]
    scores = []
    for path in (fresh, saved(tmp_path / "wrong.jsonl", wrong)):
        taught = lesson.lesson([path], base, drop=["sponsored"])
        counts = [0.0 if new else n for n, new in zip(taught.counts, taught.new)]
        result = training.train(taught.documents, keep=taught.keep, counts=counts, folds=taught.folds, n_jobs=1)
        assert result.model.card["corpus"]["documents"] == 30
        scores.append(result.scores)
    assert scores[0].tolist() == scores[1].tolist()


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "status", "words"),
    [
        ([], 1, "no labelled document"),
        (["not json"], 1, "not JSON"),
        ([{"lines": ["a", "b"], "labels": ["ad"]}], 1, "2 lines but 1 labels"),
        ([{"lines": ["a"], "labels": ["ad"], "by": "model", "group": g} for g in "pq"], 1, "labelled by a model"),
        ([{"id": "x", "lines": ["a"], "labels": ["editorial"], "group": g} for g in "pq"], 1, "text of another"),
        ([{"lines": ["a", "b"], "labels": ["ad", "editorial"], "group": "p"}], 1, "at least two groups"),
        ([{"lines": [g], "labels": ["editorial"], "group": g} for g in "pq"], 1, "one to drop"),
    ],
)
def test_a_corpus_that_cannot_be_learned_from(
    rows: list[object], status: int, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each says what is wrong in one sentence, and leaves nothing behind."""
    path = tmp_path / "bad.jsonl"
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), encoding="utf-8")
    assert run(path, "-o", tmp_path / "m") == status
    said = capsys.readouterr()
    assert words in said.err + said.out or words == "text of another"
    assert not (tmp_path / "m").exists()


def test_a_place_that_is_no_model_folder(labelled: Path, tmp_path: Path) -> None:
    """A file, or a folder with other things in it, is refused before the training starts."""
    (tmp_path / "file").write_text("x", encoding="utf-8")
    assert run(labelled, "-o", tmp_path / "file") == 2
    assert run(labelled, "-o", tmp_path) == 2


def quality(right: float, wrong: float, missed: float, lost: float = 0.0) -> Quality:
    return Quality(1, 9, 1000, 1000 - lost, right, wrong, missed, 0, 0, 1, 0, {})


def test_what_counts_as_worse() -> None:
    """A sure fall is a reason; a fall that may be chance is none, and neither is one figure given for the other."""
    good, bad, careful = quality(5, 0, 0, 1), quality(3, 0, 2, 1), quality(3, 0, 2, 0)
    falls = compare.compare([good] * 40, [bad] * 40, "old", "new", "x")
    assert compare.reasons_against([falls])[0].startswith("drop_F1 falls from 1.0000 to 0.7500")
    assert not compare.reasons_against([compare.compare([bad] * 40, [good] * 40, "old", "new", "x")])
    assert not compare.reasons_against([compare.compare([good] * 40, [good] * 39 + [bad], "old", "new", "x")])
    lossy = quality(3, 0, 2, 9)
    assert not compare.reasons_against([compare.compare([lossy] * 40, [careful] * 40, "old", "new", "x")])
    trade = compare.compare([quality(3, 0, 2, 1)] * 40, [quality(5, 0, 0, 9)] * 40, "old", "new", "x")
    assert trade.reasons and not compare.reasons_against([trade])


def test_a_worse_model_does_not_replace_a_better_one(
    base: Path, fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The old model stays as it was, the new one is kept beside it, the reason is told; --force replaces it."""
    out = tmp_path / "m"
    out.mkdir()
    for file in base.iterdir():
        (out / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(retraining, "reasons_against", lambda comparisons: ["drop_F1 falls from 0.9000 to 0.8000"] if comparisons else [])
    assert run(fresh, "--base", base, "-o", out) == 1
    assert "drop_F1 falls" in capsys.readouterr().err
    assert (out / "card.json").read_bytes() == (base / "card.json").read_bytes()
    assert load_model(tmp_path / "m-refused").card["corpus"]["documents"] == 42
    assert run(fresh, "--base", base, "-o", out, "--force") == 0
    assert load_model(out).card["corpus"]["documents"] == 42


def test_a_model_is_trained_again_from_what_it_carries(base: Path, tmp_path: Path) -> None:
    """A folder of an older format can be trained again from its documents: the way up for old models."""
    old = tmp_path / "old"
    old.mkdir()
    for file in base.iterdir():
        (old / file.name).write_bytes(file.read_bytes())
    card = json.loads((old / "card.json").read_text(encoding="utf-8"))
    (old / "card.json").write_text(json.dumps({**card, "format": 0}), encoding="utf-8")
    with pytest.raises(ModelError, match="cleaner train --base"):
        load_model(old)
    assert run("--base", old, "-o", old) == 0
    assert load_model(old).card["format"] == card["format"]


# --- the report ------------------------------------------------------------------------------------------------------


def test_text_in_the_report_is_text(fresh: Path) -> None:
    """Markup, event attributes and direction marks in a document are shown, not obeyed."""
    hostile = '</style><script>alert(1)</script><img src=x onerror="alert(1)"> \u202eevil\x07'
    documents = [
        dataclasses.replace(d, id=hostile, group=f"{hostile}{d.group}", lines=(hostile, *d.lines), labels=("ad", *d.labels))
        for d in corpus.load([fresh])
    ]
    taught = dataclasses.replace(lesson.lesson([fresh]), documents=tuple(documents), folds=training.deal(documents, 2))
    _, found, _ = retraining.learn(taught, Path("nowhere"), retraining.Options(jobs=1))
    line = dataclasses.replace(found.worst[0], text=hostile) if found.worst else None
    html = quality_page.page(dataclasses.replace(found, worst=[line] if line else [], notes=[hostile]), hostile)
    assert "<script" not in html and "<img" not in html
    assert "&lt;script&gt;" in html and "[U+202E]evil[U+0007]" in html
    assert html.count("</style>") == 1


def test_carried_documents_that_were_changed(base: Path, tmp_path: Path) -> None:
    """Documents that do not match the card, or that are no documents, are a ModelError."""
    folder = tmp_path / "m"
    folder.mkdir()
    card = json.loads((base / "card.json").read_text(encoding="utf-8"))
    data = (base / "documents.jsonl.gz").read_bytes()
    spoilt = [(content, True) for content in (data[:-40], gzip.compress(b"[1]\n"), gzip.compress(b"{"), b"")]
    for content, matches in [(data[:-40], False), *spoilt]:
        (folder / "documents.jsonl.gz").write_bytes(content)
        digest = hashlib.sha256(content).hexdigest() if matches else card["documents_sha256"]
        (folder / "card.json").write_text(json.dumps({**card, "documents_sha256": digest}), encoding="utf-8")
        with pytest.raises(ModelError):
            carried.load_base(folder)
    with pytest.raises(CorpusError):
        lesson.lesson([tmp_path / "missing.jsonl"], base)


def test_only_what_a_person_confirmed_is_measured(fresh: Path) -> None:
    """In a document looked at in part, the labels that a model gave are no gold."""
    document = next(d for d in corpus.load([fresh]) if "ad" in d.labels)
    part = dataclasses.replace(document, extra={"confirmed": [document.labels.index("ad")]})
    assert [label for _, _, label in part.vouched().runs()] == ["ad"]
    assert document.vouched() is document


def test_lines_nobody_confirmed_are_context_only(fresh: Path) -> None:
    """What the unconfirmed lines of a document are labelled changes neither the weights nor the figures."""
    results = []
    for label in ("editorial", "ad"):
        documents = small_corpus.corpus(each=4)
        part = documents[5]
        labels = tuple(name if i == 0 else label for i, name in enumerate(part.labels))
        documents[5] = dataclasses.replace(part, labels=labels, extra={"confirmed": [0]})
        results.append(training.train(documents, n_jobs=1))
    first, second = results
    for name, array in first.model.arrays.items():
        np.testing.assert_array_equal(array, second.model.arrays[name], err_msg=name)
    assert first.model.card["quality"] == second.model.card["quality"]
    notes = lesson.lesson_of(documents, None).notes
    assert any("1 confirmed line" in note and "context only" in note for note in notes)


def test_labels_of_a_model_are_refused_at_once(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With a base too it is said before the minutes of training, with what to do."""
    rows = [dataclasses.replace(d, by="model") for d in small_corpus.corpus(["Islet Times"], each=3)]
    assert run(saved(tmp_path / "audit.jsonl", rows), "--base", base, "-o", tmp_path / "model") == 1
    said = capsys.readouterr().err
    assert "cleaner review" in said
    assert "stage one" not in said


def test_text_files_get_their_language(base: Path) -> None:
    """New documents that name no language are taken for what they look like, so that they are trained with their like."""
    documents = [dataclasses.replace(d, lang="") for d in small_corpus.corpus(["Islet Times", "Cape Mail"], each=2)]
    taught = lesson.lesson_of(documents, carried.load_base(base))
    assert {d.lang for d, new in zip(taught.documents, taught.new) if new} == {"en"}
    assert any("en (4)" in note for note in taught.notes)


def test_the_packaged_model_by_its_place_in_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--base models/default`, as the README has it, works in any folder; a folder of that name goes first."""
    monkeypatch.chdir(tmp_path)
    assert lesson.base_folder("models/default") == lesson.base_folder("default") == lesson.packaged_model()
    (tmp_path / "models" / "default").mkdir(parents=True)
    assert lesson.base_folder("models/default/") == Path("models/default")


def test_a_base_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ModelError, match="no such model folder"):
        carried.load_base(tmp_path / "modles" / "mine")
