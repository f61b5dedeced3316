"""The examples that write and read rings, each with each other, and with ours."""

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
import ringreference as reference
from program import ROOT, TIMEOUT
from waiting import wait_until

from webcapd.base.ring.reader import RingReader
from webcapd.capture.overlay import Pixels

EXAMPLES = ROOT / "examples"
WIDTH, HEIGHT = 64, 48
MAX_LINES = 60


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, list[str]]:
    """Compile what is C; gives the command of each example."""
    found = {}
    for path in EXAMPLES.iterdir():
        command = {".py": [sys.executable, str(path)], ".sh": ["sh", str(path)]}.get(path.suffix)
        if path.suffix == ".c":
            made = tmp_path_factory.mktemp("compiled") / path.stem
            compiler = ["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(made), str(path)]
            subprocess.run(compiler, check=True, timeout=TIMEOUT)
            command = [str(made)]
        if command:
            found[path.name] = command
    return found


def colours(number: int) -> bytes:
    """Give the pixels of a frame of the writers in colour."""
    pixels: Pixels = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    pixels[:, :, 0] = np.arange(WIDTH) + number & 255
    pixels[:, :, 1] = (np.arange(HEIGHT) + number & 255)[:, np.newaxis]
    pixels[:, :, 2] = number & 255
    return pixels.tobytes()


def grey(number: int) -> bytes:
    return bytes([number & 255]) * (WIDTH * HEIGHT)


# Of each writer: its arguments behind the path, and what it writes.
WRITERS: Mapping[str, tuple[tuple[int, ...], Callable[[int], bytes]]] = {
    "write_ring.py": ((WIDTH, HEIGHT, 50, 20), colours),
    "write_ring.c": ((WIDTH, HEIGHT, 50, 20), colours),
    "write_ring.sh": ((5,), grey),
}


@contextlib.contextmanager
def running(command: list[str], *arguments: object) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen([*command, *map(str, arguments)], stdout=subprocess.PIPE)
    try:
        yield process
        assert process.wait(TIMEOUT) == 0
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("reader", ["read_ring.py", "read_ring.c"])
@pytest.mark.parametrize("writer", WRITERS)
def test_each_example_reads_what_each_writes(
    commands: Mapping[str, list[str]], tmp_path: Path, writer: str, reader: str
) -> None:
    path = tmp_path / "a.wcf"
    arguments, content = WRITERS[writer]
    with running(commands[writer], path, *arguments):
        wait_until("it writes", path.exists)
        with running(commands[reader], path) as process:
            data = process.communicate(timeout=TIMEOUT)[0]
    size = len(content(1))
    frames = [data[begin : begin + size] for begin in range(0, len(data), size)]
    # Whole ones, in order, up to the last.
    numbers = [next(n for n in range(1, 21) if content(n) == frame) for frame in frames]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == arguments[-1]


@pytest.mark.parametrize("writer", WRITERS)
def test_examples_keep_to_the_standard(
    commands: Mapping[str, list[str]], tmp_path: Path, writer: str
) -> None:
    path = tmp_path / "a.wcf"
    arguments, content = WRITERS[writer]
    with running(commands[writer], path, *arguments):
        wait_until("it writes", path.exists)
        with contextlib.closing(RingReader(path)) as reader:
            assert reader.has_writer()
            while reader.has_writer():
                if (frame := reader.read()) is not None:
                    assert bytes(reader.payload) == content(frame.number)
                    assert frame.header.realtime > 0
            reader.read()
            assert reader.latest() == arguments[-1]
    last = reference.read_newest(path)
    assert last is not None
    assert (last.number, last.payload) == (arguments[-1], content(arguments[-1]))
    assert (last.width, last.height) == (WIDTH, HEIGHT)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("write_*")), ids=lambda path: path.name)
def test_writers_are_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) < MAX_LINES


def test_shell_examples_are_checked() -> None:
    scripts = [str(path) for path in EXAMPLES.glob("*.sh")]
    subprocess.run(["shellcheck", *scripts], check=True, timeout=TIMEOUT)
