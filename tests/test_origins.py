"""Which other sites' scripts may read what is served."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webcapd.http.access.origins import check_origin, origin_headers, preflight_headers

WALL, EVIL = "https://wall.example:8443", "https://evil.example"
LEAVE, WITH_PASSWORD = "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"


@pytest.mark.parametrize(
    "origin", ["*", WALL, "http://localhost", "http://[::1]:8080", "https://10.0.0.1"]
)
def test_origin_is_taken_as_browsers_send_it(origin: str) -> None:
    check_origin(origin)


@pytest.mark.parametrize(
    "origin",
    ["", "null", "wall.example", "https://wall.example/", "https://Wall.example", "ftp://a", "**",
     "https://a https://b", "https://a\r\nX: y"],
)  # fmt: skip
def test_what_no_browser_sends_is_refused(origin: str) -> None:
    with pytest.raises(ValueError):
        check_origin(origin)


def test_nobody_hears_of_it_unless_somebody_is_allowed() -> None:
    assert origin_headers(WALL, ()) == []
    assert preflight_headers([]) == []


def test_named_origin_may_read_also_with_a_password() -> None:
    for allowed in ((WALL,), ("http://other", WALL), ("*", WALL)):
        headers = dict(origin_headers(WALL, allowed))
        assert headers[LEAVE] == WALL
        assert headers[WITH_PASSWORD] == "true"
        assert headers["Vary"] == "Origin"
        assert "X-Sequence" in headers["Access-Control-Expose-Headers"]


def test_any_origin_may_read_what_needs_no_password() -> None:
    headers = dict(origin_headers(EVIL, ("*",)))
    assert headers[LEAVE] == "*"
    assert WITH_PASSWORD not in headers


@settings(deadline=None)
@given(st.none() | st.text() | st.sampled_from([f"{WALL}.evil.example", WALL[:-1], WALL.upper()]))
def test_other_origins_may_not(origin: str | None) -> None:
    headers = origin_headers(origin, (WALL,))
    assert headers == [("Vary", "Origin")]
    assert preflight_headers(headers) == []


def test_preflight_names_what_may_be_done() -> None:
    for origin, allowed in ((WALL, (WALL,)), (EVIL, ("*",))):
        headers = dict(preflight_headers(origin_headers(origin, allowed)))
        assert headers["Access-Control-Allow-Methods"] == "GET, HEAD"
        assert "Authorization" in headers["Access-Control-Allow-Headers"]
