"""The examples that write and read rings, as programs, and what the writers in colour write."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from program import ROOT, TIMEOUT
from xserver import Pixels

EXAMPLES = ROOT / "examples"


def command_of(name: str, folder: Path) -> list[str]:
    """Give the command of an example; what is C is compiled into a folder."""
    path = EXAMPLES / name
    if path.suffix == ".c":
        made = folder / path.stem
        compiler = ["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(made), str(path)]
        subprocess.run(compiler, check=True, timeout=TIMEOUT)
        return [str(made)]
    return [sys.executable, str(path)] if path.suffix == ".py" else ["sh", str(path)]


def commands(folder: Path) -> Mapping[str, list[str]]:
    """Give the commands of all examples."""
    names = [path.name for path in EXAMPLES.iterdir() if path.suffix in (".py", ".c", ".sh")]
    return {name: command_of(name, folder) for name in names}


@contextlib.contextmanager
def running(command: list[str], *arguments: object) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a program for as long as the context lasts."""
    process = subprocess.Popen([*command, *map(str, arguments)], stdout=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def colours(number: int, width: int, height: int) -> Pixels:
    """Give frame ``number`` as (height, width, 4) bytes B, G, R, X."""
    pixels = np.zeros((height, width, 4), np.uint8)
    pixels[:, :, 0] = np.arange(width) + number & 255
    pixels[:, :, 1] = (np.arange(height) + number & 255)[:, np.newaxis]
    pixels[:, :, 2] = number & 255
    return pixels


def are_colours(pixels: Pixels) -> bool:
    """Whether (height, width, 3 or 4) bytes are one whole frame."""
    height, width = pixels.shape[:2]
    wanted = colours(int(pixels[0, 0, 2]), width, height)
    return bool(np.array_equal(pixels[:, :, :3], wanted[:, :, :3]))
