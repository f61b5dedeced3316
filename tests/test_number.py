"""Numbers as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webcapd.base.number import parse_number, parse_whole

WHOLE = {"0": 0, "7": 7, "-1": -1, "007": 7, "65535": 65535}
OTHER = {"0.5": 0.5, ".5": 0.5, "5.": 5.0, "-0.25": -0.25, "30.0": 30.0}
NONE = [
    *("", " ", "-", ".", "-.", "+1", "1 ", " 1", "\n1", "1\n", "1_0", "1,5", "1e3", "0x10", "--1"),
    *("nan", "inf", "-inf", "Infinity", "\u0661\u0662", "\u0667\u0665", "\xb2", "1\0", "1.2.3"),
    *("\uff11", "9" * 41),
]


@pytest.mark.parametrize(("text", "value"), WHOLE.items())
def test_whole_numbers_are_read(text: str, value: int) -> None:
    assert parse_whole(text) == parse_number(text) == value


@pytest.mark.parametrize(("text", "value"), OTHER.items())
def test_other_numbers_are_read(text: str, value: float) -> None:
    assert parse_number(text) == value
    with pytest.raises(ValueError, match="whole"):
        parse_whole(text)


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_number_is_refused_in_one_short_line(text: str) -> None:
    for parse in (parse_number, parse_whole):
        with pytest.raises(ValueError, match="is not a") as caught:
            parse(text)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 100


@given(st.text())
def test_no_other_text_is_a_number(text: str) -> None:
    if set(text) - set("-.0123456789"):
        for parse in (parse_number, parse_whole):
            with pytest.raises(ValueError, match="is not a"):
                parse(text)
