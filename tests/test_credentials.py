"""Files of passwords and tokens: read, and never repeated."""

import datetime

import bcrypt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webcapd.http.access.credentials import Token, parse_passwords, parse_tokens, token_digest

# With one salt: the names of tests, which hold these, must be the same in all workers.
_SALT = b"$2b$04$" + b"webcapd" * 3 + b"u"
ENTRY = bcrypt.hashpw(b"secret", _SALT).decode()
OTHER = bcrypt.hashpw(b"other", _SALT).decode()
TOKEN = "0123456789abcdef"


def test_passwords_are_read_past_comments_and_blank_lines() -> None:
    text = f"# who\n\n  ann:{ENTRY}  \r\nbörge:{OTHER}\n"
    assert parse_passwords(text) == {"ann": ENTRY.encode(), "börge": OTHER.encode()}


@pytest.mark.parametrize("version", ["2a", "2b", "2y"])
def test_each_version_of_bcrypt_is_good_for_a_login(version: str) -> None:
    (entry,) = parse_passwords(f"ann:${version}${ENTRY[4:]}").values()
    assert bcrypt.checkpw(b"secret", entry)


@pytest.mark.parametrize(
    "line",
    [
        "ann",
        "ann:",
        f":{ENTRY}",
        "ann:secret",
        "ann:$apr1$4r8Oq5Nc$8Pb8wJ7uZlF0Y3bGkqG2S/",
        "ann:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
        f"ann:{ENTRY[:-1]}",
        f"ann:{ENTRY}x",
        f"ann:{ENTRY}:more",
        f"ann:$2b$03${ENTRY[7:]}",
        f"ann:$2b$99${ENTRY[7:]}",
    ],
)
def test_entry_that_is_none_is_refused_by_its_number_alone(line: str) -> None:
    with pytest.raises(ValueError, match="line 2") as caught:
        parse_passwords(f"bob:{OTHER}\n{line}\n")
    assert line not in str(caught.value)


@settings(deadline=None)
@given(st.text("./" + "AZaz09" + "Oeu", min_size=53, max_size=53))
def test_entry_that_is_taken_can_be_checked(rest: str) -> None:
    """The library refuses some salts that look good: a login would fail with an exception."""
    try:
        (entry,) = parse_passwords(f"ann:$2b$04${rest}").values()
    except ValueError:
        with pytest.raises(ValueError):
            bcrypt.checkpw(b"secret", f"$2b$04${rest}".encode())
    else:
        bcrypt.checkpw(b"secret", entry)


@pytest.mark.parametrize("text", ["", "\n\n", "# nobody\n"])
def test_file_of_nobody_is_refused(text: str) -> None:
    for parse in (parse_passwords, parse_tokens):
        with pytest.raises(ValueError, match="it has no"):
            parse(text)


def test_tokens_expire_when_their_line_says() -> None:
    text = f"""
        {TOKEN}
        {TOKEN}1 2027-01-31
        {TOKEN}2\t2027-01-31T18:00+00:00
        {TOKEN}3 2027-01-31T18:00Z
    """
    local = datetime.datetime(2027, 1, 31).timestamp()
    zoned = datetime.datetime(2027, 1, 31, 18, tzinfo=datetime.UTC).timestamp()
    assert parse_tokens(text) == {
        token_digest(TOKEN): Token(None),
        token_digest(f"{TOKEN}1"): Token(local),
        token_digest(f"{TOKEN}2"): Token(zoned),
        token_digest(f"{TOKEN}3"): Token(zoned),
    }


@pytest.mark.parametrize(
    "line",
    [
        "short",
        TOKEN[:-1],
        f"{TOKEN} other-half",
        f"{TOKEN} tomorrow",
        f"{TOKEN} 2027-13-01",
        f"{TOKEN} 2027-01-31 18:00",
    ],
)
def test_token_that_is_none_is_refused_by_its_number_alone(line: str) -> None:
    """What is there may be a secret, or half of one."""
    with pytest.raises(ValueError, match="line 3") as caught:
        parse_tokens(f"# first\n{TOKEN}x\n{line}\n")
    assert not [word for word in line.split() if word in str(caught.value)]


@settings(deadline=None)
@given(st.text(), st.text())
def test_tokens_are_known_apart(one: str, other: str) -> None:
    def digest(text: str) -> bytes:
        return token_digest(text.encode("utf-8", "replace").decode())

    assert (digest(one) == digest(other)) == (
        one.encode("utf-8", "replace") == other.encode("utf-8", "replace")
    )
