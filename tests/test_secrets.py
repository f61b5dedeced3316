"""Passwords for sources on other servers, from a file."""

from pathlib import Path

import pytest

from webcapd.capture.feeds.files.passwords import read_secrets


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
