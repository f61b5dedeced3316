"""What Prometheus gets: text it can read, and counters that never fall."""

from collections.abc import Callable, Iterable, Iterator

import mjpeg
import pytest
from mortal import MortalServer, mortal_server
from painter import painter
from program import Webcapd, webcapd
from prometheus_client import parser
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import parser as openmetrics_parser
from waiting import wait_until
from xserver import XServer

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


@pytest.fixture
def mortal() -> Iterator[MortalServer]:
    with mortal_server() as server:
        yield server


def families(program: Webcapd) -> dict[str, Metric]:
    status, headers, body = program.get("/?metrics")
    assert status == 200
    assert headers["Content-Type"].startswith("text/plain; version=")
    return {one.name: one for one in parser.text_string_to_metric_families(body.decode())}


def values(program: Webcapd, kind: str = "") -> dict[str, float]:
    """Give all our figures by name, or those of one kind."""
    return {
        sample.name: sample.value
        for family in families(program).values()
        for sample in family.samples
        if family.name.startswith("webcapd") and kind in ("", family.type)
    }


def test_figures_are_those_of_the_state_page(server: XServer) -> None:
    with webcapd("--display", server.name) as program, mjpeg.stream(program) as stream:
        stream.part()
        assert program.snapshot()
        # What has come is counted a little later.
        wait_until("it is counted", lambda: program.info()["clients"][0]["bytesSent"])
        info, found = program.info(), values(program)
        assert found["webcapd_up"] == 1
        assert found["webcapd_outages_total"] == 0
        assert (found["webcapd_width_pixels"], found["webcapd_height_pixels"]) == program.size
        assert found["webcapd_streams"] == 1
        assert found["webcapd_snapshots_total"] == 1
        assert found["webcapd_quality"] == info["encoder"]["quality"]
        assert found["webcapd_variants"] == len(info["encoder"]["variants"])
        assert found["webcapd_capture_looks_total"] >= info["capture"]["looks"] > 0
        assert found["webcapd_frames_encoded_total"] >= 1
        assert found["webcapd_sent_bytes_total"] >= info["clients"][0]["bytesSent"] > 0
        assert families(program)["webcapd_info"].samples[0].labels == {
            key: info[key] for key in ("version", "name")
        }


def test_every_figure_has_a_word_of_help(server: XServer) -> None:
    with webcapd("--display", server.name) as program:
        assert [one.name for one in families(program).values() if not one.documentation] == []


def test_process_tells_of_itself(server: XServer) -> None:
    with webcapd("--display", server.name) as program:
        found = families(program)
        for name in ("process_resident_memory_bytes", "process_open_fds", "process_cpu_seconds"):
            assert found[name].samples[0].value > 0


def test_openmetrics_is_given_to_who_prefers_it(server: XServer) -> None:
    with webcapd("--display", server.name) as program:
        _, headers, body = program.get("/?metrics", Accept=OPENMETRICS)
        assert headers["Content-Type"].startswith("application/openmetrics-text")
        assert body.endswith(b"# EOF\n")
        parse: Callable[[str], Iterable[Metric]] = openmetrics_parser.text_string_to_metric_families
        names = {one.name for one in parse(body.decode())}
        assert {"webcapd_up", "webcapd_frames_sent"} <= names
        status, headers, body = program.get("/metrics", "HEAD")
        assert (status, body) == (200, b"")
        assert headers["Content-Type"].startswith("text/plain")


def test_counters_never_fall_over_outages_and_closed_streams(mortal: MortalServer) -> None:
    mortal.start_xvfb()
    with webcapd("--display", mortal.name, "--keepalive", "0.5") as program:
        before = values(program, "counter")
        assert len(before) >= 10

        def grown(*names: str) -> None:
            """See that nothing has fallen since the last time, and that some have risen."""
            nonlocal before
            now = values(program, "counter")
            assert now.keys() == before.keys()
            assert {name: now[name] for name in now if now[name] < before[name]} == {}
            assert [name for name in names if now[name] <= before[name]] == []
            before = now

        def is_up(wanted: float) -> bool:
            return values(program)["webcapd_up"] == wanted

        with mjpeg.stream(program) as stream, painter(mortal) as brush:
            for seed in range(3):
                brush.noise(seed)
                stream.part()
            grown("webcapd_frames_sent_total", "webcapd_sent_bytes_total")
        wait_until("the stream is closed", lambda: values(program)["webcapd_streams"] == 0)
        grown()
        mortal.kill()
        with mjpeg.stream(program):
            wait_until("the picture is lost", lambda: is_up(0))
        grown("webcapd_outages_total")
        mortal.start_xvfb()
        wait_until("the picture is back", lambda: is_up(1))
        assert program.snapshot()
        grown("webcapd_snapshots_total", "webcapd_capture_looks_total")


def test_versions_that_are_none_are_answered(server: XServer) -> None:
    with webcapd("--display", server.name) as program:
        for kind in ("text/plain", "application/openmetrics-text"):
            for version in ("abc", "=", "1.x", "0x1", "1.0.0.0.0", ""):
                status, _, body = program.get("/?metrics", Accept=f"{kind}; version={version}")
                assert (status, b"webcapd_up" in body) == (200, True)
