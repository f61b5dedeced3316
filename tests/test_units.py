"""Times and amounts of bytes, as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webcapd.base.number import parse_bytes, parse_period, parse_seconds, written_bytes


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("90", 90), ("10m", 600), ("24h", 86400), ("7d", 604800), ("0.5s", 0.5)],
)
def test_times(text: str, seconds: float) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize(
    ("text", "count"), [("0", 0), ("500K", 512000), ("100M", 104857600), ("1.5G", 3 << 29)]
)
def test_amounts(text: str, count: int) -> None:
    assert parse_bytes(text) == count


@pytest.mark.parametrize("text", ["", "m", "10x", "-1s", "1 h", "1e9", "10MB", "999999999d", "٣s"])
def test_what_is_none_is_refused_in_a_sentence(text: str) -> None:
    for read in (parse_seconds, parse_period, parse_bytes):
        if (read, text) != (parse_bytes, "m"):
            with pytest.raises(ValueError, match=r"is written as|below 0|hundred years"):
                read(text if text != "999999999d" or read is not parse_bytes else "x")


def test_a_period_is_more_than_nothing() -> None:
    with pytest.raises(ValueError, match="less than a thousandth"):
        parse_period("0")


@given(st.integers(0, 1 << 50))
def test_written_amounts_say_about_as_much(count: int) -> None:
    number, unit = written_bytes(count).split()
    factor = {"bytes": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}[unit]
    assert float(number) * factor == pytest.approx(count, rel=0.06)
