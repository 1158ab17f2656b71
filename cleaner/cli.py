"""The command line. Heavy imports wait until a command needs them, so that ``--help`` answers at once."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import click

from cleaner.errors import CleanerError, ModelError, UsageError

OK, SOME_FAILED, WRONG_USE, INTERRUPTED = 0, 1, 2, 130


class _Group(click.Group):
    """Turns our errors into one sentence on stderr and an exit status."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().main(*args, **{**kwargs, "standalone_mode": False})
        except click.exceptions.Exit as exit_:
            sys.exit(exit_.exit_code)
        except click.Abort:
            sys.exit(INTERRUPTED)
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)
        except click.ClickException as error:
            error.show()
            sys.exit(WRONG_USE)
        except BrokenPipeError:
            sys.stderr.close()
            sys.exit(SOME_FAILED)
        except CleanerError as error:
            click.echo(f"cleaner: {error}", err=True)
            sys.exit(WRONG_USE if isinstance(error, (UsageError, ModelError)) else SOME_FAILED)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="article-cleaner", prog_name="cleaner")
def main() -> None:
    """Take the advertising and the site furniture out of news text.

    \b
    cleaner clean scraped/ -o clean/        a folder of text files, pages, records
    cleaner clean page.txt                  one file, printed
    cleaner show page.txt                   what goes and what stays, with scores
    cleaner clean - < records.jsonl         JSON Lines in, JSON Lines out
    """


