"""Set-up that fails says why, and leaves nothing that looks finished."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
needs_make = pytest.mark.skipif(
    not shutil.which("make"), reason="make is not installed"
)


@pytest.fixture
def checkout(tmp_path):
    """A copy of what set-up reads, with an empty lock."""
    for name in ("Makefile", "pyproject.toml", "tools/set_up.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "empty.lock").write_text("# nothing\n")
    return tmp_path


@pytest.fixture
def fake_uv(checkout):
    """Returns a function that makes a `uv` of shell commands.

    It is called with its arguments; how often it was is in the file `calls`.
    """

    def make(*commands):
        folder = checkout / "bin"
        folder.mkdir()
        script = folder / "uv"
        record = f'echo "$@" >>"{checkout}/calls"'
        script.write_text("\n".join(["#!/bin/sh", record, *commands, ""]))
        script.chmod(0o755)
        return folder

    return make


def set_up(checkout, lock, uv=None, **environment):
    # An empty PATH has no `uv`; Python itself is named in full.
    return subprocess.run(
        [sys.executable, "tools/set_up.py", "environment", lock],
        cwd=checkout,
        env={
            **os.environ,
            "PATH": f"{uv}{os.pathsep}{os.defpath}" if uv else "",
            "PIP_NO_INDEX": "1",
            "PIP_CONFIG_FILE": os.devnull,
            **environment,
        },
        capture_output=True,
        text=True,
    )


def environment_python(checkout):
    return next((checkout / "environment").glob("[bS]*/python*"))


def calls(checkout):
    return (checkout / "calls").read_text().splitlines()


def test_wheels_with_known_hashes_alone_are_installed(checkout, fake_uv):
    answer = set_up(checkout, "empty.lock", fake_uv())
    assert answer.returncode == 0, answer.stderr
    (call,) = calls(checkout)
    wanted = "--requirement empty.lock --no-deps --require-hashes"
    assert call.endswith(f"{wanted} --only-binary :all:")


def test_what_it_costs_is_said_first(checkout, fake_uv):
    (checkout / "some.lock").write_text(
        "# 12 MB to download, 34 MB on disk on Linux x86-64.\n"
        "a==1 \\\n    --hash=sha256:0\nb==2 \\\n    --hash=sha256:1\n"
    )
    answer = set_up(
        checkout, "some.lock", fake_uv("echo failing >&2", "exit 1")
    )
    assert answer.stdout.startswith(
        "Installing some.lock: 2 packages, 12 MB to download, 0.0 GB in "
    )


def test_a_disk_that_is_too_small_is_told_before_anything_is_fetched(
    checkout, fake_uv
):
    (checkout / "huge.lock").write_text(
        "# 5 MB to download, 9000000000 MB on disk on Linux x86-64.\n"
    )
    answer = set_up(checkout, "huge.lock", fake_uv())
    assert answer.returncode == 1
    assert "huge.lock needs 90000000" in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1
    assert not (checkout / "calls").exists()
    assert not (checkout / "environment").exists()


def test_a_full_disk_is_one_line(checkout, fake_uv):
    uv = fake_uv('echo "No space left on device (os error 28)" >&2', "exit 2")
    answer = set_up(checkout, "empty.lock", uv)
    assert answer.returncode == 1
    assert answer.stderr.strip().startswith("The disk is full.")
    assert len(answer.stderr.strip().splitlines()) == 1


def test_a_broken_download_is_tried_again(checkout, fake_uv):
    uv = fake_uv(
        f'[ $(wc -l <"{checkout}/calls") -ge 3 ] && exit 0',
        'echo "IncompleteRead(10 bytes read)" >&2',
        "exit 2",
    )
    answer = set_up(checkout, "empty.lock", uv)
    assert answer.returncode == 0, answer.stderr
    assert len(calls(checkout)) == 3


def test_downloads_that_never_end_are_one_line(checkout, fake_uv):
    uv = fake_uv('echo "Connection broken" >&2', "exit 2")
    answer = set_up(checkout, "empty.lock", uv)
    assert answer.returncode == 1
    assert "broke off 3 times" in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1


def test_no_network_is_one_line_of_pip_after_uv(checkout, fake_uv):
    lock = checkout / "one.lock"
    lock.write_text(f"absl-py==1.4.0 \\\n    --hash=sha256:{'0' * 64}\n")
    uv = fake_uv('echo "dns error" >&2', "exit 2")
    answer = set_up(
        checkout,
        "one.lock",
        uv,
        PIP_NO_INDEX="0",
        PIP_INDEX_URL="http://127.0.0.1:9/simple",
        PIP_RETRIES="0",
        PIP_FIND_LINKS="",
        NO_PROXY="127.0.0.1",
    )
    assert answer.returncode == 1
    assert "trying pip" in answer.stdout
    assert "cannot be reached" in answer.stderr
    assert "absl-py==1.4.0" in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1


def test_a_failed_download_leaves_a_complete_environment_alone(
    checkout, fake_uv
):
    uv = fake_uv()
    assert set_up(checkout, "empty.lock", uv).returncode == 0
    stamp = checkout / "environment/demo.stamp"
    stamp.touch()
    before = stamp.stat().st_mtime_ns
    (uv / "uv").write_text("#!/bin/sh\necho Connection broken\nexit 1\n")
    assert set_up(checkout, "empty.lock", uv).returncode == 1
    assert stamp.stat().st_mtime_ns == before
    again = set_up(checkout, "empty.lock", uv)
    assert "building it anew" not in again.stdout


def test_an_environment_that_was_interrupted_is_built_anew(checkout, fake_uv):
    uv = fake_uv("echo half >environment/half", "kill -9 $PPID")
    assert set_up(checkout, "empty.lock", uv).returncode != 0
    assert (checkout / "environment/half").exists()
    (uv / "uv").write_text("#!/bin/sh\n")
    answer = set_up(checkout, "empty.lock", uv)
    assert answer.returncode == 0, answer.stderr
    assert "building it anew" in answer.stdout
    assert not (checkout / "environment/half").exists()


@needs_make
def test_old_python_is_refused(checkout):
    old = checkout / "old-python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    (checkout / "requirements-test.lock").touch()
    done = subprocess.run(
        ["make", f"PYTHON={old}", "lint"],
        cwd=checkout,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "Python 3.11, 3.12 or 3.13 is needed" in done.stderr
    assert str(old) in done.stderr
    assert not (checkout / ".venv").exists()


@needs_make
def test_failed_install_leaves_no_stamp(checkout):
    (checkout / "requirements-test.lock").write_text(
        f"no-such-package==1 \\\n    --hash=sha256:{'0' * 64}\n"
    )
    done = subprocess.run(
        ["make", f"PYTHON={sys.executable}", "lint"],
        cwd=checkout,
        env={**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "no-such-package" in done.stderr
    assert not list(checkout.glob(".venv/*.stamp"))


@pytest.mark.slow
def test_broken_environment_is_built_anew(checkout):
    assert set_up(checkout, "empty.lock").returncode == 0
    (package,) = (checkout / "environment").rglob("pip/__init__.py")
    shutil.rmtree(package.parent)
    assert set_up(checkout, "empty.lock").returncode == 0
    done = subprocess.run(
        [environment_python(checkout), "-m", "pip", "--version"]
    )
    assert done.returncode == 0
