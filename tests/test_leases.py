"""Variants are kept while somebody has them, and make room as soon as nobody does."""

import contextlib
import signal
import threading
from collections.abc import Iterator

import pytest
from painter import painter
from program import TIMEOUT, Webcapd, webcapd
from rawhttp import raw
from waiting import wait_until
from xserver import XServer, xvfb

from webcapd.encoder.consumer import Consumers
from webcapd.encoder.jpeg.tiles import TileCache, TileEncoder
from webcapd.encoder.leases import TooManyVariants
from webcapd.encoder.variant import Variant, VariantSpec
from webcapd.encoder.variants import Variants


def variants_of(most: int, consumers: Consumers | None = None) -> Variants:
    coder, cache = TileEncoder(0), TileCache(1 << 20)

    def make(form: VariantSpec, sequence: int) -> Variant:
        return Variant(form, coder, cache, "420", lambda: None, sequence)

    return Variants(make, most, consumers=consumers)


def test_variant_is_kept_for_who_has_not_said_yet_what_it_wants() -> None:
    variants = variants_of(1)
    with variants.lease(VariantSpec(quality=10)) as first:
        with pytest.raises(TooManyVariants), variants.lease(VariantSpec(quality=20)):
            pass
        assert first in variants.listed()
    with variants.lease(VariantSpec(quality=20)) as second:
        assert variants.listed()[1:] == [second]


def test_longest_idle_makes_room_first() -> None:
    variants = variants_of(2)
    made = []
    for quality in (10, 20, 10, 30):
        with variants.lease(VariantSpec(quality=quality)) as variant:
            made.append(variant)
    assert variants.listed()[1:] == [made[0], made[3]]


def test_variant_that_failed_is_not_forgotten_twice() -> None:
    """Who still has the one that was dropped does no harm to the one made after it."""
    variants = variants_of(1, consumers := Consumers())
    with variants.lease(VariantSpec(quality=10)) as failed:
        consumers.remove(failed)
        with variants.lease(VariantSpec(quality=10)) as anew:
            consumers.remove(failed)
            assert variants.listed()[1:] == [anew]


def test_forms_asked_for_one_after_the_other_are_all_given(server: XServer) -> None:
    with webcapd("--display", server.name, "--max-variants", "1") as program:
        answers = [program.get(f"/?snapshot&quality={number}")[0] for number in range(1, 51)]
        assert answers == [200] * 50


def test_snapshots_at_a_time_get_theirs_up_to_the_bound(server: XServer) -> None:
    """Two forms in turn by each of two clients: never more than two at a time."""
    refused = []

    def ask(program: Webcapd, form: str) -> None:
        for number in range(50):
            status, _, body = program.get(f"/?snapshot&{form}={10 + number}")
            if status != 200:
                refused.append((status, body))

    with webcapd("--display", server.name, "--max-variants", "2") as program:
        clients = [
            threading.Thread(target=ask, args=(program, form)) for form in ("quality", "width")
        ]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
    assert refused == []


FORMS = 60


@contextlib.contextmanager
def slowed(program: Webcapd) -> Iterator[None]:
    """Have webcapd run a fifth of the time, as on a machine with much other work."""
    over = threading.Event()

    def hold_up() -> None:
        while not over.wait(0.02):
            program.process.send_signal(signal.SIGSTOP)
            over.wait(0.08)
            program.process.send_signal(signal.SIGCONT)

    thread = threading.Thread(target=hold_up)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_much_to_encode_is_no_server_that_hangs() -> None:
    """All forms of one picture together take longer than a server is waited for."""
    with (
        xvfb(1900, 2000) as server,
        painter(server) as brush,
        webcapd(
            *("--display", server.name, "--subsampling", "444"),
            *("--max-variants", str(FORMS), "--max-clients", str(FORMS + 1)),
            wrapper=("taskset", "-c", "0"),
        ) as program,
        contextlib.ExitStack() as stack,
    ):
        for quality in range(20, 20 + FORMS):
            client = stack.enter_context(raw(program))
            client.request(f"/?stream&quality={quality}")
            assert client.head().code == 200

        def all_are_encoded() -> bool:
            each = program.info()["encoder"]["variants"]
            return len(each) > FORMS and all(one["frames"] > 1 for one in each[1:])

        with slowed(program):
            brush.noise(1)
            wait_until("the noise is in all forms", all_are_encoded, 10 * TIMEOUT)
        assert program.info()["encoder"]["outages"] == 0
        # One form more may be late while all the others are encoded again, at rest quality.
        wait_until("a picture is had", lambda: program.get("/?snapshot")[0] == 200)
