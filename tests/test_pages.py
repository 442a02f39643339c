"""The commands and Python blocks of the pages are right, and run."""

import pathlib
import re
import shlex

import pytest

from keras_bert_zoo import presets
from keras_bert_zoo import testing
from keras_bert_zoo.cli import main
from keras_bert_zoo.task.model import TaskModel
from task_heads.tagging.head import TaggingHead

ROOT = pathlib.Path(__file__).parents[1]
PAGES = ["README.md", *(f"docs/{p.name}" for p in ROOT.glob("docs/*.md"))]
PRESET = "minilm_l6_en_uncased"
# Models of a hub, and the tiny ones that stand in for them.
PUBLISHED = {
    "hf:google-bert/bert-base-uncased": "bert",
    "hf:dslim/bert-base-NER": "bert_ner",
}


def blocks(page):
    """Returns the blocks of a page in order, as (kind, text)."""
    text = (ROOT / page).read_text("utf-8").replace("\\\n", " ")
    found = []
    for match in re.finditer(
        r"^```python\n(.*?)^```$|^    (bert-zoo [^\n]*)$",
        text,
        re.MULTILINE | re.DOTALL,
    ):
        python, command = match.groups()
        found.append(("command", command) if command else ("python", python))
    return found


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with what the pages take for granted."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "sentiment").mkdir()
    (tmp_path / "sentiment" / "run.toml").write_text(
        'head = "classification"\npreset = "tiny"\ntrain = "messages.tsv"\n'
    )
    return tmp_path


def test_every_command_has_right_flags(folder):
    commands = [
        text
        for page in PAGES
        for kind, text in blocks(page)
        if kind == "command"
    ]
    assert len(commands) > 10
    for command in commands:
        args = main.parse(shlex.split(command))
        assert args.verb


@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "docs/pretraining.md",
        "docs/training.md",
        "docs/training_report.md",
    ],
)
def test_a_page_runs_from_top_to_bottom(folder, monkeypatch, page):
    """On a tiny encoder, for one epoch where there are many examples."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    (folder / "sentiment" / "run.toml").unlink()
    (folder / "sentiment").rmdir()
    lines = ["Paris is the capital of France .", "A fine film .", "Dull ."]
    tokenizer = testing.tiny_tokenizer(lines)
    encoder = testing.tiny_encoder(
        len(tokenizer.vocabulary), max_sequence_length=128
    )
    for name in ("tiny", "bert"):
        presets.save_preset(encoder, tokenizer, folder / name)
    head = TaggingHead(["O", "B-PER", "I-PER"])
    TaskModel(encoder, head, tokenizer).save_to_preset(folder / "bert_ner")
    for name in ("corpus.txt", "heldout.txt"):
        (folder / name).write_text("\n\n".join([*lines * 4, ""]))
    rows = [f"{line}\t{n}" for n, line in enumerate(lines)]
    (folder / "messages.tsv").write_text("\n".join(["text\tlabel", *rows, ""]))
    namespace = {}
    for kind, text in blocks(page):
        for name, stand_in in {PRESET: "tiny", **PUBLISHED}.items():
            text = text.replace(name, stand_in)
        if kind == "python":
            if "examples/data" in text:
                text = re.sub(r"epochs=\d+", "epochs=1", text)
            exec(compile(text, page, "exec"), namespace)
            continue
        arguments = shlex.split(re.sub(r"--epochs \d+", "--epochs 1", text))
        with pytest.raises(SystemExit) as ended:
            main.run(arguments)
        assert ended.value.code == 0, text
