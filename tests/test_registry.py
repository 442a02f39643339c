"""The registry: lookup, duplicates, misses."""

import importlib.metadata

import pytest

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.registry import Registry

ENTRIES = [
    importlib.metadata.EntryPoint("path", "pathlib:Path", "zoo.parts"),
    importlib.metadata.EntryPoint("broken", "no_such_module:X", "zoo.parts"),
    importlib.metadata.EntryPoint("twice", "pathlib:Path", "zoo.parts"),
    importlib.metadata.EntryPoint("twice", "pathlib:PurePath", "zoo.parts"),
]


@pytest.fixture
def registry(monkeypatch):
    monkeypatch.setattr(
        importlib.metadata, "entry_points", lambda group: ENTRIES
    )
    return Registry("zoo.parts", "part")


def test_an_entry_point_is_loaded_by_name(registry):
    assert registry.get("path").__name__ == "Path"


def test_names_are_sorted_and_load_nothing(registry):
    registry.register("own", 1)
    assert registry.names() == ["broken", "own", "path", "twice"]


def test_a_miss_lists_what_exists(registry):
    with pytest.raises(InputError, match="'pth'. Known: broken, path, twice"):
        registry.get("pth")


def test_a_taken_name_is_refused(registry):
    with pytest.raises(InputError, match="'path', which is taken"):
        registry.register("path", 1)


def test_two_packages_with_one_name_are_refused(registry):
    with pytest.raises(InputError, match="pathlib:Path and pathlib:PurePath"):
        registry.get("twice")


def test_a_plugin_that_cannot_be_imported_says_why(registry):
    with pytest.raises(InputError, match="no_such_module:X: No module named"):
        registry.get("broken")


def test_what_was_registered_can_be_removed(registry):
    registry.register("own", 1)
    registry.unregister("own")
    assert "own" not in registry.names()
