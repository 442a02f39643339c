"""A BERT from nothing but text: vocabulary, pre-training, a first classifier.

    python examples/pretrain_tiny.py

Reads the pages of this project, learns a vocabulary and a tiny encoder from
them, and trains a classifier on that encoder: the whole line in two minutes.
What it learns from so little text is little: `make pretrain-demo` shows an
encoder that begins to read. Everything is written under `pretrain_output`.
"""

import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's chatter

import keras_bert_zoo as zoo

ROOT = pathlib.Path(__file__).parents[1]
DATA = ROOT / "examples" / "data"
OUTPUT = pathlib.Path("pretrain_output")


def main() -> None:
    corpus = write_corpus(OUTPUT / "pages.txt")
    zoo.train_vocabulary(
        corpus=[corpus], out=OUTPUT / "vocabulary", size=2000, overwrite=True
    )
    result = zoo.pretrain(
        corpus=[corpus],
        vocabulary=OUTPUT / "vocabulary",
        num_layers=2,
        hidden_dim=128,
        sequence_length=64,
        steps=400,
        learning_rate=2e-3,
        dropout=0.0,
        hold_out=0.05,
        out=OUTPUT / "encoder",
        overwrite=True,
    )
    print("without an encoder:", rounded(result.baselines))
    print("this encoder:      ", rounded(result.metrics))

    # The directory is a preset like any other.
    classifier = zoo.finetune(
        head="classification",
        preset=OUTPUT / "encoder",
        train=DATA / "messages_train.tsv",
        validation=DATA / "messages_heldout.tsv",
        out=OUTPUT / "classifier",
        overwrite=True,
    )
    print("a classifier on it:", rounded(classifier.metrics))


def write_corpus(path: pathlib.Path) -> pathlib.Path:
    """Writes the paragraphs of this project's pages, each a document."""
    pages = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/*.md"))]
    texts = [page.read_text("utf-8") for page in pages]
    texts.append((DATA / "harbour.txt").read_text("utf-8"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n\n".join(texts), encoding="utf-8")
    return path


def rounded(measures) -> dict:
    return {name: round(value, 3) for name, value in measures.items()}


if __name__ == "__main__":
    main()
