"""Atomic writes: success, failure, replacement, a kill."""

import errno
import os
import subprocess
import sys

import pytest

from keras_bert_zoo import atomic_io
from keras_bert_zoo.atomic_io import atomic_directory
from keras_bert_zoo.atomic_io import atomic_file
from keras_bert_zoo.atomic_io import check_disk_space
from keras_bert_zoo.atomic_io import sha256_of
from keras_bert_zoo.errors import InputError


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


def test_a_directory_appears_when_the_block_succeeds(tmp_path):
    with atomic_directory(tmp_path / "out") as temporary:
        (temporary / "file").write_text("new")
        assert not (tmp_path / "out").exists()
    assert (tmp_path / "out" / "file").read_text() == "new"
    assert names(tmp_path) == ["out"]


def test_a_failure_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), atomic_directory(tmp_path / "out"):
        raise RuntimeError("disk on fire")
    assert names(tmp_path) == []


def test_a_full_disk_names_the_file(tmp_path):
    path = tmp_path / "file"
    with pytest.raises(OSError) as found, atomic_file(path):
        # As `write` and `fsync` raise it.
        raise OSError(errno.ENOSPC, "No space left on device")
    assert (found.value.errno, found.value.filename) == (
        errno.ENOSPC,
        str(path),
    )
    assert names(tmp_path) == []


def test_a_failure_keeps_the_previous_directory(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "manifest.json").touch()
    (tmp_path / "out" / "file").write_text("old")
    with (
        pytest.raises(RuntimeError),
        atomic_directory(tmp_path / "out", overwrite=True) as temporary,
    ):
        (temporary / "file").write_text("new")
        raise RuntimeError("disk on fire")
    assert (tmp_path / "out" / "file").read_text() == "old"
    assert names(tmp_path) == ["out"]


def test_an_existing_directory_is_refused(tmp_path):
    (tmp_path / "file").write_text("old")
    with (
        pytest.raises(InputError, match="not empty.*--overwrite"),
        atomic_directory(tmp_path),
    ):
        pass


def test_only_a_model_or_an_export_is_overwritten(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "train.tsv").write_text("rows")
    with (
        pytest.raises(InputError, match="holds none .train.tsv"),
        atomic_directory(tmp_path / "out", overwrite=True),
    ):
        pass
    assert (tmp_path / "out" / "train.tsv").read_text() == "rows"


@pytest.mark.parametrize(
    ("others", "is_replaced"), [(["vocab.txt"], True), (list("abc"), False)]
)
def test_a_vocabulary_and_nothing_else_is_overwritten(
    tmp_path, others, is_replaced
):
    (tmp_path / "out").mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json", *others):
        (tmp_path / "out" / name).touch()
    if is_replaced:
        atomic_io.check_new_directory(tmp_path / "out", overwrite=True)
    else:
        with pytest.raises(InputError, match="holds none"):
            atomic_io.check_new_directory(tmp_path / "out", overwrite=True)


@pytest.mark.parametrize(
    "other", [".git/HEAD", "served/manifest.json", "a/b/task.json"]
)
def test_nothing_inside_of_a_model_is_lost(tmp_path, other):
    path = tmp_path / "out" / other
    path.parent.mkdir(parents=True)
    path.write_text("kept")
    for name in ("config.json", "model.safetensors"):
        (tmp_path / "out" / name).touch()
    with (
        pytest.raises(InputError, match=f"holds .*{path.parent.name}"),
        atomic_directory(tmp_path / "out", overwrite=True),
    ):
        pass
    assert path.read_text() == "kept"


@pytest.mark.parametrize("name", ["a\0b", "m\udce4"])
def test_a_name_that_no_text_holds_is_refused(tmp_path, name):
    with pytest.raises(InputError, match="must be UTF-8, without NUL"):
        atomic_io.check_new_directory(tmp_path / name, overwrite=False)


