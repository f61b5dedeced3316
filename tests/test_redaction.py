"""What the log shows of a request."""

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webcapd.base.redaction import Confidential, redacted, redacted_source

SECRET = "c0ffee4711deadbeef"


@pytest.mark.parametrize(
    "line",
    [
        "GET / HTTP/1.1",
        "GET /?stream HTTP/1.1",
        "GET /?action=stream_0&t=1700000000000 HTTP/1.1",
        "HEAD /?snapshot&rotate=-1&scale=0.5&crop=1000,1000,1000,1000&flip=hv HTTP/1.0",
        "OPTIONS * HTTP/1.1",
        "GET /favicon.ico HTTP/1.1",
        "GARBAGE",
        "",
    ],
)
def test_what_is_no_secret_is_shown(line: str) -> None:
    assert redacted(line) == line


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("/?stream&token=%s", "/?stream&token..."),
        ("/?stream&token=%s&fps=5", "/?stream&token..."),
        ("/?stream&amp;token=%s", "/?stream&amp;token..."),
        ("/?stream;token=%s", "/?stream;token..."),
        ("/?stream&tokens=%s", "/?stream&token..."),
        ("/?stream&token%%3D%s", "/?stream&token..."),
        ("/?stream&%%74oken=%s", "/?stream&token..."),
        ("/?stream&tok%%2565n=%s", "/?stream&token..."),
        ("/?stream&password=%s", "/?stream&pass..."),
        ("/?stream&user=%s", "/?stream&user=..."),
        ("/?%s", "/?..."),
        ("/%s?stream", "/...?stream"),
        ("http://ann:%s@localhost/?stream", "...localhost/?stream"),
        ("http://ann:%s%%40localhost/?stream", "..."),
        ("ann@example.net:%s@localhost/?stream", "...localhost/?stream"),
    ],
)
def test_token_is_not_shown_however_it_is_written(target: str, shown: str) -> None:
    assert redacted(f"GET {target % SECRET} HTTP/1.1") == f"GET {shown} HTTP/1.1"


@pytest.mark.parametrize(
    "target", ["/?password=%s", "/?token%%3D%s", "/?user=ann&password=%s", "/a:%s@"]
)
def test_short_password_is_not_shown_where_one_is_named(target: str) -> None:
    assert "horse" not in redacted(f"GET {target % 'horse'} HTTP/1.1")


@settings(deadline=None)
@given(st.text(), st.text())
def test_token_is_never_shown_and_the_rest_is_one_line(before: str, after: str) -> None:
    shown = redacted(f"{before}{SECRET}{after}")
    assert SECRET not in shown
    assert shown.isprintable() or shown == ""


def test_long_line_is_cut_and_a_secret_at_the_cut_is_not_shown() -> None:
    for length in range(440, 560):
        shown = redacted("GET /?" + "a&" * (length // 2) + SECRET + "&b=1" * 10_000 + " HTTP/1.1")
        assert len(shown) < 600
        assert SECRET[:4] not in shown


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("pattern:clock,size=1920x1080", "pattern:clock,size=1920x1080"),
        ("file:/srv/some where/a-long-name.jpg", "file:/srv/some%20where/a-long-name.jpg"),
        ("tcp://:5000", "tcp://:5000"),
        ("http://cam-in-the-kitchen.lan:80/?stream", "http://cam-in-the-kitchen.lan:80/?stream"),
        ("http://user:hidden@host/?stream", "http://...@host/?stream"),
        ("http://user:hid@den@host/?stream", "http://...@host/?stream"),
        ("http://user:hidden%40host/", "http://...@"),
        ("http://host/?token=hidden", "http://host/?token..."),
        ("mix:max(http://a:hidden@b/,http://c:hid,(den@d/)", "mix:max(http://...@d/..."),
    ],
)  # fmt: skip
def test_source_is_called_by_what_is_no_secret(source: str, shown: str) -> None:
    assert redacted_source(source) == shown
    kept = copy.deepcopy(Confidential(shown, source))
    assert "hid" not in f"{kept!r} {kept} {json.dumps([kept])}"
    assert kept.whole == source
