"""What the live page costs a browser, beside an <img> of the stream.

bench/page.py [SECONDS]: CPU seconds a second of all processes of Chromium, less
what it takes with an empty page, for the page, for an <img> of the same size,
and for the page in twos.  Each is measured in turns, so that what else the
machine does is shared alike.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

from running import ROOT, tree_cpu_seconds, workload, x_server

sys.path.append(str(ROOT / "tests"))

from browser import Browser, chromium
from program import webcapd

ROUNDS = 3
_SETTLE = 2.0
_IMAGE = """
  document.body.innerHTML = '<img src="?stream" width="1280" height="720">'; 0
"""


def cost(browser: Browser, seconds: float) -> float:
    """Measure, in cores."""
    time.sleep(_SETTLE)
    began, before = time.monotonic(), tree_cpu_seconds(browser.pid)
    time.sleep(seconds)
    return (tree_cpu_seconds(browser.pid) - before) / (time.monotonic() - began)


def measure(browser: Browser, url: str, seconds: float) -> dict[str, float]:
    """Measure what there is to compare, in turns."""
    found: dict[str, list[float]] = {"empty": [], "page": [], "image": []}
    for _ in range(ROUNDS):
        for name, costs in found.items():
            browser.visit({"empty": "about:blank", "page": f"{url}?embed"}.get(name, f"{url}?info"))
            if name == "image":
                time.sleep(0.5)
                browser.evaluate(_IMAGE)
            costs.append(cost(browser, seconds))
    empty = statistics.median(found.pop("empty"))
    return {name: statistics.median(costs) - empty for name, costs in found.items()}


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 6.0
    print("| workload | page | <img> | page / <img> |\n|---|---|---|---|")
    for name in ("idle", "typing", "scroll", "video"):
        with (
            x_server("1920x1080") as display,
            webcapd("--display", display[0]) as program,
            tempfile.TemporaryDirectory() as profile,
            workload(name, display[0]),
            chromium(Path(profile)) as browser,
        ):
            browser.set_window(1280, 720)
            costs = measure(browser, program.url, seconds)
            page, image = costs["page"], costs["image"]
            print(
                f"| {name} | {page:.3f} | {image:.3f} | {page / max(image, 0.001):.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
