"""Pre-trains an encoder in ten minutes: what `make pretrain-demo` runs.

    python examples/pretrain_demo.py

The text is what every Python brings: the documentation inside the modules of
its standard library. An encoder of four layers learns from it until it
predicts masked words better than their frequencies do, and fills gaps in
sentences that it has not seen. Everything is written under `pretrain_output`.
"""

import ast
import os
import pathlib
import sysconfig
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's chatter

import keras_bert_zoo as zoo

OUTPUT = pathlib.Path("pretrain_output")
STEPS = 1500


class Lines(zoo.Progress):
    """Prints a line for each twentieth of the run."""

    def on_note(self, topic, text):
        print(f"{topic:12}{text}", flush=True)

    def on_epoch_end(self, epoch, logs=None):
        print(
            f"part {epoch + 1:2}/20  held out: loss "
            f"{logs['val_masked_lm_loss']:.3f}  masked-LM accuracy "
            f"{logs['val_masked_lm_accuracy']:.1%}  sentence-order accuracy "
            f"{logs['val_next_sentence_accuracy']:.1%}",
            flush=True,
        )


def main() -> None:
    started = time.monotonic()
    corpus = write_corpus(OUTPUT / "library.txt")
    zoo.train_vocabulary(
        corpus=[corpus], out=OUTPUT / "words", size=8192, overwrite=True
    )
    result = zoo.pretrain(
        corpus=[corpus],
        vocabulary=OUTPUT / "words",
        num_layers=4,
        hidden_dim=256,
        sequence_length=64,
        steps=STEPS,
        learning_rate=1e-3,
        dropout=0.0,
        pairs="sentence_order",
        out=OUTPUT / "library_encoder",
        overwrite=True,
        progress=Lines(),
    )
    ours, baseline = result.metrics, result.baselines
    print(
        f"\nperplexity  {ours['masked_lm_perplexity']:.0f}; from the "
        f"frequencies of words alone {baseline['masked_lm_perplexity']:.0f}"
        f"\nmasked-LM accuracy  {ours['masked_lm_accuracy']:.1%}; always the "
        f"most frequent word {baseline['masked_lm_accuracy']:.1%}"
    )
    model = zoo.TaskModel.from_preset(OUTPUT / "library_encoder")
    for text in (
        "Return the [MASK] of the list.",
        "This function raises an [MASK] if the file does not exist.",
        "The [MASK] argument must be a string.",
    ):
        (gap,) = model.predict_text(text)["masks"]
        words = ", ".join(one["token"] for one in gap["tokens"])
        print(f"{text}  {words}")
    print(f"report      {result.report}")
    print(f"\nDone in {time.monotonic() - started:.0f} s.")


def write_corpus(path: pathlib.Path) -> pathlib.Path:
    """Writes the documentation of each module as a document."""
    folder = pathlib.Path(sysconfig.get_path("stdlib"))
    documents = []
    for file in sorted(folder.rglob("*.py")):
        if "site-packages" not in file.parts:
            texts = documentation(file)
            if texts:
                documents.append("\n".join(texts))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n\n".join(documents), encoding="utf-8")
    return path


def documentation(file: pathlib.Path) -> list[str]:
    """Returns the paragraphs of a module's docstrings, each on a line."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):  # the library tests its parser, too
        return []
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    texts = [
        ast.get_docstring(node) or ""
        for node in ast.walk(tree)
        if isinstance(node, kinds)
    ]
    return [
        " ".join(paragraph.split())
        for text in texts
        for paragraph in text.split("\n\n")
        if len(paragraph.split()) > 3
    ]


if __name__ == "__main__":
    main()
