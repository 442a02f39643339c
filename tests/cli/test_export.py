import json
import os

import pytest

from keras_bert_zoo import registry
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task import Option


class NoteExporter:
    """Writes one small file, so that the test is of the verb alone."""

    def __init__(self, size="small", count=1):
        if count < 0:
            raise InputError("`count` must not be negative.")
        self.content = size * count

    @classmethod
    def options(cls):
        return (
            Option("size", str, "small", "how large", ("small", "large")),
            Option("count", int, 1, "how many"),
        )

    def export(self, model, directory, overwrite, on_work):
        directory = os.fspath(directory)
        os.makedirs(directory)
        with open(os.path.join(directory, "note"), "w") as stream:
            stream.write(f"{self.content} {model.head.name}")
        return {
            "files": {"note": {"bytes": 1234}},
            "signatures": {"answer": {}},
            "verification": {"answer": 1.25e-7},
        }


@pytest.fixture
def export(zoo, folder, trained, tmp_path):
    registry.exporters.register("note", NoteExporter)
    yield lambda *arguments: zoo(
        "export",
        folder / "model",
        "--format=note",
        f"--out={tmp_path / 'out'}",
        *arguments,
    )
    registry.exporters.unregister("note")


def test_what_was_written_is_printed(export, tmp_path):
    outcome = export()
    assert (outcome.status, outcome.error) == (0, "")
    assert outcome.out.splitlines() == [
        "       1,234  note",
        "signatures  answer",
        "verified    answer: outputs differ from the model's by 1.2e-07",
        f"saved       {tmp_path / 'out'}",
    ]


def test_options_of_the_format_are_flags(export, tmp_path):
    assert export("--size=large", "--count", "3").status == 0
    written = (tmp_path / "out" / "note").read_text()
    assert written == "largelargelarge classification"


def test_help_of_a_named_format_shows_its_flags(export):
    out = export("--help").out
    assert "format note:" in out
    assert "--size {small,large}" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--size=huge"], "argument --size: invalid choice: 'huge'"),
        (["--count=-1"], "`count` must not be negative."),
        (["--format=nonsense"], "No exporter has the name 'nonsense'. Known:"),
        (["--quality=1"], "unrecognized arguments: --quality=1"),
    ],
)
def test_a_wrong_flag_is_reported_in_one_line(
    export, tmp_path, arguments, message
):
    outcome = export(*arguments)
    assert outcome.status == 2
    assert message in outcome.error
    assert outcome.error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_an_existing_output_is_refused_first(zoo, folder):
    outcome = zoo(
        "export", "absent", "--format=tflite", f"--out={folder / 'preset'}"
    )
    assert outcome.status == 2
    assert "An existing output directory is not overwritten" in outcome.error


@pytest.mark.slow
@pytest.mark.parametrize("name", ["saved_model", "tflite"])
def test_formats_of_the_project_are_written(
    zoo, folder, trained, tmp_path, name
):
    out = tmp_path / "out"
    outcome = zoo(
        "export", folder / "model", f"--format={name}", f"--out={out}"
    )
    assert (outcome.status, outcome.error) == (0, "")
    manifest = json.loads((out / "manifest.json").read_text())
    assert all((out / file).is_file() for file in manifest["files"])
