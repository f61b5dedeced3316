"""The live page, for a long time."""

import tempfile
from pathlib import Path

from browser import Browser, chromium
from livepage import LivePage
from painter import painter
from processes import tree
from program import webcapd
from soak import scenario
from waiting import wait_until
from xserver import xvfb

# What is read in steps of this many updates.
_STEP = 50
BEACONS = (0xF00000, 0x00F000, 0x0000F0, 0xF0F000)


def heap(browser: Browser) -> float:
    """Give the megabytes that the page's scripts hold, of all that they had."""
    browser.call("HeapProfiler.collectGarbage")
    return float(browser.call("Runtime.getHeapUsage")["usedSize"]) / 1e6


def busy(browser: Browser) -> float:
    """Give the seconds that the page's main thread has had a processor so far."""
    metrics = browser.call("Performance.getMetrics")["metrics"]
    return float({one["name"]: one["value"] for one in metrics}["TaskDuration"])


def resident(browser: Browser) -> float:
    """Give the megabytes of all processes of the browser."""
    return sum(memory_of(pid) for pid in tree(browser.pid))


def memory_of(pid: int) -> float:
    """Give the megabytes that a process has filled, of what it shares only its share.

    Not those of mapped files: the browser's own code is shared with every other browser on this
    machine, and each that ends leaves the others a hundred megabytes more.
    """
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0  # It has ended since it was listed.
    lines = (line.split() for line in rollup.splitlines())
    return sum(int(words[1]) for words in lines if words[0] in ("Pss_Anon:", "Pss_Shmem:")) / 1e3


@scenario("page", 5000)
def page_goes_on(count: int) -> str:
    """Show updates of all kinds on the live page: it grows no fatter and no slower."""
    with (
        xvfb(320, 240) as server,
        painter(server) as brush,
        webcapd("--display", server.name, "--fps", "100") as program,
        tempfile.TemporaryDirectory() as profile,
        chromium(Path(profile)) as browser,
    ):
        page = LivePage(browser)
        # Else time counts in which a task stood still, as others had the processor.
        browser.call("Performance.enable", timeDomain="threadTicks")
        browser.visit(program.url)
        page.wait_for_live()
        page.count_alarms()
        costs: list[float] = []
        memories: list[float] = []
        for begin in range(0, max(count, 4 * _STEP), _STEP):
            before = busy(browser)
            for number in range(begin, begin + _STEP):
                if number % 5:
                    brush.rectangle(number * 7919 % (1 << 24), 60 + number % 200, 60, 40, 130)
                else:
                    brush.noise(number)
                beacon = BEACONS[number % len(BEACONS)]
                brush.rectangle(beacon, 0, 0, 16, 16)
                wait_for_beacon(browser, beacon)
            costs.append(busy(browser) - before)
            memories.append(heap(browser) + resident(browser))
        page.wait_for(server.pixels, 60)
        assert page.alarms() == []
        assert browser.evaluate("document.querySelectorAll('*').length") < 250
        # The first steps fill caches; later ones must not cost more and more.
        half = len(costs) // 2
        early, late = sum(costs[1:half]) / (half - 1), sum(costs[half:]) / (len(costs) - half)
        assert late < 2 * early + 0.1, costs
        assert min(memories[half:]) < memories[half - 1] + 40, memories
    work = f"{early:.2f} s of the main thread for {_STEP} updates, then {late:.2f}"
    return f"{work}; {memories[0]:.0f} MB, then {memories[-1]:.0f}"


def wait_for_beacon(browser: Browser, colour: int) -> None:
    """Wait until the upper left corner has a colour."""
    watch = """(() => {
      const canvas = document.querySelector(".screen > canvas");
      const copy = globalThis.beaconCopy ??= Object.assign(document.createElement("canvas"),
        { width: 8, height: 8 });
      const context = copy.getContext("2d", { willReadFrequently: true });
      context.drawImage(canvas, 4, 4, 8, 8, 0, 0, 8, 8);
      const [red, green, blue] = context.getImageData(4, 4, 1, 1).data;
      return [red, green, blue];
    })()"""
    wanted = [colour >> 16, colour >> 8 & 255, colour & 255]

    def is_lit() -> bool:
        seen = browser.evaluate(watch)
        return all(abs(a - b) < 24 for a, b in zip(seen, wanted, strict=True))

    wait_until(f"the page shows {colour:06x}", is_lit)
