"""A file that is read again when it has changed."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from program import TIMEOUT
from waiting import wait_until

from webcapd.http.access import reloading
from webcapd.http.access.reloading import ReloadingFile


class Watched:
    """A file of one word, and a reader that follows it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.write("one")
        self._others = set(threading.enumerate())
        self.file = ReloadingFile(str(path), self.parse)
        self.content = self.file.reload

    @staticmethod
    def parse(text: str) -> str:
        if text == "bad":
            raise ValueError("it is bad")
        return text

    def write(self, text: str) -> None:
        """Write it at another moment by the clock of the file system, which may tick slowly."""
        before = self.path.stat().st_ctime_ns if self.path.exists() else 0

        def is_written() -> bool:
            self.path.write_text(text)
            return self.path.stat().st_ctime_ns != before

        wait_until("the clock ticks", is_written)

    def threads(self) -> list[threading.Thread]:
        """Give those that check it: others, of what has just been closed, may still end."""
        started = set(threading.enumerate()) - self._others
        return [one for one in started if one.name == "credentials"]


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a check last as long as it takes, and none be made while a file is half written."""
    monkeypatch.setattr(reloading, "_HANG_SECONDS", TIMEOUT)
    monkeypatch.setattr(reloading, "_FIRST_SECONDS", TIMEOUT)
    monkeypatch.setattr(reloading, "_IN_USE_SECONDS", 0.0)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    watched = Watched(tmp_path / "file")
    yield watched
    watched.file.close()


def test_file_is_read_again_when_it_has_changed(watched: Watched) -> None:
    assert watched.content() == "one"
    watched.write("three")
    assert watched.content() == "three"
    other = watched.path.with_name("other")
    other.write_text("seven")
    other.replace(watched.path)
    assert watched.content() == "seven"


def test_file_is_read_again_though_its_size_and_time_are_as_before(watched: Watched) -> None:
    """It is so for one that comes from an archive, or could not be read for a while."""
    before = watched.path.stat()
    watched.write("two")
    os.utime(watched.path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert watched.content() == "two"


def test_broken_file_leaves_the_old_in_force_until_it_is_mended(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    for breaks in (
        lambda: watched.write("bad"),
        lambda: watched.path.write_bytes(b"\xff"),
        lambda: watched.write("x" * (1 << 20) + "x"),
        lambda: watched.path.unlink(),
    ):
        breaks()
        caplog.clear()
        assert [watched.content() for _ in range(3)] == ["one"] * 3
        (record,) = caplog.records
        assert str(watched.path) in record.message
        assert "stays in force" in record.message
    watched.write("four")
    assert watched.content() == "four"


def test_who_asks_after_the_end_waits_for_nobody(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request may be answered while all ends; nobody checks the file any more."""
    monkeypatch.setattr(reloading, "_HANG_SECONDS", 100 * TIMEOUT)
    watched.write("eight")
    before = watched.content()
    watched.file.close()
    asking = threading.Thread(target=watched.file.reload, daemon=True)
    asking.start()
    asking.join(TIMEOUT)
    assert not asking.is_alive()
    assert watched.file.content() == before


def test_file_is_looked_at_only_while_somebody_asks(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reloading, "_CHECK_SECONDS", 0.01)
    monkeypatch.setattr(reloading, "_IN_USE_SECONDS", 0.2)
    (thread,) = watched.threads()

    def switches() -> str:
        status = Path(f"/proc/self/task/{thread.native_id}/status").read_text()
        return status.partition("voluntary_ctxt_switches:")[2].split()[0]

    def sleeps() -> bool:
        before = switches()
        time.sleep(0.3)
        return switches() == before

    watched.write("seven")
    wait_until("it is read again, though nobody waits", lambda: watched.file.content() == "seven")
    wait_until("it sleeps", sleeps)
    watched.write("eleven")
    assert watched.content() == "eleven"


@pytest.mark.parametrize("content", [None, b"bad", b"\xff"])
def test_file_that_is_broken_from_the_start_is_refused(
    content: bytes | None, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=str(path)):
        ReloadingFile(str(path), Watched.parse)
