"""What a request's address asks for."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webcapd.http.target import PAGES, Target, parse_target
from webcapd.http.wire.response import HttpError

FORMS = (
    "/?{}",
    "/?{}=",
    "/?{}=1",
    "/{}",
    "/{}/",
    "/?action={}",
    "/?action={}_0",
    "/?action={}_12",
    "/?t=1&{}",
    "/?{}=&t=1",
    "/?{}&1700000000000",
    "/{}?1700000000000",
    "/?{}&cacheBust=0.123",
    "/?_=17&bypassCache=5&{}&timestamp=9",
    "/?&&{}&",
    "/?{}#top",
    "?{}",
    "http://localhost:8080/?{}",
)


# In updates and in the address of the live page, video=1 is a parameter.
NAMINGS = [(form, page) for form in FORMS for page in PAGES if (form, page) != ("/?{}=1", "video")]


@pytest.mark.parametrize(("form", "page"), NAMINGS)
def test_every_form_names_its_page(form: str, page: str) -> None:
    assert parse_target(form.format(page)).page == page


@pytest.mark.parametrize(("form", "page"), [one for one in NAMINGS if one[0] != FORMS[-1]])
def test_case_does_not_matter(form: str, page: str) -> None:
    assert parse_target(form.format(page).upper()).page == page


@pytest.mark.parametrize(
    "target", ["/", "", "/?", "/?1700000000000", "/?t=1&u", "/?action=", "/index", "/?video=1"]
)
def test_bare_address_is_the_index(target: str) -> None:
    assert parse_target(target).page == "index"


def test_updates_with_video_are_updates_in_any_order() -> None:
    assert parse_target("/?video=1&updates").page == "updates"


@pytest.mark.parametrize("target", ["/?actions=stream", "/?streams", "/?x=stream"])
def test_parameter_that_names_no_page_is_ignored(target: str) -> None:
    assert parse_target(target).page == "index"


@pytest.mark.parametrize(
    "target",
    [
        "/nothing",
        "/stream/more",
        "/streams",
        "/favicon",
        "/favicon.ico/more",
        "/info.jpg",
        "/etc/passwd",
        "/../stream",
        "/stream%00",
        "/nothing?stream",
        "/?action=command",
        "*",
    ],
)
def test_unknown_path_is_refused_by_naming_the_real_ones(target: str) -> None:
    with pytest.raises(HttpError) as caught:
        parse_target(target)
    assert caught.value.status == 404
    for page in PAGES:
        assert f"/?{page}" in caught.value.sentence


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/stream.mjpg", "stream"),
        ("/video.mjpg", "stream"),
        ("/Video.MJPG?fps=5", "stream"),
        ("/snapshot.jpg", "snapshot"),
        ("/snapshot.jpg?1700000000000", "snapshot"),
        ("/favicon.ico", "favicon.ico"),
    ],
)
def test_path_of_a_camera_names_its_page(path: str, page: str) -> None:
    assert parse_target(path).page == page


@pytest.mark.parametrize(
    "target", ["http://[broken/?stream", "/?" + "&".join(f"p{n}=1" for n in range(200))]
)
def test_unreadable_address_is_refused(target: str) -> None:
    with pytest.raises(HttpError) as caught:
        parse_target(target)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", None),
        ("&advance=0", False),
        ("&advance=1", True),
        ("&ADVANCE=1", True),
        ("&x=1&advance=0&y", False),
        ("&advances=1", None),
    ],
)
def test_switch_is_on_off_or_absent(query: str, expected: bool | None) -> None:
    assert parse_target("/?stream" + query).switch("advance") is expected


@pytest.mark.parametrize("value", ["2", "", "yes", "-1", "01", "1 ", "%31%31"])
def test_switch_of_another_value_is_refused(value: str) -> None:
    target = parse_target(f"/?stream&advance={value}")
    with pytest.raises(HttpError) as caught:
        target.switch("advance")
    assert caught.value.status == 400
    assert "advance=0" in caught.value.sentence


@settings(deadline=None)
@given(st.text(min_size=1, max_size=20))
def test_refusal_of_a_value_is_one_line(value: str) -> None:
    """It is the body of a text answer, and whoever made the address chose the value."""
    try:
        Target("stream", {"advance": value}).switch("advance")
    except HttpError as refusal:
        assert refusal.sentence.isprintable()
        assert len(refusal.sentence.splitlines()) == 1


awkward = st.lists(
    st.sampled_from(["/", "?", "&", "=", "#", "%", "[", "]", ":", "//", "stream", "action", "℀"])
    | st.text(max_size=4)
).map("".join)


@settings(deadline=None)
@given(st.text() | awkward)
def test_any_text_is_a_target_or_a_refusal(text: str) -> None:
    try:
        target = parse_target(text)
        target.switch("advance")
    except HttpError as refusal:
        assert refusal.status in (400, 404)
    else:
        assert target.page in (*PAGES, "index")
