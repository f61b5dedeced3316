"""Readers of updates see a desktop as it is, whatever happens on it."""

import contextlib
from collections.abc import Sequence

from managers import OPENBOX, TWM, running
from manifestclient import NamedTruth, fetching, manifests
from pointer import with_pointer
from program import webcapd
from soak import scenario
from soak_desktop import HEIGHT, WIDTH, Desktop
from updateclient import updates
from updatetruth import TruthReader, wait_for_truth
from xserver import xvfb

STEPS_BETWEEN = 50
OPTIONS = ("--fps", "60", "--capture-cursor", "--subsampling", "444", "--paint-over-quality", "90")


def _live(count: int, manager: Sequence[str] = ()) -> str:
    """Let somebody use a desktop for some steps; now and then, readers must see what is there."""
    with (
        xvfb(WIDTH, HEIGHT) as server,
        running(server, *manager) if manager else contextlib.nullcontext(),
        webcapd("--display", server.name, *OPTIONS) as program,
        updates(program, reader=TruthReader()) as apart,
        updates(program, "&cursor=baked", reader=TruthReader()) as baked,
        server.connected() as display,
    ):
        desktop = Desktop(display, seed=2027, managed=bool(manager), textured=True)
        for number in range(1, count + 1):
            desktop.step(number)
            if number % STEPS_BETWEEN == 0 or number == count:
                wait_for_truth(apart, server.pixels)
                wait_for_truth(baked, lambda: with_pointer(server))
        assert program.info()["encoder"]["outages"] == 0
        assert isinstance(apart.reader, TruthReader)
        return f"shown as it was, {apart.reader.copied / 1e6:.1f} megapixels of it as copies"


@scenario("updates-names", 1000)
def names(count: int) -> str:
    """Use a desktop restlessly, and see that lists and streams of names show it as it is."""
    with (
        xvfb(WIDTH, HEIGHT) as server,
        webcapd("--display", server.name, *OPTIONS, "--announce", "cache") as program,
        updates(program, "&tiles=names", reader=NamedTruth(fetching(program))) as stream,
        manifests(program) as quick,
        manifests(program, 0.1) as lags,
        manifests(program, 1.0) as seldom,
        server.connected() as display,
    ):
        desktop = Desktop(display, seed=2028, textured=True)
        for number in range(1, count + 1):
            desktop.step(number)
            if number % STEPS_BETWEEN == 0 or number == count:
                for client in (stream, quick, lags, seldom):
                    wait_for_truth(client, server.pixels)
        fetched = len(quick.names.fetched)
        return f"shown as it was, out of {quick.marks} lists and {fetched} groups"


@scenario("updates-desktop", 3000)
def desktop(count: int) -> str:
    """Use a desktop restlessly, and see that updates show it as it is."""
    return _live(count)


@scenario("updates-openbox", 2000)
def openbox(count: int) -> str:
    """Use a desktop under openbox restlessly, and see that updates show it as it is."""
    return _live(count, OPENBOX)


@scenario("updates-twm", 2000)
def twm(count: int) -> str:
    """Use a desktop under twm restlessly, and see that updates show it as it is."""
    return _live(count, TWM)