def test_a_config_without_weights_is_no_model(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "config.json").touch()
    with pytest.raises(InputError, match="holds none .config.json"):
        atomic_io.check_new_directory(tmp_path / "out", overwrite=True)


def test_the_working_directory_is_refused_before_the_work(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="replaced whole"):
        atomic_io.check_new_directory(".", overwrite=False)


def test_a_file_in_the_way_is_refused(tmp_path):
    (tmp_path / "out").write_text("old")
    with (
        pytest.raises(InputError, match="exists and is not one"),
        atomic_directory(tmp_path / "out", overwrite=True),
    ):
        pass


def test_a_kill_keeps_the_previous_directory(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "manifest.json").touch()
    (tmp_path / "out" / "file").write_text("old")
    program = (
        "import signal, sys\n"
        "from keras_bert_zoo.atomic_io import atomic_directory\n"
        "with atomic_directory(sys.argv[1], overwrite=True) as folder:\n"
        "    (folder / 'file').write_text('new')\n"
        "    print('ready', flush=True)\n"
        "    signal.pause()\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "out")],
        stdout=subprocess.PIPE,
    )
    assert child.stdout.readline() == b"ready\n"
    child.kill()
    child.communicate()
    assert (tmp_path / "out" / "file").read_text() == "old"


@pytest.mark.skipif(atomic_io.fcntl is None, reason="locks are POSIX")
def test_what_a_killed_process_left_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(atomic_io, "_SETTLED_SECONDS", -1)
    (tmp_path / ".out.partial-dead").mkdir()
    (tmp_path / ".outer.partial-dead").mkdir()
    with atomic_directory(tmp_path / "out"):
        # One that is still being written stays.
        with atomic_directory(tmp_path / "out"):
            pass
        assert len(list(tmp_path.glob(".out.partial-*"))) == 1
        (tmp_path / "out").rmdir()
    assert names(tmp_path) == [".outer.partial-dead", "out"]


@pytest.mark.parametrize("exchanged", [True, False])
def test_either_way_of_replacing_leaves_no_trace(
    tmp_path, monkeypatch, exchanged
):
    if not exchanged:
        monkeypatch.setattr(atomic_io, "_exchange", lambda new, path: False)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "manifest.json").touch()
    (tmp_path / "out" / "stale").write_text("old")
    with atomic_directory(tmp_path / "out", overwrite=True) as temporary:
        (temporary / "file").write_text("new")
    assert names(tmp_path / "out") == ["file"]
    assert names(tmp_path) == ["out"]


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="a system call of Linux"
)
def test_two_directories_change_places(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    assert atomic_io._exchange(tmp_path / "a", tmp_path / "b")
    assert names(tmp_path / "a") == ["b"]
    assert not atomic_io._exchange(tmp_path / "a", tmp_path / "missing")


def test_a_file_is_replaced_whole(tmp_path):
    (tmp_path / "file").write_text("old")
    with atomic_file(tmp_path / "file") as temporary:
        temporary.write_text("new")
        assert (tmp_path / "file").read_text() == "old"
    assert (tmp_path / "file").read_text() == "new"
    assert names(tmp_path) == ["file"]


def test_sha256_of_a_known_text(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    assert sha256_of(tmp_path / "file").startswith("ba7816bf8f01cfea414140de")


@pytest.mark.skipif(
    not hasattr(os, "posix_fallocate"), reason="limits are POSIX"
)
def test_space_that_a_limit_denies_is_an_error(tmp_path):
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        check_disk_space(tmp_path, [(10, 10)])
        with pytest.raises(OSError):
            check_disk_space(tmp_path, [(100, 100)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert names(tmp_path) == []


def test_space_that_the_disk_lacks_is_an_error(tmp_path, monkeypatch):
    # Where files cannot be reserved, as on macOS and Windows.
    monkeypatch.delattr(os, "posix_fallocate", raising=False)
    check_disk_space(tmp_path, [(10, 10)])
    with pytest.raises(OSError, match="No space left on device"):
        check_disk_space(tmp_path, [(2**30, 2**30)])
