"""The package: built as for a release, installed where nothing else is, and run."""

import json
import os
import subprocess
import sys
import tarfile
import urllib.request
import zipfile
from pathlib import Path

import mjpeg
import pytest
from program import READY, ROOT, TIMEOUT
from xserver import XServer

import webcapd

FILES = {
    "--print-unit": "webcapd@.service",
    "--print-socket": "webcapd@.socket",
    "--print-haproxy": "haproxy.cfg",
    "--print-nginx": "app/fronts/nginx.conf",
    "--print-varnish": "app/fronts/varnish.vcl",
}


def rooms() -> list[str]:
    """List the folders of the package."""
    return [path.name for path in (ROOT / ".package" / "webcapd").iterdir() if path.is_dir()]


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    """Run a command that must end well; returns what it wrote to standard output."""
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, capture_output=True, text=True, timeout=4 * TIMEOUT
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the sdist from a copy of the tracked files, and the wheel from the sdist."""
    tree = tmp_path_factory.mktemp("tree")
    names = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    for name in filter(None, names):
        source, copy = ROOT / name, tree / name
        if source.is_symlink() or source.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.symlink_to(os.readlink(source)) if source.is_symlink() else copy.write_bytes(
                source.read_bytes()
            )
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, tree, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def program(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel in an environment of its own; gives the command.

    What it depends on is lent by ours, which knows no webcapd.
    """
    folder = tmp_path_factory.mktemp("clean")
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    (wheel,) = built.glob("*.whl")
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "lent.pth").write_text(
        "\n".join(path for path in sys.path if path.endswith("site-packages"))
    )
    run(
        *(sys.executable, "-m", "pip", "--python", folder, "install", "--quiet", "--no-deps"),
        *("--no-index", "--disable-pip-version-check", wheel),
    )
    return folder / "bin" / "webcapd"


def test_version_is_said_once(built: Path, program: Path) -> None:
    version = webcapd.__version__
    assert sorted(path.name for path in built.iterdir()) == [
        f"webcapd-{version}-py3-none-any.whl",
        f"webcapd-{version}.tar.gz",
    ]
    assert run(program, "--version") == f"webcapd {version}\n"


def _extract(archive: tarfile.TarFile, folder: Path) -> None:
    # Debian 12's Python 3.11.2 has no filters yet; later ones want one named.
    if hasattr(tarfile, "data_filter"):
        archive.extractall(folder, filter="data")
    else:
        archive.extractall(folder)


def test_source_archive_has_the_tree_and_nothing_else(built: Path, tmp_path: Path) -> None:
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
        _extract(opened, tmp_path)
    for folder in (*rooms(), "tests", "docs", "script"):
        files = [path for path in (ROOT / folder).rglob("*.*") if "__pycache__" not in path.parts]
        here = {str(path.relative_to(ROOT)) for path in files}
        assert here <= names, here - names
    assert {*FILES.values(), "LICENSE", "CHANGELOG.md", "requirements.txt"} <= names
    assert ".package/webcapd/py.typed" in names
    assert not [name for name in names if "__pycache__" in name or ".venv" in name]
    # It runs from there, too.
    (tree,) = tmp_path.iterdir()
    assert run(sys.executable, tree / "webcapd.py", "--version", cwd=tmp_path)


def test_wheel_has_the_package_alone(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        names = opened.namelist()
    assert {name.partition("/")[0] for name in names} == {
        "webcapd",
        f"webcapd-{webcapd.__version__}.dist-info",
    }
    inside = {path for room in rooms() for path in (ROOT / room).rglob("*.*")}
    inside = {path for path in inside if "__pycache__" not in path.parts}
    wanted = {"py.typed", *FILES.values(), *(str(path.relative_to(ROOT)) for path in inside)}
    missing = {f"webcapd/{name}" for name in wanted} - set(names)
    assert not missing
    assert "webcapd/http/__init__.py" not in names


def test_installed_modules_load_from_an_empty_folder(program: Path, tmp_path: Path) -> None:
    source = (
        "import importlib, pkgutil, webcapd\n"
        "for one in pkgutil.walk_packages(webcapd.__path__, 'webcapd.'):\n"
        "    if not one.name.endswith('__main__'):\n"
        "        print(importlib.import_module(one.name).__file__)\n"
    )
    files = run(program.with_name("python"), "-c", source, cwd=tmp_path).splitlines()
    (folder,) = program.parent.parent.glob("lib/python*/site-packages/webcapd")
    assert all(Path(file).is_relative_to(folder) for file in files)
    found = {Path(file).relative_to(folder).parts[0] for file in files}
    # http/ is no regular package, and so not walked; the program test runs it.
    assert found == {*rooms()} - {"http"}


def test_installed_program_serves_a_display(server: XServer, program: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [program, "--display", server.name, "--port", "0"],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    try:
        assert process.stderr is not None
        ready = READY.match(process.stderr.readline())
        assert ready
        with urllib.request.urlopen(f"{ready[4]}?snapshot", timeout=TIMEOUT) as answer:
            assert mjpeg.decode(answer.read()).shape[:2] == (480, 640)
        with urllib.request.urlopen(f"{ready[4]}?info", timeout=TIMEOUT) as answer:
            assert json.load(answer)["version"] == webcapd.__version__
        with urllib.request.urlopen(ready[4], timeout=TIMEOUT) as answer:
            assert b"<!DOCTYPE html>" in answer.read()
    finally:
        process.terminate()
        assert process.wait(TIMEOUT) == 0
        assert process.stderr is not None
        process.stderr.close()


def test_module_runs_as_well(program: Path) -> None:
    python = program.with_name("python")
    assert run(python, "-m", "webcapd", "--version", cwd=Path("/")).startswith("webcapd ")


@pytest.mark.parametrize("flag", sorted(FILES.keys() - {"--print-unit"}))
def test_files_are_printed_as_shipped(program: Path, flag: str) -> None:
    shipped = (ROOT / FILES[flag]).read_text()
    assert run(program, flag, cwd=Path("/")) == shipped
    assert run(sys.executable, ROOT / "webcapd.py", flag, cwd=Path("/")) == shipped


def test_unit_starts_whichever_webcapd_printed_it(program: Path) -> None:
    def start(*command: str | Path) -> str:
        (line,) = [
            line
            for line in run(*command, "--print-unit", cwd=Path("/")).splitlines()
            if line.startswith("ExecStart=")
        ]
        return line

    assert start(program).startswith(f"ExecStart={program} --unix ")
    python = program.with_name("python")
    main = start(python, "-m", "webcapd")
    assert main.startswith(f"ExecStart={python} -P {program.parent.parent}/lib/")
    here = start(sys.executable, ROOT / "webcapd.py")
    assert here.startswith(f"ExecStart={sys.executable} -P {ROOT}/webcapd.py --unix ")


def test_unit_that_its_own_sandbox_would_hide_is_warned_of(program: Path, tmp_path: Path) -> None:
    # pytest's folders are below /tmp, or whatever stands for it.
    done = subprocess.run([program, "--print-unit"], capture_output=True, text=True, check=True)
    assert ("sandbox will not find" in done.stderr) == str(program).startswith("/tmp/")
