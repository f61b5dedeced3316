"""Waiting for what becomes of a file."""

import contextlib
import math
import os
import select
from collections.abc import Iterator
from pathlib import Path

import pytest

from webcapd.base.inotify import Inotify
from webcapd.base.pathwatch import PathWatch


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file"


@pytest.fixture
def watch(path: Path) -> Iterator[PathWatch]:
    with contextlib.closing(PathWatch(path)) as made:
        yield made


def woken(watch: PathWatch) -> bool:
    """Whether it wakes who waits; takes what it has to say."""
    descriptor = watch.fileno()
    assert descriptor is not None and watch.seconds_until_due() == math.inf
    readable = bool(select.select([descriptor], [], [], 0)[0])
    assert watch.take() <= readable
    assert not select.select([descriptor], [], [], 0)[0]
    return readable


def test_a_file_that_comes_is_told_of(watch: PathWatch, path: Path) -> None:
    watch.wait()
    assert not woken(watch)
    path.with_name("other").touch()
    path.with_name("other").rename(path)
    assert woken(watch)


def test_of_other_files_it_says_nothing(watch: PathWatch, path: Path) -> None:
    watch.wait()
    path.with_name("other").touch()
    assert watch.take() is False


def test_one_touch_is_one_wake(watch: PathWatch, path: Path) -> None:
    path.touch()
    with path.open("r+b", buffering=0) as file:
        watch.follow(file.fileno())
        file.write(b"pixels")
        path.with_name("other").touch()
        assert not woken(watch)
        os.utime(file.fileno())
        assert woken(watch) and not woken(watch)
    # Its writer has closed it.
    assert woken(watch)


def test_what_nobody_watches_wakes_by_its_end_alone(watch: PathWatch, path: Path) -> None:
    path.touch()
    with path.open("r+b", buffering=0) as file:
        watch.follow(file.fileno())
        watch.set_watched(False)
        os.utime(file.fileno())
        assert not woken(watch)
        watch.set_watched(True)
        os.utime(file.fileno())
        assert woken(watch)
        watch.set_watched(False)
    assert woken(watch)


def test_a_file_that_loses_its_name_is_told_of(watch: PathWatch, path: Path) -> None:
    path.touch()
    with path.open("rb") as file:
        watch.follow(file.fileno())
        path.unlink()
        assert woken(watch)


def test_without_inotify_it_is_time_to_look_now_and_then(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Inotify) -> None:
        raise OSError(24, "Too many open files")

    now = 1000.0
    monkeypatch.setattr(Inotify, "__init__", refuse)
    monkeypatch.setattr("webcapd.base.pathwatch.time.monotonic", lambda: now)
    with contextlib.closing(PathWatch(path)) as watch:
        assert watch.fileno() is None and watch.obstacle == "inotify: Too many open files"
        watch.wait()
        assert watch.take() and not watch.take()
        assert 0 < watch.seconds_until_due() <= 0.01
        now += watch.seconds_until_due()
        watch.set_watched(False)
        assert watch.take() and not watch.take()
        assert 0.01 < watch.seconds_until_due() < 1


def test_close_gives_all_back(path: Path) -> None:
    before = set(os.listdir("/proc/self/fd"))
    watch = PathWatch(path)
    watch.wait()
    watch.close()
    watch.close()
    assert set(os.listdir("/proc/self/fd")) <= before
