"""A file that is read again when it has changed."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from webcapd.http.access.reloading import ReloadingFile


class Kept:
    """A file of one word, and a reader that follows it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.write("one")
        self.kept = ReloadingFile(str(path), self.parse)
        self.content = self.kept.looked_at

    @staticmethod
    def parse(text: str) -> str:
        if text == "bad":
            raise ValueError("it is bad")
        return text

    def write(self, text: str) -> None:
        self.path.write_text(text)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    kept = Kept(tmp_path / "file")
    yield kept
    kept.kept.stop()


def test_file_is_read_again_when_it_has_changed(kept: Kept) -> None:
    assert kept.content() == "one"
    kept.write("three")
    assert kept.content() == "three"
    other = kept.path.with_name("other")
    other.write_text("seven")
    other.replace(kept.path)
    assert kept.content() == "seven"


def test_file_is_read_again_though_its_size_and_time_are_as_before(kept: Kept) -> None:
    """It is so for one that comes from an archive, or could not be read for a while."""
    before = kept.path.stat()
    kept.write("two")
    os.utime(kept.path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert kept.content() == "two"


def test_broken_file_leaves_the_old_in_force_until_it_is_mended(
    kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    for breaks in (
        lambda: kept.write("bad"),
        lambda: kept.path.write_bytes(b"\xff"),
        lambda: kept.write("x" * (1 << 20) + "x"),
        lambda: kept.path.unlink(),
    ):
        breaks()
        caplog.clear()
        assert [kept.content() for _ in range(3)] == ["one"] * 3
        (record,) = caplog.records
        assert str(kept.path) in record.message
        assert "stays in force" in record.message
    kept.write("four")
    assert kept.content() == "four"


@pytest.mark.parametrize("content", [None, b"bad", b"\xff"])
def test_file_that_is_broken_from_the_start_is_refused(
    content: bytes | None, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=str(path)):
        ReloadingFile(str(path), Kept.parse)
