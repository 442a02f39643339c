"""The rows, the model and the batches that every contender trains on."""

# First, because it settles how TensorFlow, loaded next, is set up.
import keras_bert_zoo as zoo  # isort: skip

import gzip

import tensorflow as tf

from benchmarks import harness
from benchmarks.encoder_contenders import batches as sizes
from keras_bert_zoo import data
from keras_bert_zoo.data.pipeline import build_dataset
from keras_bert_zoo.tokenization.wordpiece.tokenizer import BertTokenizer
from keras_bert_zoo.tokenization.wordpiece.vocabulary import Vocabulary
from keras_bert_zoo.training.optimizers.layerwise import AdamW
from task_heads.classification.head import ClassificationHead
from task_heads.masked_lm.head import MaskedTokenHead

SEQUENCE_LENGTH = 128
NUM_BATCHES = 12
WAYS = {
    "padded": {"bucket_lengths": (SEQUENCE_LENGTH,)},
    "grouped": {},
    "packed_64": {"packed_length": 64},
    "packed_128": {"packed_length": 128},
}


def head_and_rows(corpus: str):
    """Returns the head and the labelled rows of `sst2` or `wikitext2`."""
    shared = harness.shared_directory() / "data"
    if corpus == "sst2":
        rows = data.FileExamples(
            shared / "sst2/train.tsv.gz",
            {"text": "sentence", "label": "label"},
        )
        return ClassificationHead(["0", "1"]), rows
    path = shared / "pretrain/wikitext2/valid.txt.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        lines = [line.strip() for line in file if line.strip()]
    return MaskedTokenHead(), data.MemoryExamples({"text": lines})


def tokenizer() -> BertTokenizer:
    vocabulary = "models/vocab/bert-base-uncased-vocab.txt"
    path = harness.shared_directory() / vocabulary
    return BertTokenizer(Vocabulary.from_file(path), lowercase=True)


def dataset(cell: dict, way: str, counts=None) -> tf.data.Dataset:
    """Returns one pass over the rows of a cell, batched in some way."""
    head, rows = head_and_rows(cell["corpus"])
    return build_dataset(
        rows,
        head,
        tokenizer(),
        sequence_length=SEQUENCE_LENGTH,
        batch_size=cell["batch"],
        shuffle=True,
        counts=counts,
        **WAYS[way],
    )


def prepare(cell: dict, way: str):
    """Returns a function that trains on the first batches of a pass."""
    head, _ = head_and_rows(cell["corpus"])
    encoder = zoo.BertEncoder(
        vocabulary_size=sizes.VOCABULARY_SIZE,
        num_layers=sizes.NUM_LAYERS,
        num_heads=sizes.NUM_HEADS,
        hidden_dim=sizes.HIDDEN_DIM,
        intermediate_dim=sizes.INTERMEDIATE_DIM,
    )
    model = zoo.TaskModel(encoder, head, tokenizer(), SEQUENCE_LENGTH)
    # One optimizer for all passes: `fit` would make another for each run.
    model.compile(optimizer=AdamW(sizes.LEARNING_RATE, sizes.WEIGHT_DECAY))
    batches = dataset(cell, way).take(NUM_BATCHES).cache()
    # A cache is kept once it was read to the end.
    assert sum(1 for _ in batches) == NUM_BATCHES
    batches = batches.repeat()
    return lambda: model.fit(batches, steps_per_epoch=NUM_BATCHES, verbose=0)
