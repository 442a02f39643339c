"""Set-up that fails says why, and leaves nothing that looks finished."""

import contextlib
import functools
import importlib.util
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


def set_up(checkout, lock, uv=None, *, into="environment", **environment):
    # An empty PATH has no `uv`; Python itself is named in full.
    return subprocess.run(
        [sys.executable, "tools/set_up.py", into, lock],
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_no_network_is_told_from_a_connection_that_broke(checkout, fake_uv):
    uv = fake_uv(
        'echo "WARNING: Retrying after connection broken by '
        "'NewConnectionError: Connection refused'\"",
        'echo "ERROR: no version of a==1 (from versions: none)"',
        "exit 1",
    )
    answer = set_up(checkout, "empty.lock", uv)
    assert "trying pip" in answer.stdout
    assert len(calls(checkout)) == 1


def test_a_download_that_got_further_is_no_failed_try(checkout, fake_uv):
    uv = fake_uv(
        f'n=$(wc -l <"{checkout}/calls")',
        'for i in $(seq "$n"); do echo "Collecting p$i"; done',
        '[ "$n" -ge 6 ] && exit 0',
        'echo "IncompleteRead(10 bytes read)" >&2',
        "exit 2",
    )
    answer = set_up(checkout, "empty.lock", uv)
    assert answer.returncode == 0, answer.stderr
    assert len(calls(checkout)) == 6


@pytest.mark.slow
def test_pip_takes_over_where_uv_has_no_cache(checkout, fake_uv):
    uv = fake_uv('echo "error: Failed to initialize cache at /x"', "exit 2")
    answer = set_up(checkout, "empty.lock", uv)
    assert answer.returncode == 0, answer.stderr
    assert "uv cannot write its cache: trying pip" in answer.stdout


@pytest.mark.slow
def test_pip_adds_to_what_uv_has_built(checkout, fake_uv):
    assert set_up(checkout, "empty.lock", fake_uv()).returncode == 0
    (checkout / "environment/of-uv").touch()
    assert set_up(checkout, "empty.lock").returncode == 0
    assert (checkout / "environment/of-uv").exists()


def test_the_callers_settings_move_no_package(checkout, fake_uv):
    uv = fake_uv(f'env >"{checkout}/settings"')
    elsewhere = ("PIP_TARGET", "PIP_PREFIX", "PYTHONPATH")
    settings = dict.fromkeys(elsewhere, str(checkout / "elsewhere"))
    answer = set_up(checkout, "empty.lock", uv, PIP_USER="1", **settings)
    assert answer.returncode == 0, answer.stderr
    passed = (checkout / "settings").read_text()
    assert "elsewhere" not in passed
    assert "PIP_USER=0" in passed.splitlines()


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_what_is_no_environment_is_left_alone(checkout, fake_uv, kind):
    if kind == "file":
        (checkout / "environment").write_text("mine")
    else:
        (checkout / "environment").mkdir()
        (checkout / "environment/mine").touch()
    answer = set_up(checkout, "empty.lock", fake_uv())
    assert answer.returncode == 1
    assert "environment is something else" in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1
    assert kind == "file" or (checkout / "environment/mine").exists()


def test_the_environment_may_lie_behind_a_link(checkout, fake_uv):
    (checkout / "environment").symlink_to(checkout / "disk/other")
    answer = set_up(checkout, "empty.lock", fake_uv())
    assert answer.returncode == 0, answer.stderr
    assert (checkout / "environment").is_symlink()
    # Nor does an unfinished one keep another from being built there.
    (checkout / "disk/other/unfinished-set-up").touch()
    assert set_up(checkout, "empty.lock", checkout / "bin").returncode == 0
    assert (checkout / "disk/other/pyvenv.cfg").exists()


def test_the_environment_may_lie_in_a_new_directory(checkout, fake_uv):
    (checkout / "some.lock").write_text("# 1 MB to download, 1 MB on disk\n")
    answer = set_up(checkout, "some.lock", fake_uv(), into="new/er/environment")
    assert answer.returncode == 0, answer.stderr


@pytest.mark.skipif(os.pathsep != ":", reason="not a separator there")
def test_a_path_that_venv_refuses_is_one_line(checkout, fake_uv):
    answer = set_up(checkout, "empty.lock", fake_uv(), into="a:b")
    assert answer.returncode == 1
    assert "PATH separator" in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1


def test_deleting_that_is_interrupted_leaves_the_mark(checkout, monkeypatch):
    spec = importlib.util.spec_from_file_location(
        "set_up_of_checkout", checkout / "tools/set_up.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    environment = checkout / "environment"
    (environment / "lib").mkdir(parents=True)
    mark = environment / module.UNFINISHED
    mark.touch()

    def interrupted(path):
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "rmtree", interrupted)
    with contextlib.suppress(KeyboardInterrupt):
        module.discard(environment)
    assert mark.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no lock there")
def test_a_second_run_waits_for_the_first(checkout, fake_uv):
    # The first one is in its installer until `go` is there.
    uv = fake_uv(
        f'echo started >"{checkout}/started"',
        f'until [ -e "{checkout}/go" ]; do sleep 0.1; done',
    )
    os.mkfifo(checkout / "started")
    run = functools.partial(
        subprocess.Popen,
        [sys.executable, "tools/set_up.py", "environment", "empty.lock"],
        cwd=checkout,
        env={**os.environ, "PATH": f"{uv}{os.pathsep}{os.defpath}"},
        stdout=subprocess.PIPE,
        text=True,
    )
    with run() as first:
        (checkout / "started").read_text()
        (checkout / "started").unlink()
        with run() as second:
            assert second.stdout.readline().startswith("Waiting for another")
            (checkout / "go").touch()
            assert "Waiting" not in first.stdout.read()
            assert "building it anew" not in second.stdout.read()
    assert (first.returncode, second.returncode) == (0, 0)


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
def test_failed_install_leaves_no_stamp(checkout, fake_uv):
    shutil.copy(checkout / "empty.lock", checkout / "requirements-test.lock")
    uv = fake_uv('echo "error: no version of no-such-package" >&2', "exit 1")
    done = subprocess.run(
        ["make", f"PYTHON={sys.executable}", "lint"],
        cwd=checkout,
        env={**os.environ, "PATH": f"{uv}{os.pathsep}{os.environ['PATH']}"},
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
