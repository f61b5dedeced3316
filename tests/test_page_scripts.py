"""The page's scripts are typed and lint-free."""

import subprocess

from program import ROOT


def test_scripts_of_the_page_pass_their_checks() -> None:
    done = subprocess.run(
        [ROOT / "script" / "check-page"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
