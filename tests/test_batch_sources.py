"""What inputs there are, and in which order."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from batch_help import STORY, make

from cleaner import UsageError
from cleaner.sources import SKIP, Selection, Source, find, order


def _keys(selection: Selection, out: Path | None = None) -> list[str]:
    return [source.key for source in find(selection, str(out) if out else None)[1]]


def _of(*inputs: Path | str, **more: object) -> Selection:
    return Selection(tuple(map(str, inputs)), **more)  # type: ignore[arg-type]


def test_walk_is_in_the_order_of_keys(tmp_path: Path) -> None:
    """The walk gives keys in one order, the one that manifests are merged in."""
    names = ["b.txt", "a/z.txt", "a.txt", "a b.txt", "a/b/c.txt", "가.txt", "A.txt"]
    make(tmp_path, dict.fromkeys(names, STORY))
    keys = _keys(_of(tmp_path))
    assert keys == sorted(names, key=order)


def test_root_of_several_inputs(tmp_path: Path) -> None:
    """One folder is its own root; several inputs are mirrored below the folder that holds them all; none comes twice."""
    make(tmp_path, {"x/a.txt": "", "y/sub/b.txt": "", "y/c.txt": ""})
    assert _keys(_of(tmp_path / "y")) == ["c.txt", "sub/b.txt"]
    several = _of(tmp_path / "y", tmp_path / "x/a.txt", tmp_path / "y/c.txt", tmp_path / "y/sub")
    assert _keys(several) == ["x/a.txt", "y/c.txt", "y/sub/b.txt"]
    assert _keys(_of(tmp_path / "y/sub", root=str(tmp_path))) == ["y/sub/b.txt"]
    with pytest.raises(UsageError, match="--root"):
        _keys(_of(tmp_path / "x/a.txt", root=str(tmp_path / "y")))


def test_globs_and_exclude(tmp_path: Path) -> None:
    """A pattern that the shell left alone is expanded; an excluded folder is not walked."""
    make(tmp_path, {"a/1.txt": "", "a/2.html": "", "b/3.txt": "", "b/deep/4.txt": "", "b/deep/5.txt": ""})
    assert _keys(_of(tmp_path / "*/*.txt")) == ["a/1.txt", "b/3.txt"]
    assert _keys(_of(tmp_path / "**/*.txt")) == ["a/1.txt", "b/3.txt", "b/deep/4.txt", "b/deep/5.txt"]
    assert _keys(_of(tmp_path, exclude=("deep", "*.html"))) == ["a/1.txt", "b/3.txt"]
    assert _keys(_of(tmp_path, exclude=("b/*/4.txt",))) == ["a/1.txt", "a/2.html", "b/3.txt", "b/deep/5.txt"]


@pytest.mark.parametrize("separator", [b"\n", b"\r\n", b"\0"])
def test_files_from_a_list(tmp_path: Path, separator: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list is sorted on disk, whatever its length, and may be separated by NULs for names with line breaks."""
    monkeypatch.setattr("cleaner.sources._CHUNK", 2)
    names = ["c.txt", "a/x.txt", "b b.txt", "a.txt", "gone.txt"] + (["new\nline.txt"] if separator == b"\0" else [])
    make(tmp_path / "in", dict.fromkeys(names[:4] + names[5:], STORY))
    paths = tmp_path / "list"
    paths.write_bytes(separator.join(os.fsencode(tmp_path / "in" / name) for name in names) + separator)
    found = list(find(_of(files_from=str(paths)))[1])
    assert [source.key for source in found] == sorted(names, key=order)
    assert [source.key for source in found if source.problem] == ["gone.txt"]


def test_out_and_state_are_not_walked(tmp_path: Path) -> None:
    """An OUT inside an INPUT is not walked, nor is the state folder of an earlier OUT."""
    make(tmp_path, {"a.txt": "", "out/b.txt": "", "old/.cleaner/audit.jsonl": "", "old/c.txt": ""})
    assert _keys(_of(tmp_path), tmp_path / "out") == ["a.txt", "old/c.txt"]


def test_links(tmp_path: Path) -> None:
    """Links to folders outside are followed once; loops and links that lead nowhere end with a reason."""
    source, elsewhere = make(tmp_path / "in", {"a/x.txt": STORY}), make(tmp_path / "elsewhere", {"y.txt": STORY, "deep/z.txt": STORY})
    (source / "loop").symlink_to(source)
    (source / "a/up").symlink_to("..")
    (source / "self").symlink_to("self")
    (source / "nowhere.txt").symlink_to("missing")
    (source / "other").symlink_to(elsewhere)
    (source / "other2").symlink_to(elsewhere / "deep")
    (elsewhere / "deep/back").symlink_to(elsewhere)
    os.mkfifo(source / "pipe.txt")
    found = list(find(_of(source))[1])
    assert [item.key for item in found if not item.problem] == ["a/x.txt", "other/deep/z.txt", "other/y.txt"]
    assert [item.key for item in found if item.problem and not item.problem.startswith(SKIP)] == ["nowhere.txt"]


def test_strange_names(tmp_path: Path) -> None:
    """Names with line breaks and bytes that are no UTF-8 are names like others."""
    names = [b"a\nb.txt", b"\xff\xfe.txt", b"'quote\".txt", "가 나.txt".encode()]
    for name in names:
        (Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))).write_text(STORY)
    found = list(find(_of(tmp_path))[1])
    assert {os.fsencode(item.key) for item in found} == set(names)


def test_missing_input_is_an_input(tmp_path: Path) -> None:
    """A path that does not exist is an input that fails, not one that is forgotten; no path at all is wrong use."""
    (found,) = find(_of(tmp_path / "missing"))[1]
    assert isinstance(found, Source)
    assert "no such file" in found.problem
    with pytest.raises(UsageError, match="nothing to read"):
        find(Selection())
