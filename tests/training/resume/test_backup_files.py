"""Backups stand whole, are checked, and the last two are kept."""

import json

import numpy as np
import pytest
import safetensors
import safetensors.numpy

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.training.resume import backup_files

ARRAYS = {
    "weights": np.array([[0.1, -0.0], [np.inf, 3e-45]], "float32"),
    "seed": np.array([1, 2**32 - 1], "uint32"),
    "count": np.array(2**40),
    "none": np.zeros((0, 3), "float32"),
}


def write(directory, number, before=None):
    state = {"number": number, "rate": 0.1, "best": float("inf")}
    return backup_files.write(directory, state, ARRAYS, before)


def test_gives_back_what_was_written(tmp_path):
    write(tmp_path / "run", 1)
    _, state, arrays = backup_files.newest(tmp_path / "run")
    assert state == {"number": 1, "rate": 0.1, "best": float("inf")}
    assert set(arrays) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        assert arrays[name].tobytes() == array.tobytes()


def test_keeps_the_last_two(tmp_path):
    paths = [None]
    for number in range(4):
        paths.append(write(tmp_path, number, paths[-1]))
    assert sorted(tmp_path.iterdir()) == paths[-2:]
    assert backup_files.newest(tmp_path)[1]["number"] == 3


def test_a_damaged_one_is_not_the_one_before(tmp_path):
    first = write(tmp_path, 1)
    flip_a_bit(write(tmp_path, 2, first) / "arrays.safetensors")
    found, *_ = backup_files.newest(tmp_path)
    last = write(tmp_path, 3, found)
    assert sorted(tmp_path.iterdir()) == [first, last]


def test_a_setting_is_read_alone(tmp_path):
    assert backup_files.setting(tmp_path / "run", "precision") is None
    state = {"settings": {"precision": "mixed_bfloat16"}}
    first = backup_files.write(tmp_path, state, ARRAYS)
    assert backup_files.setting(tmp_path, "precision") == "mixed_bfloat16"
    newest = backup_files.write(tmp_path, state, ARRAYS, first)
    (newest / "state.json").write_text("[" * 200_000)
    assert backup_files.setting(tmp_path, "precision") == "mixed_bfloat16"
    assert backup_files.setting(tmp_path, "other") is None
    (first / "state.json").write_text('{"state": {"settings": 3}}')
    assert backup_files.setting(tmp_path, "precision") is None


def test_parts_of_a_killed_process_are_removed(tmp_path):
    whole = write(tmp_path, 1)
    (tmp_path / ".backup-00000002.partial-x").mkdir()
    others = [tmp_path / ".backup-photos", tmp_path / ".others"]
    for path in others:
        path.mkdir()
    backup_files.remove_parts(tmp_path)
    backup_files.remove_parts(tmp_path / "none")
    assert sorted(tmp_path.iterdir()) == [*others, whole]


def test_there_may_be_none(tmp_path):
    assert backup_files.newest(tmp_path / "run") is None
    (tmp_path / ".backup-00000001.partial-x").mkdir()
    assert backup_files.newest(tmp_path) is None


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def change_a_number(path):
    document = json.loads(path.read_text())
    document["state"]["number"] = 7
    path.write_text(json.dumps(document))


DAMAGES = {
    "flipped": ("arrays.safetensors", flip_a_bit),
    "nested": (
        "state.json",
        lambda path: path.write_text("[" * 200_000),
    ),
    "missing": ("arrays.safetensors", lambda path: path.unlink()),
    "cut": ("state.json", lambda path: path.write_text('{"state": {')),
    "empty": ("state.json", lambda path: path.write_text("")),
    "other": ("state.json", lambda path: path.write_text("[1]")),
    "changed": ("state.json", change_a_number),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_one_is_passed_over(tmp_path, name, caplog):
    newest = write(tmp_path, 2, write(tmp_path, 1))
    file, damage = DAMAGES[name]
    damage(newest / file)
    with caplog.at_level("WARNING"):
        _, state, _ = backup_files.newest(tmp_path)
    assert state["number"] == 1
    assert f"{newest} is damaged and passed over" in caplog.text


def test_all_damaged_is_an_error(tmp_path):
    flip_a_bit(write(tmp_path, 1) / "arrays.safetensors")
    with pytest.raises(InputError, match="all of them are damaged. Remove it"):
        backup_files.newest(tmp_path)


def test_a_full_disk_is_an_error_of_the_system(tmp_path, monkeypatch):
    def fail(*args):
        raise safetensors.SafetensorError("No space left on device")

    monkeypatch.setattr(safetensors.numpy, "save_file", fail)
    with pytest.raises(OSError, match="No space left"):
        write(tmp_path, 1)
    assert list(tmp_path.iterdir()) == []


def test_a_high_number_is_no_hindrance(tmp_path):
    (tmp_path / "backup-99999999").mkdir()
    path = write(tmp_path, 1)
    assert backup_files.newest(tmp_path)[0] == path


def test_backups_alone_are_removed(tmp_path):
    folder = tmp_path / "run"
    write(folder, 1)
    (folder / ".backup-00000002.partial-x").mkdir()
    (folder / "backup-notes").write_text("kept")
    backup_files.remove(folder)
    assert [path.name for path in folder.iterdir()] == ["backup-notes"]
    (folder / "backup-notes").unlink()
    write(folder, 1)
    backup_files.remove(folder)
    assert not folder.exists()
    backup_files.remove(folder)


def test_a_run_has_its_directory_alone(tmp_path):
    with backup_files.held(tmp_path / "run"):
        with (
            pytest.raises(InputError, match="another run that has not ended"),
            backup_files.held(tmp_path / "run"),
        ):
            pass
        assert (tmp_path / "run").is_dir()
        write(tmp_path / "run", 1)
    with backup_files.held(tmp_path / "run"):
        pass
    assert backup_files.newest(tmp_path / "run") is not None


def test_a_run_without_backups_leaves_no_directory(tmp_path):
    with backup_files.held(tmp_path / "run"):
        pass
    assert not (tmp_path / "run").exists()
    (tmp_path / "own").mkdir()
    with backup_files.held(tmp_path / "own"):
        pass
    assert (tmp_path / "own").is_dir()


def test_a_removal_that_is_killed_leaves_no_part(tmp_path, monkeypatch):
    write(tmp_path, 1)
    write(tmp_path, 2, before=write(tmp_path, 1))

    def killed(path, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(backup_files.shutil, "rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        backup_files.remove(tmp_path)
    monkeypatch.undo()
    assert backup_files.newest(tmp_path) is None
    backup_files.remove_parts(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_link_to_nowhere_is_refused_with_a_remedy(tmp_path):
    link = tmp_path / "run"
    link.symlink_to(tmp_path / "none")
    with pytest.raises(InputError, match="run, where that fails.*Choose ano"):
        backup_files.check_writable(link)
