"""Updates through haproxy with the file that is shipped: by HTTP/1.1 and by HTTP/2."""

import contextlib
import http.client
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from front import SHIPPED as HAPROXY_CFG
from front import Front, end, front, impatient, instance, make_certificate
from h2client import H2Response, h2_client_of, served
from painter import painter
from program import TIMEOUT
from updateclient import TYPE, UpdateClient
from updatereader import UpdateReader
from waiting import wait_until
from xserver import XServer, xvfb


@contextlib.contextmanager
def fronted(folder: Path, *options: str) -> Iterator[tuple[Front, XServer]]:
    """Run a display, webcapd, and haproxy with short timeouts but those of streams."""
    make_certificate(folder)
    with xvfb(320, 240) as server, front(folder, impatient(HAPROXY_CFG)) as running:
        program = instance(folder, 0, server.name, *options)
        try:
            connection, response = running.served("/display/0/?info")
            with contextlib.closing(connection), response:
                pass
            yield running, server
        finally:
            end(program)


def test_updates_come_by_http_1(tmp_path: Path) -> None:
    with fronted(tmp_path, "--keepalive", "0.5") as (running, server), painter(server) as brush:
        client = wait_until("updates are served", lambda: asked_by_http_1(running))
        try:
            assert client.headers["Content-Type"] == TYPE
            for number in range(5):
                brush.rectangle(0xFF8000, number * 30, 20, 13, 14)
                client.wait_for(server.pixels)
            before = client.bytes
            wait_until("keepalives outlive the timeouts", lambda: client.bytes > before + 4 * 12)
        finally:
            client.close()


def asked_by_http_1(running: Front) -> UpdateClient | None:
    """Ask for updates; None where a busy machine is too slow for timeouts that are so short."""
    connection = running.connect()
    try:
        return UpdateClient(connection, path="/display/0/", Accept_Encoding="gzip")
    except (AssertionError, OSError, http.client.HTTPException):
        connection.close()
        return None


def test_updates_come_by_http_2(tmp_path: Path) -> None:
    with (
        fronted(tmp_path, "--keepalive", "0.5") as (running, server),
        painter(server) as brush,
        h2_client_of(running.port, "/display/0/?updates") as (client, response),
    ):
        assert response.getheader("content-type") == TYPE
        reader = UpdateReader()
        thread = threading.Thread(target=read_on, args=(response, reader), daemon=True)
        thread.start()
        for number in range(5):
            brush.rectangle(0xFF8000, number * 30, 20, 13, 14)
            wait_until("the picture", lambda: shows(reader, server))
        state = f"{reader.hello['run']}-{reader.sequence}"
        once = f"/display/0/?updates&once=1&keepalive=0.2&after={state}"
        alone = wait_until("it is served", lambda: served(client.get(once)))
        assert alone.read().endswith(b'{"reason":"once"}')
        before = reader.captured
        brush.rectangle(0x00FF80, 100, 100, 13, 14)
        wait_until("the picture", lambda: shows(reader, server) and reader.captured > before)
        # Nobody else ends the thread's waiting.
        response.writer.close()
        thread.join(TIMEOUT)


def shows(reader: UpdateReader, server: XServer) -> bool:
    shown, wanted = reader.picture[..., ::-1], server.pixels()
    return shown.shape == wanted.shape and bool(np.array_equal(shown, wanted))


def read_on(response: H2Response, reader: UpdateReader) -> None:
    """Feed a reader, record by record, until the connection ends."""
    with contextlib.suppress(OSError, ValueError):
        while len(head := response.read(4)) == 4:
            reader.feed(head + response.read(int.from_bytes(head[1:], "big")))


@pytest.mark.parametrize("query", ["once=1", "once=1&after=0011223344556677-1"])
def test_haproxy_keeps_no_update(tmp_path: Path, query: str) -> None:
    with fronted(tmp_path) as (running, _):
        for _ in range(2):
            connection, response = running.served(f"/display/0/?updates&{query}")
            with contextlib.closing(connection), response:
                assert response.headers["cache-control"] == "no-store, no-transform"
