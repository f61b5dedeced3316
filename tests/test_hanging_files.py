"""Credentials on a file system that hangs: streams go on, and are still ended by a change."""

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

import mjpeg
import pytest
from hanging import can_mount, hanging_file, hanging_mount
from painter import painter
from program import TIMEOUT, Webcapd, run_to_end, webcapd
from waiting import wait_until
from xserver import XServer

from webcapd.http.access import reloading
from webcapd.http.access.access import Access
from webcapd.http.access.reloading import ReloadingFile

HangingWay = Callable[[Path], contextlib.AbstractContextManager[None]]

TOKEN, OTHER = "token-for-the-wall", "token-of-somebody"

WAYS = [
    pytest.param(hanging_file, id="file"),
    pytest.param(
        hanging_mount,
        id="mount",
        marks=pytest.mark.skipif(not can_mount(), reason="needs root and /dev/fuse"),
    ),
]


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    folder = tmp_path / "secrets"
    folder.mkdir()
    path = folder / "tokens"
    path.write_text(f"{TOKEN}\n{OTHER}\n")
    return path


def status(program: Webcapd, token: str) -> int:
    return program.get("/?snapshot", Authorization=f"Bearer {token}")[0]


@pytest.mark.parametrize("hanging", WAYS)
def test_streams_go_on_while_the_file_hangs_and_end_when_it_changes(
    server: XServer, tokens: Path, hanging: HangingWay
) -> None:
    # One stream is read after the other: neither is to be taken for a slow one.
    options = ("--keepalive", "0.5", "--max-age", "60", "--token-file", str(tokens))
    with (
        webcapd("--display", server.name, *options) as program,
        painter(server) as brush,
        mjpeg.stream(program, f"/?stream&token={TOKEN}") as removed,
        mjpeg.stream(program, f"/?stream&token={OTHER}") as kept,
    ):
        with hanging(tokens):
            program.wait_for_line(lambda line: "its file system does not answer" in line)
            # For longer than a second: so often streams check their grants.
            for seed in range(2):
                brush.noise(seed)
                for stream in (removed, kept):
                    stream.until(mjpeg.decode(mjpeg.encode(server.pixels())))
                    for _ in range(2):
                        assert stream.part().body
            # What was there before stays in force.
            assert status(program, OTHER) == 200
            assert status(program, "token-of-nobody") == 401
        program.wait_for_line(lambda line: "answers again" in line)
        tokens.write_text(f"{OTHER}\n")
        wait_until("it is let in no longer", lambda: status(program, TOKEN) != 200)
        program.wait_for_line(lambda line: line.endswith("its access was revoked"))
        assert kept.part().body
        # While it hung: a check that is held up later, for want of a processor, is another matter.
        lines = program.lines
        until = next(number for number, line in enumerate(lines) if "answers again" in line)
        assert len([line for line in lines[:until] if "does not answer" in line]) == 1


def test_file_that_hangs_from_the_start_is_refused(server: XServer, tokens: Path) -> None:
    with hanging_file(tokens):
        code, said = run_to_end(
            *("--display", server.name, "--port", "0", "--token-file", str(tokens))
        )
    assert code == 1
    assert said == f"webcapd: {tokens} cannot be read: its file system does not answer"


@pytest.mark.parametrize("hanging", WAYS)
def test_what_was_there_is_given_while_the_file_hangs(tokens: Path, hanging: HangingWay) -> None:
    file = ReloadingFile(str(tokens), str)
    given: list[str] = []
    try:
        before = file.content()
        with hanging(tokens):
            thread = threading.Thread(target=lambda: given.append(file.reload()))
            thread.start()
            thread.join(TIMEOUT)
            assert given == [before]
            assert file.content() == before
        tokens.write_text("changed")
        wait_until("it is read again", lambda: file.content() == "changed")
    finally:
        file.close()


def test_file_that_takes_the_place_of_one_that_hangs_for_good_is_read(
    tokens: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mount that hangs may be replaced: whoever asked before is never answered."""
    # In earnest they are seconds.
    monkeypatch.setattr(reloading, "_HANG_SECONDS", 0.05)
    monkeypatch.setattr(reloading, "_RETRY_SECONDS", 0.2)
    file = ReloadingFile(str(tokens), str)
    with contextlib.closing(StuckFile(tokens)) as hangs:
        before = file.content()
        wait_until(
            "it hangs",
            lambda: file.reload() == before and hangs.is_read() and len(watchers()) > 1,
        )
        hangs.replace_by("changed")
        wait_until("the other is read", lambda: file.content() == "changed")
        assert len(watchers()) > 1
    file.close()
    wait_until("all have ended", lambda: not watchers())


def watchers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "credentials"]


class StuckFile:
    """A file that hangs, and goes on doing so for who has begun to read it."""

    def __init__(self, path: Path) -> None:
        self._path, self._pipe = path, path.with_name("pipe")
        os.mkfifo(self._pipe)
        other = path.with_name("other")
        os.link(self._pipe, other)
        other.replace(path)
        self._writer: int | None = None
        """The end of the pipe that lets all who read go on once it is closed."""

    def is_read(self) -> bool:
        """Whether somebody has begun to read it."""
        if self._writer is None:
            with contextlib.suppress(OSError):  # There is no reader.
                self._writer = os.open(self._pipe, os.O_WRONLY | os.O_NONBLOCK)
        return self._writer is not None

    def replace_by(self, text: str) -> None:
        other = self._path.with_name("other")
        other.write_text(text)
        other.replace(self._path)

    def close(self) -> None:
        if self._writer is not None:
            os.close(self._writer)


def test_access_that_is_closed_or_refused_leaves_no_thread(tokens: Path) -> None:
    wait_until("those of other tests have ended", lambda: not watchers())
    users = tokens.with_name("users")
    users.write_text("ann:$2y$04$" + "a" * 21 + "O" + "b" * 31 + "\n")
    with contextlib.closing(Access(str(users), str(tokens))):
        assert len(watchers()) == 2
    wait_until("both have ended", lambda: not watchers())
    tokens.write_text("short\n")
    with pytest.raises(ValueError, match="can be guessed"):
        Access(str(users), str(tokens))
    wait_until("all have ended", lambda: not watchers())
