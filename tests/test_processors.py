"""How many processors are used: no more than this process was given."""

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from buffers import noise

from webcapd.base.processors import processors
from webcapd.encoder.jpeg import tiles
from webcapd.encoder.jpeg.shared import TileRun
from webcapd.encoder.jpeg.tiles import JpegParams, TileEncoder

ALL = len(os.sched_getaffinity(0))


@contextlib.contextmanager
def one_processor() -> Iterator[None]:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def test_affinity_counts() -> None:
    with one_processor():
        assert processors() == 1


@pytest.mark.parametrize(
    ("memberships", "files", "expected"),
    [
        pytest.param("", {}, ALL, id="no cgroups"),
        pytest.param("0::/\n", {}, ALL, id="root of v2"),
        pytest.param("0::/a/b\n", {"a/b/cpu.max": "max 100000\n"}, ALL, id="v2 without a bound"),
        pytest.param("0::/a/b\n", {"a/b/cpu.max": "50000 100000\n"}, 1, id="v2, half of one"),
        pytest.param(
            "0::/a/b\n",
            {"a/b/cpu.max": "max 100000\n", "a/cpu.max": "100000 100000\n"},
            1,
            id="v2, the outer group",
        ),
        pytest.param("0::/../x\n", {"cpu.max": "100000 100000\n"}, 1, id="v2 in a container"),
        pytest.param(
            "5:cpu,cpuacct:/a\n0::/\n",
            {"cpu/a/cpu.cfs_quota_us": "20000\n", "cpu/a/cpu.cfs_period_us": "100000\n"},
            1,
            id="v1",
        ),
        pytest.param(
            "5:cpu,cpuacct:/a\n",
            {"cpu/a/cpu.cfs_quota_us": "-1\n", "cpu/a/cpu.cfs_period_us": "100000\n"},
            ALL,
            id="v1 without a bound",
        ),
        pytest.param(
            "5:cpu:/docker/x\n",
            {"cpu/cpu.cfs_quota_us": "100000\n", "cpu/cpu.cfs_period_us": "100000\n"},
            1,
            id="v1 in a container",
        ),
        pytest.param("5:cpuset:/a\nnonsense\n", {"a/cpu.max": "what\n"}, ALL, id="of no use"),
    ],
)
def test_quota_counts(
    tmp_path: Path, memberships: str, files: dict[str, str], expected: int
) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(memberships)
    for name, content in files.items():
        path = tmp_path / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    assert processors(tmp_path) == expected


@pytest.mark.skipif(ALL < 2, reason="there is one processor only")
@pytest.mark.parametrize("restricted", [False, True])
def test_no_thread_is_started_for_a_processor_that_we_may_not_use(
    restricted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if it took long.
    monkeypatch.setattr(tiles, "_LONG_SECONDS", -1.0)
    screen = noise(320, 240)
    with one_processor() if restricted else contextlib.nullcontext():
        coder = TileEncoder()
    strips = [TileRun(band, 0, 0) for band in range(screen.layout.count)]
    before = set(threading.enumerate())
    coder.encode(screen, strips, JpegParams(320, 75, "420", 1, 320))
    started = len(set(threading.enumerate()) - before)
    # One that is done with its share soon takes another's.
    assert started == 0 if restricted else 0 < started < ALL
    coder.close()
