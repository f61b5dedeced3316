"""What the log says: who watches and why they stop, rates, and what anybody can see."""

import re

import mjpeg
from program import webcapd
from xserver import XServer


def test_client_that_comes_and_goes_is_told_in_a_line_each(server: XServer) -> None:
    with webcapd("--display", server.name, "--keepalive", "0.5") as program:
        with mjpeg.stream(program) as stream:
            for _ in range(3):
                stream.part()
            (session,) = program.info()["clients"]
        name = re.escape(session["client"])
        program.wait_for_line(re.compile(f"webcapd: {name} begins to watch").fullmatch)
        summed_up = r"watched for [0-9.]+ s, \d+ frames, 0 skipped, [0-9.]+ MB, until it left"
        program.wait_for_line(re.compile(f"webcapd: {name} {summed_up}").fullmatch)


def test_clients_of_a_server_that_stops_are_told(server: XServer) -> None:
    with webcapd("--display", server.name) as program, mjpeg.stream(program) as stream:
        stream.part()
        assert program.stop() == 0
        assert program.lines[-1].endswith("until the server stops")


def test_rates_are_told_on_request(server: XServer) -> None:
    with webcapd("--display", server.name, "--showfps") as program:
        rates = r"webcapd: [0-9.]+ frames/s encoded, 0 streams of 0.0 frames/s, 0.0 snapshots/s"
        program.wait_for_line(re.compile(rates).fullmatch)


def test_requests_are_told_on_request(server: XServer) -> None:
    with webcapd("--display", server.name, "--loghttp") as program:
        program.get("/?info")
        program.wait_for_line(
            re.compile(r'webcapd: 127.0.0.1:\d+ "GET /\?info .*" 200 -').fullmatch
        )


def test_listening_to_the_network_is_warned_of(server: XServer) -> None:
    with webcapd("--display", server.name, "--v4bindaddress", "0.0.0.0") as program:
        program.wait_for_line(lambda line: "whoever can reach that address sees" in line)
    with webcapd("--display", server.name, "--v4bindaddress", "127.0.0.2") as program:
        assert program.snapshot()
    assert len(program.own_lines()) == 1
