"""Files that change, as inotify tells of it."""

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from program import ROOT, TIMEOUT

from webcapd.base.inotify import Inotify, Mask, sees_all

NO_DESCRIPTORS = """
import errno, os, resource
from webcapd.base.inotify import Inotify
most = len(os.listdir("/proc/self/fd")) - 1
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
try:
    Inotify()
except OSError as error:
    print(errno.errorcode[error.errno])
"""


@pytest.fixture
def inotify() -> Iterator[Inotify]:
    queue = Inotify()
    yield queue
    queue.close()


def is_readable(queue: Inotify) -> bool:
    return bool(select.select([queue.fileno()], [], [], 0)[0])


def test_nothing_has_happened_at_first(inotify: Inotify, tmp_path: Path) -> None:
    inotify.add(tmp_path, Mask.CREATE)
    assert not is_readable(inotify) and inotify.take() == []


def test_each_event_is_told_of_once_and_by_name(inotify: Inotify, tmp_path: Path) -> None:
    folder = inotify.add(tmp_path, Mask.MOVED_TO | Mask.CREATE)
    (tmp_path / "a").touch()
    (tmp_path / "a").rename(tmp_path / "caf\udce9")
    assert is_readable(inotify)
    assert [(event.watch, event.mask, event.name) for event in inotify.take()] == [
        (folder, Mask.CREATE, "a"),
        (folder, Mask.MOVED_TO, "caf\udce9"),
    ]
    assert not is_readable(inotify) and inotify.take() == []


def test_a_file_is_watched_for_what_was_said_last(inotify: Inotify, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    watch = inotify.add(path, Mask.ATTRIB)
    os.utime(path)
    assert [event.mask for event in inotify.take()] == [Mask.ATTRIB]
    assert inotify.add(path, Mask.CLOSE_WRITE) == watch
    os.utime(path)
    assert inotify.take() == []
    path.write_bytes(b"1")
    assert [event.mask for event in inotify.take()] == [Mask.CLOSE_WRITE]
    inotify.remove(watch)
    inotify.remove(watch)
    path.write_bytes(b"2")
    assert [event.mask for event in inotify.take()] == [Mask.IGNORED]


def test_what_cannot_be_watched_raises(inotify: Inotify, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        inotify.add(tmp_path / "missing", Mask.ATTRIB)


def test_close_gives_the_descriptor_back_once() -> None:
    queue = Inotify()
    number = queue.fileno()
    queue.close()
    queue.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(number)


def test_what_the_system_refuses_raises() -> None:
    command = [sys.executable, "-c", NO_DESCRIPTORS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT)
    assert (done.stdout.strip(), done.stderr) == ("EMFILE", "")


def test_file_systems_of_this_machine_alone_are_seen(tmp_path: Path) -> None:
    assert sees_all(tmp_path) and sees_all("/proc")
    with pytest.raises(FileNotFoundError):
        sees_all(tmp_path / "missing")
