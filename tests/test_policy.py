"""What pages may load and who may frame them, as a policy in a header."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webcapd.http.access.policy import check_frame_origin, page_policy, read_wall_url

GRAFANA, LAB = "https://grafana.example:3000", "http://lab3:8080/"


def directives(policy: str) -> dict[str, list[str]]:
    """Read a policy as browsers do."""
    parts = [part.split() for part in policy.split(";")]
    return {name: sources for name, *sources in parts}


def test_page_loads_from_itself_alone() -> None:
    found = directives(page_policy(()))
    assert found == {
        **{"default-src": ["'none'"], "script-src": ["'self'"], "style-src": ["'self'"]},
        **{"img-src": ["'self'", "blob:", "data:"], "connect-src": ["'self'"]},
        "media-src": ["blob:"],
        **{"worker-src": ["'self'"], "base-uri": ["'none'"], "form-action": ["'none'"]},
        "frame-ancestors": ["'self'"],
    }


def test_wall_loads_what_it_shows_and_nothing_else() -> None:
    plain = directives(page_policy((GRAFANA,)))
    wall = directives(page_policy((GRAFANA,), (LAB, f"{LAB}display/2/?token=secret")))
    assert plain["frame-ancestors"] == ["'self'", GRAFANA]
    assert wall == {
        **plain,
        "img-src": [*plain["img-src"], "http://lab3:8080"],
        "connect-src": ["'self'", "http://lab3:8080"],
    }


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("http://lab3:8080", LAB),
        ("HTTP://Lab3:8080/", LAB),
        ("https://wall.example/display/2", "https://wall.example/display/2/"),
        ("http://10.0.0.7:8080/?token=a%2Fb", "http://10.0.0.7:8080/?token=a%2Fb"),
    ],
)
def test_address_of_the_wall_is_made_whole(text: str, address: str) -> None:
    assert read_wall_url(text) == address
    assert read_wall_url(address) == address


@pytest.mark.parametrize(
    ("text", "word"),
    [
        *((text, "address") for text in ("", "lab3", "lab3:8080", "ftp://lab3/", "http://", "//a")),
        *((text, "address") for text in ("http://[::1", "http://a:x/", "http://a:99999/")),
        ("http://ann:secret@lab3/", "token"),
        ("http://lab3/?stream", "http://lab3/"),
        ("http://lab3/?token=a&fps=2", "http://lab3/"),
        ("http://lab3/a b", "http://lab3/"),
        ("http://[::1]:8080/", "host name"),
        ("http://lab3;x/", "origin"),
    ],
)
def test_mistake_is_answered_by_what_is_wrong(text: str, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        read_wall_url(text)


@pytest.mark.parametrize("origin", ["*", GRAFANA, "http://localhost"])
def test_frame_is_allowed_to_an_origin(origin: str) -> None:
    check_frame_origin(origin)
    assert directives(page_policy([origin]))["frame-ancestors"] == ["'self'", origin]


@pytest.mark.parametrize(
    "origin",
    ["", "'none'", "grafana.example", f"{GRAFANA}/", "https://a https://b", "http://[::1]"],
)
def test_frame_is_not_allowed_to_anything_else(origin: str) -> None:
    with pytest.raises(ValueError):
        check_frame_origin(origin)


addresses = st.lists(
    st.sampled_from([*"/?&=#;,@:[]' \r\n\t", "http://", "https://", "lab3", "token", "script-src"])
    | st.text(max_size=3)
).map("".join)


@given(addresses)
def test_no_address_changes_the_policy_but_by_itself(text: str) -> None:
    for read in (read_wall_url, check_frame_origin):
        try:
            address = read(text) or text
        except ValueError as error:
            assert str(error)
        else:
            policy = page_policy([text], ()) if address is text else page_policy((), [address])
            assert directives(policy).keys() == directives(page_policy(())).keys()
            assert re.fullmatch(r"[!-~]+( [!-~]+)*", policy)
            assert directives(policy)["script-src"] == ["'self'"]
