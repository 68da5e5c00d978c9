"""Hashes of assets and archives: those that the real pulumi 3.260 recorded for the same files (2026-11-20)."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.assets import hashed
from engine.core.errors import ProgramError
from engine.core.values import Archive, Asset

HELLO = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
FOLDER = "3472e1e8ce8c1340e6e06b5a909f5eaf7f54c48b6759f9d3113ddf98db4ff497"


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a file, a folder in it, a hidden file, a link and Pulumi's own bookkeeping."""
    inner = tmp_path / "dir"
    (inner / "sub").mkdir(parents=True)
    (inner / ".pulumi").mkdir()
    (inner / ".pulumi" / "state").write_text("never counts")
    (inner / "a.txt").write_text("hello\n")
    (inner / "sub" / "b.txt").write_text("x\n")
    (inner / ".hidden").write_text("z")
    (inner / "link.txt").symlink_to("a.txt")
    (inner / "linked-folder").symlink_to("sub")
    monkeypatch.chdir(tmp_path)
    return inner


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Asset(path="dir/a.txt"), HELLO),
        (Asset(text="hello\n"), HELLO),
        (Archive(path="dir"), FOLDER),
        (
            Archive(assets={"q": Asset(text="1")}),
            "c1d05390cbedb7a96c73f35e51a626df2e9965f882dca8e3be13e4b387bf344b",
        ),
        (
            Archive(
                assets={
                    "b": Asset(text="bb"),
                    "a/x": Asset(path="dir/a.txt"),
                    "inner": Archive(assets={"q": Asset(text="1")}),
                    "f": Archive(path="dir"),
                }
            ),
            "5b00bdbdda2c443eac9b1e88b671af2150cfb7154d155031edec0b91fe06d29d",
        ),
    ],
    ids=["file", "text", "folder", "map", "nested map"],
)
def test_hashes_are_pulumis(files: Path, value: Asset | Archive, expected: str) -> None:
    assert hashed(value).hash == expected


def test_an_archive_file_is_hashed_as_it_is(files: Path) -> None:
    (files / "code.zip").write_bytes(b"hello\n")
    assert hashed(Archive(path="dir/code.zip")).hash == HELLO


def test_a_known_hash_is_kept() -> None:
    assert hashed(Asset(path="nowhere", hash="known")).hash == "known"


@pytest.mark.parametrize(
    ("value", "reference"),
    [
        (Asset(path="nowhere.txt"), "asset-unreadable"),
        (Archive(path="nowhere"), "asset-unreadable"),
        (Archive(path="dir/a.txt"), "archive-format"),
        (Archive(assets={"a": Asset(path="nowhere.txt")}), "asset-unreadable"),
    ],
)
def test_what_cannot_be_read_is_the_programs_mistake(files: Path, value: Asset | Archive, reference: str) -> None:
    with pytest.raises(ProgramError) as raised:
        hashed(value)
    assert raised.value.reference == reference
