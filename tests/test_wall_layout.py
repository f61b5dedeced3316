"""How the wall arranges and chooses its tiles: its own modules, run by Node."""

import json
import math
import subprocess
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from program import ROOT, TIMEOUT

FOLDER = ROOT / "http" / "page" / "wall"
GAP, CAPTION = 4, 26
MIN_WIDTH = 160


def run(module: str, function: str, calls: list[tuple[Any, ...]]) -> list[Any]:
    """Call a function of a module with each of the lists of arguments; gives the results."""
    script = (
        f"import {{ {function} }} from {json.dumps((FOLDER / module).as_uri())};"
        f"const calls = {json.dumps(calls)};"
        f"console.log(JSON.stringify(calls.map((call) => {function}(...call))));"
    )
    done = subprocess.run(
        [ROOT / ".venv" / "bin" / "node", "--input-type=module", "-"],
        input=script,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


rooms = st.tuples(
    st.integers(1, 100), st.integers(200, 4000), st.integers(200, 2500), st.floats(0.4, 4)
)


@settings(max_examples=8)
@given(st.lists(rooms, min_size=40, max_size=60))
def test_tiles_fill_the_window_and_never_leave_it(
    cases: list[tuple[int, int, int, float]],
) -> None:
    calls = [
        (count, {"width": width, "height": height}, aspect, GAP, CAPTION)
        for count, width, height, aspect in cases
    ]
    for (count, width, height, aspect), found in zip(
        cases, run("arrange.js", "arrange", calls), strict=True
    ):
        columns, tile = found["columns"], found["width"]
        rows = math.ceil(count / columns)
        assert 1 <= columns * tile + (columns - 1) * GAP <= width
        # But for what a product of floating point is off: 650 * 1.1 is more than 715.
        off = abs(found["height"] * aspect - (tile - aspect / 2))
        assert off <= aspect / 2 + 1e-9 or found["height"] == 1
        if found["scrolls"]:
            assert tile >= min(MIN_WIDTH, width)
        else:
            assert tile >= MIN_WIDTH
            assert rows * (found["height"] + CAPTION) + (rows - 1) * GAP <= height
        assert found["scrolls"] or tile >= best_width(count, width, height, aspect) - 1


def best_width(count: int, width: int, height: int, aspect: float) -> float:
    """Give the largest width of tiles in any number of columns."""

    def in_columns(columns: int) -> float:
        rows = math.ceil(count / columns)
        across = (width - GAP * (columns - 1)) / columns
        return min(across, ((height - GAP * (rows - 1)) / rows - CAPTION) * aspect)

    return max(map(in_columns, range(1, count + 1)))


def test_pictures_are_asked_for_in_few_widths_that_suffice() -> None:
    widths = list(range(1, 3841))
    found = run("arrange.js", "requestWidth", [(width,) for width in widths])
    assert all(asked >= width for width, asked in zip(widths, found, strict=True))
    # Half as much again, or a third more pixels a side, at most.
    assert all(asked <= 2 * width for width, asked in zip(widths, found, strict=True) if width > 80)
    assert len(set(found)) == 10


@pytest.mark.parametrize(
    ("query", "wishes"),
    [
        ("", ("", "listed", 0, 20)),
        ("seconds=10&order=name&filter=Lab%201", ("Lab 1", "name", 10, 20)),
        ("seconds=0.01&order=size&gone=3", ("", "listed", 1, 3)),
        ("seconds=x&gone=-1", ("", "listed", 0, 20)),
        ("seconds=1e9&token=abc", ("", "listed", 86400, 20)),
    ],
)
def test_address_tells_what_is_wished(query: str, wishes: tuple[object, ...]) -> None:
    (found,) = run("selection.js", "wishesOf", [(query,)])
    assert tuple(found[name] for name in ("filter", "order", "seconds", "gone")) == wishes


def test_tiles_are_chosen_by_words_and_ordered_by_numbers_in_names() -> None:
    tiles = [
        {"name": name, "isLive": live}
        for name, live in (("Lab 10", True), ("lab 9", False), ("Hall 1", True), ("Lab 2", False))
    ]
    calls = [
        (tiles, "", "listed"),
        (tiles, " LAB ", "name"),
        (tiles, "1 l", "listed"),
        (tiles, "", "trouble"),
        (tiles, "nothing", "name"),
    ]
    found = [[one["name"] for one in chosen] for chosen in run("selection.js", "chosen", calls)]
    assert found == [
        ["Lab 10", "lab 9", "Hall 1", "Lab 2"],
        ["Lab 2", "lab 9", "Lab 10"],
        ["Lab 10", "Hall 1"],
        ["lab 9", "Lab 2", "Lab 10", "Hall 1"],
        [],
    ]
