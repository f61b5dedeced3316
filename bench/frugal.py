"""The bounds of --quick on what a start takes, and on what an instance holds of memory."""

from memory import MORE_AFTER_RESIZES, TARGETS, resized, stages
from start import READY_CPU, starts

# A machine that does nothing else takes 0.3 s.
FIRST_PICTURE = 0.6

ROUNDS, SECONDS, RESIZES = 3, 2.0, 60


def measured(size: str) -> dict[str, tuple[float, float]]:
    """Measure for half a minute; gives figures and their bounds, by name."""
    start = starts(size, ROUNDS)
    found = {
        "CPU up to the ready line, s": (start.ready_cpu, READY_CPU),
        "first picture, s": (start.first_picture, FIRST_PICTURE),
    }
    for stage, kinds in stages(size, SECONDS).items():
        found[f"PSS {stage}, MB"] = (kinds["Pss"], TARGETS[stage])
    before, after = resized(size, RESIZES)
    found[f"RSS after {RESIZES} resizes, of before"] = (after / before, MORE_AFTER_RESIZES)
    return found


def judge(found: dict[str, tuple[float, float]]) -> int:
    """Hold figures against their bounds; gives the exit code."""
    for name, (figure, bound) in found.items():
        print(f"{name}: {figure:.3g} (bound {bound:g}){'' if figure <= bound else ': TOO MUCH'}")
    return 0 if all(figure <= bound for figure, bound in found.values()) else 1
