"""`cleaner show`, `cleaner evaluate`, `cleaner --help`: what a person sees."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest
from conftest import AD, EXAMPLES, ROOT, STORY
from rich.console import Console

from cleaner import Cleaner, corpus
from cleaner.show import show
from cleaner.why import explain, reasons

TEXT = "\n\n".join([*STORY, "\n".join(AD)]) + "\n"


def printed(text, why=False, **options):
    cleaner, out = Cleaner(), io.StringIO()
    show(cleaner, cleaner.clean(text), Console(file=out, width=60, highlight=False, **options), why=why)
    return out.getvalue()


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "page.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_a_row_for_each_segment():
    """Sign, score, label and text, in order; every segment whole on its row, however narrow the terminal; a summary at the end."""
    rows = printed(TEXT).splitlines()
    assert len(rows) == len(STORY) + len(AD) + 1
    for line, row in zip([*STORY, *AD], rows):
        assert row.endswith(line)
        assert row.startswith("−" if line in AD else " ")
    assert rows[-1].startswith(f"{len(STORY) + len(AD)} segments, {len(AD)} dropped (")


def test_colour_is_not_all_that_tells():
    """With colour, what goes is struck out; without, the sign tells it too."""
    assert "\x1b[" in printed(TEXT, force_terminal=True, color_system="standard")
    assert "\x1b[" not in printed(TEXT)


def test_nothing_obeys_the_text():
    """Control characters and lone surrogates are printed as escapes, markup of the printing library is plain text, wide spaces stay."""
    out = printed("그는 말했다\x1b[31m빨강\x07\n[bold]시장[/bold]은\u3000갔다\n\ud800 글", force_terminal=True, color_system="standard")
    assert "\x1b[31m빨강" not in out
    assert "\\x1b[31m빨강\\x07" in out
    assert "[bold]시장[/bold]은\u3000갔다" in out
    assert "\\ud800 글" in out


def test_why_gives_evidence_for_each_segment():
    """A line of evidence under each row: what it is by itself, words that stand in the text, and its surroundings."""
    rows = printed(TEXT, why=True).splitlines()
    assert len(rows) == 2 * (len(STORY) + len(AD)) + 1
    assert all("by itself" in row and "%" in row for row in rows[1:-1:2])


def test_the_words_given_as_evidence_stand_in_the_segment(cleaner, texts):
    """Nothing is made up: each n-gram named is in the segment it speaks for, as many lists as segments."""
    for text in [TEXT, *texts[:12]]:
        article = cleaner.clean(text)
        found = explain(cleaner, text)
        assert len(found) == len(article.segments)
        for evidence, segment in zip(found, article.segments):
            quoted = [gram.strip(" ’") for words in evidence.words[1:] for gram in words.split(" ‘")[1:]]
            assert all(" ".join(gram.split()) in " ".join(segment.text.split()) for gram in quoted), (quoted, segment.text)


def test_evidence_for_anything(cleaner, texts):
    """No text is too strange to explain; none is needed for an empty one."""
    assert reasons(cleaner, "") == []
    for text in texts:
        assert len(reasons(cleaner, text)) == len(cleaner.clean(text).segments)


def test_show_on_the_command_line(run, page):
    """A text, a page and a CP949 file; with --why more; policy options work."""
    done = run("show", page)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(line in done.stdout for line in TEXT.split("\n"))
    why = run("show", page, "--why", "--favor", "dropping")
    assert why.returncode == 0
    assert len(why.stdout.splitlines()) > len(done.stdout.splitlines())
    old = run("show", EXAMPLES / "old-scrape.txt")
    assert "서광제책사" in old.stdout
    web = run("show", EXAMPLES / "web-article.html")
    assert "Two return sailings are planned" in web.stdout
    assert "<p>" not in web.stdout


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["show"], 2, "FILE"),
        (["show", "nowhere.txt"], 1, "nowhere.txt: no such file"),
        (["show", "{records}"], 2, "cleaner clean"),
        (["show", "{page}", "--keep", "adverts"], 2, "no label 'adverts'"),
        (["show", "{page}", "--favor", "both"], 2, "favor"),
        (["show", "{page}", "--encoding", "klingon"], 2, "unknown encoding 'klingon'"),
        (["show", "{page}", "--encoding", "shift_jis"], 1, "leave --encoding out"),
        (["evaluate"], 2, "GOLD"),
        (["evaluate", "nowhere.jsonl"], 1, "nowhere.jsonl"),
        (["evaluate", "{page}"], 1, "page.txt:1"),
        (["evaluate", "{gold}", "--model", "nowhere"], 2, "no such model folder"),
        (["nonsense"], 2, "nonsense"),
        (["show", "{page}", "--nonsense"], 2, "--nonsense"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_use_is_one_clear_message(run, page, tmp_path, arguments, status, message):
    """Exit status 2 for wrong usage, 1 for an input that failed; the message names what is wrong; no traceback, nothing on stdout."""
    places = {"page": page, "records": EXAMPLES / "records.jsonl", "gold": ROOT / "corpus"}
    done = run(*[argument.format(**places) for argument in arguments], cwd=tmp_path)
    assert done.returncode == status, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_evaluate_prints_a_table(run, tmp_path):
    """A row for all documents and one for each value of a field; as JSON the same numbers."""
    gold = tmp_path / "gold.jsonl"
    corpus.save(
        [corpus.LabelledDocument(f"{n}", "ko", "g", "web", (*STORY, *AD), ("editorial",) * 4 + ("ad",) * 4) for n in range(2)], gold
    )
    done = run("evaluate", gold, "--by", "kind")
    assert (done.returncode, done.stderr) == (0, "")
    head, *rows = done.stdout.splitlines()
    assert {"documents", "kept_chars", "drop_F1"} <= set(head.split())
    assert [row.split("  ")[0].strip() for row in rows] == ["all", "kind web"]
    table = json.loads(run("evaluate", gold, "--json").stdout)
    assert table["all"]["documents"] == 2
    assert table["all"]["drop_F1"] == 1


COMMANDS = ["clean", "show", "evaluate", "train", "review"]


def test_help_names_the_commands(run):
    """The first thing a stranger types: what it is for, and each command in a line."""
    done = run("--help")
    assert done.returncode == 0
    assert "Take the advertising and the site furniture out of news text" in done.stdout
    assert all(f"\n  {command} " in done.stdout for command in COMMANDS)
    assert run("-h").stdout == done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(run, command):
    """With the metavariables of its arguments, at once."""
    done = run(command, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: ")


def test_help_does_not_wait_for_heavy_imports():
    """`cleaner --help` answers without NumPy, scikit-learn, trafilatura, rich or a model; so does importing the package."""
    code = (
        "import sys, cleaner, cleaner.cli\n"
        "try:\n    cleaner.cli.main(['--help'])\nexcept SystemExit as stop:\n    assert not stop.code\n"
        "heavy = {'numpy', 'scipy', 'sklearn', 'trafilatura', 'lxml', 'rich', 'joblib', 'pyarrow', 'pandas'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", cwd=ROOT, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_cleaning_does_not_wait_for_scikit_learn():
    """Loading the model and cleaning a text needs NumPy alone: neither scikit-learn nor SciPy nor trafilatura is imported."""
    code = (
        "import sys\nfrom cleaner import Cleaner\nCleaner().clean('시의회가 열렸다.')\n"
        "heavy = {'scipy', 'sklearn', 'trafilatura', 'lxml', 'joblib', 'pandas'} & set(sys.modules)\nassert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", cwd=ROOT, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_version(run):
    """The version the package says."""
    import cleaner

    done = run("--version")
    assert done.returncode == 0
    assert cleaner.__version__ in done.stdout
