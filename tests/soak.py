"""What must hold each time, repeated until chance has had its turn.

A scenario is a function of a count, in a file soak_*.py beside this one:

    @scenario("windows-come-and-go", 1000)
    def come_and_go(count: int) -> str:
        "Open and close a window COUNT times."

It gives a line on what it found, or fails by an assertion.  script/soak runs
scenarios at their full count, the suite (test_soak.py) each at a twentieth.
"""

import argparse
import fnmatch
import importlib
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

if __name__ == "__main__":
    # One registry, whether this file was run or imported.
    sys.modules["soak"] = sys.modules[__name__]

FOLDER = Path(__file__).resolve().parent
if __name__ == "__main__":
    # As pytest is told in pyproject.toml.
    sys.path[:0] = [str(FOLDER.parent), str(FOLDER.parent / "bench")]

SHARE = 20
"""The suite runs one in so many of the repetitions."""

Run = Callable[[int], str]


class Scenario(NamedTuple):
    """Something repeated."""

    repeats: int
    """At full length."""
    run: Run

    @property
    def summary(self) -> str:
        return (self.run.__doc__ or "").strip().partition("\n")[0]


scenarios: dict[str, Scenario] = {}
"""By name; complete after discover()."""


def scenario(name: str, repeats: int) -> Callable[[Run], Run]:
    """Register a function as a scenario of this name and full count."""

    def register(run: Run) -> Run:
        assert name not in scenarios, f"there are two scenarios {name}"
        scenarios[name] = Scenario(repeats, run)
        return run

    return register


def discover() -> dict[str, Scenario]:
    """Import all files of scenarios; gives the scenarios by name."""
    for path in sorted(FOLDER.glob("soak_*.py")):
        importlib.import_module(path.stem)
    return scenarios


def soak(name: str, count: int) -> bool:
    """Run one scenario and print a line on it; tells whether all was well."""
    began = time.monotonic()
    try:
        found = scenarios[name].run(count)
        well = True
    except Exception as error:
        traceback.print_exc()
        lines = str(error).splitlines()
        found, well = f"FAILED: {lines[0] if lines else type(error).__name__}", False
    print(f"{name} ({count}, {time.monotonic() - began:.0f} s): {found}", flush=True)
    return well


def main() -> int:
    everything = discover()
    listing = "\n".join(
        f"  {name} ({one.repeats}): {one.summary}" for name, one in everything.items()
    )
    parser = argparse.ArgumentParser(
        prog="script/soak",
        description="Repeat what must hold each time; prints a line a scenario.",
        epilog=f"scenarios, and how often each is repeated:\n{listing}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="a scenario, or a pattern (mask*)")
    parser.add_argument("--all", action="store_true", help="all scenarios, one after the other")
    parser.add_argument("--count", type=int, help="repeat so often, whatever the scenario says")
    arguments = parser.parse_args()
    chosen: list[str] = list(everything) if arguments.all else []
    for wanted in arguments.names:
        found = fnmatch.filter(everything, wanted)
        if not found:
            parser.error(f"there is no scenario {wanted}; there are {', '.join(everything)}")
        chosen += found
    if not chosen:
        parser.error("name a scenario (see --help)")
    results = [soak(name, arguments.count or everything[name].repeats) for name in chosen]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
