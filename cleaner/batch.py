"""Folders: plan, run in parallel, resume, set failures aside, report."""

from __future__ import annotations

import hashlib
import json
import os
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from dataclasses import replace as dataclass_replace
from pathlib import Path
from typing import Any

from cleaner import report
from cleaner.charset import python_encoding
from cleaner.errors import UsageError
from cleaner.journal import RUNS, Journal, merge
from cleaner.manifest import MANIFEST, Comparison, Rules, changes, lines_of
from cleaner.parallel import run, tasks
from cleaner.sinks import FORMATS, SHARDED
from cleaner.sources import STATE, Selection, find
from cleaner.task import Done, Settings, close_pages

RUN_FILE, REPORT, FAILURES, AUDIT = "run.json", "report.txt", "failures.jsonl", "audit.jsonl"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did.

    ``inputs`` were cleaned in this run, ``documents`` and ``failed`` counted in them; ``failed_before`` failed in an earlier run
    and were not tried again; ``unchanged`` were left as they are; ``vanished`` are in OUT but no longer in the source.
    ``state`` holds the manifest, the audit, the failures and the report.
    """

    inputs: int
    documents: int
    failed: int
    failed_before: int
    unchanged: int
    vanished: int
    state: Path


def clean_batch(
    inputs: Sequence[str | Path] | Selection, out: str | Path, *, jobs: int | None = None, rules: Rules | None = None,
    progress: Callable[[Done, int], None] | None = None, **options: Any,
) -> Outcome:  # fmt: skip
    """Clean files and folders into the folder `out`; what is there already and unchanged is left as it is.

    `jobs` is the number of cores (-1: all); without it, the caller's ``joblib.parallel_config`` decides, and where the work is
    done too. `rules` say what counts as changed. `progress` is called after each task with what it did and the number of
    unchanged inputs so far. `options` are those of `settings_for`. `UsageError` or `ModelError` if the run cannot begin;
    an input that fails is no error, it is counted and listed.
    """
    selection = inputs if isinstance(inputs, Selection) else Selection(tuple(map(str, inputs)))
    target = Path(os.path.abspath(out))
    root, sources = find(selection, str(target))
    settings = settings_for(target, selection.shard, **options)
    state = state_folder(target, selection.shard)
    with locked(state):
        about = _about(root, settings)
        _check_same(state, about)
        merge(state, target)
        Path(settings.run).mkdir(parents=True, exist_ok=True)
        _write_json(state, RUN_FILE, about)
        seen = Comparison()
        rules = _with_lost_parts(rules or Rules(), target, state, settings)
        wanted = changes(sources, state / MANIFEST, root=root, settings=settings, rules=rules, seen=seen)
        totals = Done(0, b"", {})
        journal: Journal | None = None
        try:
            for done in run(tasks(wanted), settings, jobs):
                journal = journal or Journal(state, settings)
                journal.add(done)
                totals = _sum(totals, done)
                if progress:
                    progress(done, seen.unchanged)
        finally:
            close_pages()
            if journal:
                journal.close()
        if merge(state, target) or not (state / REPORT).exists():
            _report(state, about)
    return Outcome(totals.inputs, totals.documents, totals.failed, seen.failed_before, seen.unchanged, seen.vanished, state)


def _sum(totals: Done, done: Done) -> Done:
    inputs, documents, failed = totals.inputs + done.inputs, totals.documents + done.documents, totals.failed + done.failed
    return totals._replace(inputs=inputs, documents=documents, failed=failed)


def state_folder(out: Path, shard: tuple[int, int] | None = None) -> Path:
    """The folder inside OUT for what is not clean text, made if need be. `UsageError` if OUT cannot be a folder."""
    state = out / STATE
    if shard:
        state /= f"shard-{shard[0]:05d}-of-{shard[1]:05d}"
    try:
        state.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise UsageError(f"{out}: is a file, and the output needs a folder; name another with -o.") from None
    except OSError as error:
        raise UsageError(f"{out}: cannot be made a folder ({error.strerror}); name another with -o.") from None
    return state


@contextmanager
def locked(state: Path) -> Iterator[None]:
    """Keep a second run out of the same OUT. `UsageError` if there is one."""
    try:
        file = (state / "lock").open("w")
    except OSError as error:
        raise UsageError(f"{state}: cannot be written ({error.strerror}); name another folder with -o.") from None
    with file:
        try:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:
            pass
        except OSError:
            raise UsageError(f"{state.parent}: another run is writing there; wait for it, or name another folder with -o.") from None
        yield


def settings_for(
    out: Path, shard: tuple[int, int] | None = None, *, model: str | Path | None = None, keep: Sequence[str] | None = None,
    favor: str | None = None, field: str = "text", encoding: str | None = None, format: str = "text", parts: int = 16, **limits: Any,
) -> Settings:  # fmt: skip
    """The settings of a run; `ModelError` or `UsageError` if they cannot be had. `limits` are the other fields of `Settings`."""
    if format not in FORMATS:
        raise UsageError(f"unknown format {format!r}; use one of {', '.join(FORMATS)}.")
    if encoding is not None and python_encoding(encoding) is None:
        raise UsageError(f"unknown encoding {encoding!r}; use a name such as utf-8, cp949 or shift_jis.")
    if parts < 1 or (shard and format in SHARDED and parts % shard[1]):
        raise UsageError(f"{parts} parts cannot be shared by {shard[1] if shard else 0} machines; let --parts be a multiple of the shards.")
    if format == "parquet":
        from cleaner.recordfiles import pyarrow

        pyarrow()
    run_folder = out / STATE / RUNS / uuid.uuid4().hex[:12]
    if shard:
        run_folder = state_folder(out, shard) / RUNS / run_folder.name
    folder = None if model is None else os.path.abspath(model)
    kept = None if keep is None else tuple(keep)
    settings = Settings(str(out), str(run_folder), "", folder, kept, favor, field, encoding, format, parts, **limits)
    return dataclass_replace(settings, config=_config(settings))


def _config(settings: Settings) -> str:
    """A digest of all that decides over the output: version, model (its card holds the digest of the weights), policy, format …"""
    from cleaner import __version__
    from cleaner.model import CARD_FILE, load_model, packaged_model

    folder = Path(settings.model) if settings.model else packaged_model()
    try:
        card = (folder / CARD_FILE).read_bytes()
    except OSError:
        load_model(settings.model)  # says what is wrong with it
        raise
    kept = sorted(settings.keep) if settings.keep is not None else None
    decisive = [__version__, kept, settings.favor, settings.field, settings.encoding, settings.format]
    return hashlib.blake2b(card + json.dumps(decisive).encode(), digest_size=6).hexdigest()


def _about(root: str, settings: Settings) -> dict[str, Any]:
    from cleaner import __version__

    about = asdict(settings)
    return {"version": __version__, "root": root, **{name: about[name] for name in about if name not in ("out", "run")}}


def _check_same(state: Path, about: dict[str, Any]) -> None:
    """An OUT belongs to one source and one format. `UsageError` if this run does not fit what is there."""
    before = read_run(state)
    if not before or not (state / MANIFEST).exists():
        return
    if before["format"] != about["format"] or (about["format"] in SHARDED and before["parts"] != about["parts"]):
        was = before["format"] + (f" in {before['parts']} parts" if before["format"] in SHARDED else "")
        raise UsageError(f"{state.parent}: holds {was}; name another folder with -o, or remove this one.")
    if before["root"] != about["root"] and os.path.isdir(before["root"]):
        raise UsageError(
            f"{state.parent}: holds what was cleaned from {before['root']}, not from {about['root']}; "
            f"name another folder with -o, or give --root {before['root']}."
        )


def read_run(state: Path) -> dict[str, Any]:
    """What is written about the last run; empty if there was none."""
    try:
        about = json.loads((state / RUN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return about if isinstance(about, dict) else {}


def _write_json(state: Path, name: str, value: dict[str, Any]) -> None:
    temporary = state / RUNS / name
    temporary.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    temporary.replace(state / name)


def _with_lost_parts(rules: Rules, out: Path, state: Path, settings: Settings) -> Rules:
    """Part files that are no longer there take their inputs' rows with them."""
    if not settings.sharded or not (state / MANIFEST).exists():
        return rules
    from cleaner.manifest import key_of
    from cleaner.parts import part_name
    from cleaner.sources import part_of

    missing = {number for number in range(settings.parts) if not (out / part_name(number, settings.parts, settings.format)).exists()}
    if missing:
        needed = {part_of(key_of(line), settings.parts) for line in lines_of(state / MANIFEST)}
        missing &= needed
    return Rules(rules.retry_failed, rules.checksum, rules.prune, frozenset(missing), settings.parts)


def _report(state: Path, about: dict[str, Any]) -> None:
    summary = report.summarise(lines_of(state / MANIFEST))
    head = {"finished": time.strftime("%Y-%m-%d %H:%M:%S"), "source": report.shown(about["root"]), "version": about["version"]}
    written = report.text(summary, lines_of(state / FAILURES), {**head, "model": about["model"] or "packaged"})
    temporary = state / RUNS / REPORT
    temporary.parent.mkdir(exist_ok=True)
    temporary.write_text(written, encoding="utf-8")
    temporary.replace(state / REPORT)
    temporary.parent.rmdir()


__all__ = ["Outcome", "Rules", "Selection", "clean_batch"]