def cleaning_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that work wherever text is cleaned."""
    options = (
        click.option("--model", metavar="DIR", help="A model folder that `cleaner train` wrote [default: the packaged model]."),
        click.option("--keep", metavar="LABELS", help="Labels to keep, separated by commas [default: the model's policy]."),
        click.option("--favor", type=click.Choice(["keeping", "dropping"]), help="Move the threshold along the measured curve."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def make_cleaner(model: str | None, keep: str | None, favor: str | None) -> Any:
    """A `Cleaner` from the values of `cleaning_options`."""
    from cleaner.pipeline import Cleaner

    labels = None if keep is None else [name.strip() for name in keep.split(",") if name.strip()]
    return Cleaner(model, labels, favor)


@main.command()
@click.argument("inputs", nargs=-1, metavar="INPUT...")
@click.option("-o", "--output", "out", metavar="OUT", help="The folder to write to; without it, one file is printed.")
@cleaning_options
@click.option("--field", metavar="NAME", default="text", show_default=True, help="The field or column of a record that holds its text.")
@click.option("--encoding", metavar="NAME", help="The character set of the input [default: found for each file].")
@click.option("--format", "format", metavar="NAME", help="text, markdown, jsonl or parquet; with `-`, jsonl or bulk.")
@click.option("--parts", type=click.IntRange(1, 10_000), default=16, show_default=True, help="How many files jsonl and parquet write.")
@click.option("--exclude", multiple=True, metavar="PATTERN", help="Leave out paths or names that match; may be given again.")
@click.option("--files-from", metavar="LIST", help="Read paths from a file, or from stdin (`-`), one a line or ended by NULs.")
@click.option("--root", metavar="DIR", help="Mirror paths below this folder [default: the deepest that holds all inputs].")
@click.option("--shard", metavar="N/M", help="Do the Nth of M equal parts of the inputs; the other machines do the others.")
@click.option("--jobs", "-j", type=int, default=-1, metavar="N", help="How many cores to work on [default: all].")
@click.option("--retry-failed", is_flag=True, help="Try again what failed in an earlier run.")
@click.option("--checksum", is_flag=True, help="Tell changed files by their content, not by size and time.")
@click.option("--prune", is_flag=True, help="Remove the clean text of inputs that have vanished.")
@click.option("--time-limit", type=click.FloatRange(0.1), default=60.0, show_default=True, metavar="SECONDS", help="For parsing one page.")
@click.option("--memory-limit", default="2G", show_default=True, metavar="SIZE", help="For parsing one page.")
@click.option("--max-bytes", default="16M", show_default=True, metavar="SIZE", help="A larger document is set aside.")
@click.option("--quiet", "-q", is_flag=True, help="Say nothing but what failed.")
@click.option("--text", "plain", is_flag=True, help="With `-`: stdin is one plain text, not JSON Lines.")
@click.option("--segments", is_flag=True, help="With `-`: add every segment with its verdict.")
def clean(inputs: tuple[str, ...], out: str | None, **options: Any) -> None:
    """Clean files and folders into OUT; run again, and only what is new or changed is done.

    Text files (.txt, .md), pages (.html), records (.jsonl, .csv, .tsv, .parquet) and web archives (.warc), each also as .gz or
    .zst. The audit, the manifest, the failures and a report are in OUT/.cleaner/. `-` reads JSON Lines on stdin and writes them on
    stdout.
    """
    from cleaner import cleaning

    sys.exit(cleaning.command(inputs, out, make_cleaner, options))


@main.command()
@click.argument("out", metavar="OUT")
@click.option("-o", "--output", "to", metavar="DIR", help="The folder to write the source text to; without it, one document is printed.")
@click.option("--only", metavar="PATH", help="Restore this input alone (its path as in the manifest).")
def restore(out: str, to: str | None, only: str | None) -> None:
    """Give the source text back from the clean text in OUT and the audit."""
    from cleaner import restore as restoring

    sys.exit(restoring.command(out, to, only))


@main.command()
@click.argument("file", metavar="FILE")
@cleaning_options
@click.option("--encoding", metavar="NAME", help="The character set of the file [default: found].")
@click.option("--why", is_flag=True, help="Add the evidence for each verdict.")
def show(file: str, encoding: str | None, why: bool, **policy: Any) -> None:
    """Print a text file or a page in colour: what goes and what stays, with scores."""
    from rich.console import Console

    from cleaner.errors import ReadError
    from cleaner.read import kind_of, read_file
    from cleaner.show import show as show_article

    cleaner = make_cleaner(**policy)
    if kind_of(file) == "records":
        raise UsageError(f"{file}: `show` prints one text or page; clean a file of records with `cleaner clean {file} -o OUT`.")
    try:
        document = read_file(file, encoding)
    except ReadError as error:
        raise ReadError(f"{file}: {error}") from None
    show_article(cleaner, next(cleaner.clean_many([document])), Console(highlight=False), why=why)


@main.command()
@click.argument("gold", nargs=-1, required=True, metavar="GOLD...")
@click.option("--model", metavar="DIR", help="A model folder [default: the packaged model].")
@click.option("--by", metavar="FIELD", help="A row for each value of this field too (lang, group, kind ...).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def evaluate(gold: tuple[str, ...], model: str | None, by: str | None, as_json: bool) -> None:
    """Print the quality of a model on labelled documents (corpus format)."""
    from cleaner.corpus import load
    from cleaner.evaluate import evaluate_model, format_table
    from cleaner.model import load_model

    table = evaluate_model(load_model(model), load(gold), by)
    click.echo(json.dumps(table, ensure_ascii=False, indent=1) if as_json else format_table(table))


@main.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("-o", "--output", "out", metavar="FILE", default="review.html", show_default=True, help="The page to write; `-` prints it.")
@click.option("--uncertain", type=int, metavar="N", help="Show the N segments that are most worth a label, each in its document.")
@click.option("--limit", type=int, metavar="N", default=2000, show_default=True, help="At most so many documents, those most worth a look.")
@click.option("--labels", metavar="LABELS", help="Labels of your own to offer too, separated by commas.")
@click.option("--title", metavar="TEXT", help="The title of the page [default: the names of the inputs].")
@cleaning_options
@click.option("--field", metavar="NAME", default="text", show_default=True, help="The field of a record that holds the text.")
@click.option("--encoding", metavar="NAME", help="The character set of the input [default: found for each file].")
def review(inputs: tuple[str, ...], out: str, model: str | None, keep: str | None, favor: str | None, **options: Any) -> None:
    """Make a page to look at verdicts and correct them in, in any browser and without a server.

    INPUT is a folder that `cleaner clean` wrote, source files or folders, or labelled documents (.jsonl). The page saves the
    documents you looked at as labelled documents for `cleaner train`.
    """
    from cleaner import reviewing

    sys.exit(reviewing.command(inputs, out, {"model": model, "keep": keep, "favor": favor}, **options))


@main.command()
@click.argument("corpus", nargs=-1, metavar="CORPUS...")
@click.option("-o", "--output", "out", required=True, metavar="MODEL", help="The model folder to write.")
@click.option("--base", metavar="MODEL", help="Adapt this model: learn from the documents it carries too. `default` is the packaged one.")
@click.option(
    "--weight",
    type=click.FloatRange(0.1, 1000),
    metavar="N",
    help="With --base: a new document counts as much as N of the base [default: 4, less where the new ones are many].",
)
@click.option("--drop", metavar="LABELS", help="Labels to drop beside `ad` and `boilerplate` (or the base's), separated by commas.")
@click.option("--keep", metavar="LABELS", help="Labels to keep, separated by commas.")
@click.option("--curve", is_flag=True, help="Draw the learning curve too: is more labelling worth it? Trains three times more.")
@click.option("--report", metavar="FILE", help="Where to write the report, an HTML page [default: MODEL-report.html].")
@click.option("--no-documents", is_flag=True, help="Leave the documents out of the model folder; nobody can adapt it then.")
@click.option("--license", metavar="ID", help="The licence that the model card names, as an SPDX identifier.")
@click.option("--force", is_flag=True, help="Replace the model that stands in MODEL even with a worse one.")
@click.option("--jobs", "-j", type=click.IntRange(1), metavar="N", help="How many fits at a time [default: one for each core, up to 6].")
def train(corpus: tuple[str, ...], out: str, base: str | None, no_documents: bool, **options: Any) -> None:
    """Train a model on labelled documents, or adapt one to them, and say how good it is.

    CORPUS is files or folders of labelled documents (.jsonl): what `cleaner review` saves, or your own. The quality is measured
    on folds that never split a group (a publisher). A model that the comparison shows to be worse does not replace another.
    """
    from cleaner import retraining

    counts = options.pop("weight")
    policy = {side: [name.strip() for name in (options.pop(side) or "").split(",") if name.strip()] for side in ("keep", "drop")}
    sys.exit(retraining.command(corpus, out, base, retraining.Options(carry=not no_documents, **options), counts=counts, **policy))


@main.group()
def labels() -> None:
    """Bring labels in, take them out, and check them."""


@labels.command("import")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("-o", "--output", "out", metavar="FILE", required=True, help="The labelled file to write (.jsonl).")
@click.option("--from", "form", metavar="FORMAT", help="csv, tsv, label-studio, doccano or gold [default: found for each file].")
@click.option("--rest", metavar="LABEL", help="The label of text that carries none [default: such text is an error].")
@click.option("--by", metavar="NAME", help="Who labelled [default: what the file says, or person].")
@click.option("--lang", metavar="CODE", help="The language, where the file names none.")
@click.option("--group", metavar="NAME", help="The group (publisher), where the file names none [default: each document its own].")
@click.option("--pages", metavar="DIR", help="With gold: the folder of the pages, <id>.html.")
@click.option("--body", metavar="FIELD", help="With gold: the field that holds the text of the article.")
def import_(files: tuple[str, ...], out: str, **options: Any) -> None:
    """Turn labels of other tools, or pages with the text of their article, into labelled documents."""
    from cleaner import labelling

    sys.exit(labelling.import_command(files, out, **options))


@labels.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("-o", "--output", "out", metavar="FILE", required=True, help="The file to write.")
@click.option("--to", "form", metavar="FORMAT", help="csv, tsv, label-studio, label-studio-spans or doccano [default: by FILE's name].")
def export(files: tuple[str, ...], out: str, form: str | None) -> None:
    """Write labelled documents for a spreadsheet, Label Studio or doccano."""
    from cleaner import labelling

    sys.exit(labelling.export_command(files, out, form))


@labels.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--labels", "names", metavar="LABELS", help="The labels that may occur, separated by commas [default: those of the guide].")
@click.option("--drop", metavar="LABELS", help="For the cross-validation: labels that are dropped beside `ad` and `boilerplate`.")
@click.option("--keep", metavar="LABELS", help="For the cross-validation: labels that are kept.")
@click.option("--base", metavar="MODEL", help="Cross-validate together with the documents of this model (`default`: the packaged one).")
@click.option("--fast", is_flag=True, help="Leave out the cross-validation that finds likely label errors.")
@click.option("--all", "everything", is_flag=True, help="List every finding [default: twenty of each kind].")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON Lines.")
def check(files: tuple[str, ...], names: str | None, **options: Any) -> None:
    """Say what is wrong with labelled files, line by line. Exit status 1 if there is an error."""
    from cleaner import labelling

    sys.exit(labelling.check_command(files, names, **options))


if __name__ == "__main__":
    main()
