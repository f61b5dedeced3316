"""The examples that write and read rings, each with each other, and with ours."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import ringprograms
import ringreference as reference
from program import TIMEOUT
from ringprograms import EXAMPLES, running
from waiting import wait_until

from webcapd.base.ring.reader import RingReader

WIDTH, HEIGHT = 64, 48
MAX_LINES = 60


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, list[str]]:
    return ringprograms.commands(tmp_path_factory.mktemp("compiled"))


def colours(number: int) -> bytes:
    return ringprograms.colours(number, WIDTH, HEIGHT).tobytes()


def grey(number: int) -> bytes:
    return bytes([number & 255]) * (WIDTH * HEIGHT)


# Of each writer: its arguments behind the path, and what it writes.
WRITERS: Mapping[str, tuple[tuple[int, ...], Callable[[int], bytes]]] = {
    "write_ring.py": ((WIDTH, HEIGHT, 50, 20), colours),
    "write_ring.c": ((WIDTH, HEIGHT, 50, 20), colours),
    "write_ring.sh": ((5,), grey),
}


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
            assert process.returncode == 0
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
    # Without a number of frames it writes for as long as one looks.
    with running(commands[writer], path, *arguments[:-1]):
        wait_until("it writes", path.exists)
        with contextlib.closing(RingReader(path)) as reader:
            assert reader.has_writer()
            wait_until("there is a frame", reader.read)
    path.unlink()
    with running(commands[writer], path, *arguments):
        wait_until("it writes", path.exists)
        with contextlib.closing(RingReader(path)) as reader:
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


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*_ring.*")), ids=lambda path: path.name)
def test_examples_are_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) < MAX_LINES


def test_shell_examples_are_checked() -> None:
    scripts = [str(path) for path in EXAMPLES.glob("*.sh")]
    subprocess.run(["shellcheck", *scripts], check=True, timeout=TIMEOUT)


def test_a_reader_that_is_stopped_holds_up_nobody(
    commands: Mapping[str, list[str]], tmp_path: Path
) -> None:
    path = tmp_path / "a.wcf"
    with running(commands["write_ring.c"], path, WIDTH, HEIGHT, 200):
        wait_until("it writes", path.exists)
        with running(commands["read_ring.c"], path) as stopped:
            assert stopped.stdout is not None and stopped.stdout.read(1)
            os.kill(stopped.pid, signal.SIGSTOP)
            with contextlib.closing(RingReader(path)) as reader:
                for _ in range(20):
                    wait_until("it goes on", reader.read)
            os.kill(stopped.pid, signal.SIGCONT)


def test_whoever_may_read_the_file_can_read_it(
    commands: Mapping[str, list[str]], tmp_path: Path
) -> None:
    """Of another user's, too: no reader writes."""
    if os.geteuid():
        pytest.skip("only root becomes another user")
    path = Path(f"/tmp/webcapd-test-{os.getpid()}.wcf")
    program = path.with_suffix(".reader")
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    try:
        program.write_bytes(Path(commands["read_ring.c"][0]).read_bytes())
        program.chmod(0o755)
        with running(commands["write_ring.c"], path, WIDTH, HEIGHT, 50) as writer:
            wait_until("it writes", path.exists)
            path.chmod(0o644)
            with running([*nobody, str(program)], path) as process:
                assert process.stdout is not None
                frame = process.stdout.read(4 * WIDTH * HEIGHT)
                assert frame == colours(frame[2])
                writer.kill()
                process.communicate(timeout=TIMEOUT)
                assert process.returncode == 0
    finally:
        path.unlink(missing_ok=True)
        program.unlink(missing_ok=True)
