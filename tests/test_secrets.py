"""Passwords for sources on other servers: from a file, and shown nowhere."""

from pathlib import Path

import pytest
from program import webcapd

from webcapd.base.redaction import redacted_source
from webcapd.capture.feeds.files.passwords import read_secrets
from webcapd.capture.feeds.registry import make_feed


def test_secrets_are_found_by_host_and_port(tmp_path: Path) -> None:
    file = tmp_path / "secrets"
    file.write_text(
        "# cameras\n\nCamera.example viewer:two words\n"
        "camera.example:8443\ttoken\n[::1]:80 six\n10.0.0.7 four\n"
    )
    secret_for = read_secrets(str(file))
    assert secret_for("camera.example") == "viewer:two words"
    assert secret_for("CAMERA.example:80") == "viewer:two words"
    assert secret_for("camera.example:8443") == "token"
    assert secret_for("[::1]:80") == "six"
    assert secret_for("10.0.0.7:1") == "four"
    assert secret_for("other.example") == secret_for("amera.example") == ""


@pytest.mark.parametrize("content", [b"camera.example\n", b"camera.example \xff\n"])
def test_mistake_in_the_file_is_named_without_what_is_there(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "secrets"
    file.write_bytes(b"# one\n" + content)
    with pytest.raises(ValueError, match=f"^line 2 of {file} is not a host and what to send it$"):
        read_secrets(str(file))


def test_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read: No such file"):
        read_secrets(str(tmp_path / "none"))
    assert read_secrets("")("anything") == ""


SOURCES = [
    "http://user:hush@127.0.0.1:1/x?token=hush",
    "mix:max(http://a:hush@127.0.0.1:1/,camera:rtsp://b:hush@127.0.0.1:1/y)",
    "camera:rtsp://b:hush@127.0.0.1:1/y,size=64x48",
]


def test_password_in_a_source_is_shown_nowhere() -> None:
    """In no log line at any level, on no page, and not in the sentence of the placeholder."""
    arguments = [word for source in SOURCES for word in ("--source", source)]
    with webcapd(*arguments, "--log-level", "debug", "--loghttp") as program:
        pages = ["/?info", "/?health", "/?metrics", "/", "/?embed", "/?snapshot"]
        answers = [program.get(page)[2].decode() for page in pages]
        assert "127.0.0.1:1" in answers[0]
        assert "127.0.0.1:1" in answers[5], "the sentence says which"
    assert "hush" not in " ".join([*answers, *program.lines])


@pytest.mark.parametrize(
    "source",
    [
        *(f"htp{source}" for source in SOURCES),
        *(f"{source}:99999" for source in SOURCES),
        "http://user:hush@",
        "http://user:hush@host:99999/",
        "http://user:hush@host/ x",
        "mix:max(http://user:hush@host/)",
        "mix:http://user:hush@host/(pattern:bars,pattern:bars)",
        "mix:max(http://user:hush@host/,pattern:bars),token=hush",
        "pattern:http://user:hush@host/",
        "pattern:bars,http://user:hush@host/",
        "pattern:bars,size=http://user:hush@host/",
        "pattern:bars,fps=http://user:hush@host/",
        "raw:http://user:hush@host/",
        "raw:http://user:hush@host/,http://user:hush@host/,rgb24",
        "tcp://user:hush@:5000",
        "push:user:hush@host",
        "x11:user:hush@host",
    ],
)
def test_password_in_a_mistyped_source_is_not_repeated(source: str) -> None:
    try:
        feed = make_feed(source)
    except ValueError as error:
        assert "hush" not in str(error)
    else:
        assert "hush" not in feed.name
    assert "hush" not in redacted_source(source) or "://" not in source
