"""Recording within the sandbox of the unit, and the drop-in of docs/deploy.md."""

from recordings import decoded
from service import Service
from test_unit_sources import drop_in, sandbox_with
from waiting import wait_until

OPTIONS = "--source pattern:clock,size=160x120 --min-free 0 --record "


def test_the_drop_in_lets_it_record() -> None:
    with sandbox_with(drop_in("Recordings")) as sandbox:
        service = Service(sandbox, f"{OPTIONS}/var/lib/webcapd/7")
        try:
            service.hear("READY=1")
            wait_until("it records", lambda: service.info()["record"]["bytes"] > 10_000)
        finally:
            said = service.end()
        assert "Traceback" not in said
        (video,) = sandbox.state.glob("*.mkv")
        assert decoded(video) > 0


def test_without_it_it_says_that_it_cannot() -> None:
    with sandbox_with("") as sandbox:
        service = Service(sandbox, f"{OPTIONS}/var/lib/webcapd/7")
        assert service.process.wait(30) == 3
        said = service.end()
    assert said == "webcapd: /var/lib/webcapd/7 cannot be written: Read-only file system\n"
