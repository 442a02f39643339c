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


def set_up(checkout, lock):
    return subprocess.run(
        [sys.executable, "tools/set_up.py", "environment", lock],
        cwd=checkout,
        env={**os.environ, "PIP_NO_INDEX": "1"},
        capture_output=True,
        text=True,
    )


def environment_python(checkout):
    return next((checkout / "environment").glob("[bS]*/python*"))


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
    (checkout / "requirements-test.lock").write_text("no-such-package==1\n")
    done = subprocess.run(
        ["make", f"PYTHON={sys.executable}", "lint"],
        cwd=checkout,
        env={**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "pip failed with exit status 1" in done.stderr
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
