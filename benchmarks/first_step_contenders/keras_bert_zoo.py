"""This project's heads, with their own losses and metrics."""

# First, because it settles how TensorFlow, loaded next, is set up.
import keras_bert_zoo as zoo  # isort: skip

import numpy as np

from benchmarks.first_step_contenders import batches
from benchmarks.first_step_contenders import fitting
from keras_bert_zoo import testing
from task_heads.classification.head import ClassificationHead
from task_heads.masked_lm.head import MaskedTokenHead
from task_heads.span_qa.features import ALLOWED
from task_heads.span_qa.features import TARGET
from task_heads.span_qa.head import SpanQAHead
from task_heads.tagging.head import TaggingHead

TAGS = ["O", *(f"{mark}-{name}" for name in "abcd" for mark in "BI")]

PLACES = ("start_logits", "end_logits")


def prepare(cell: dict):
    found = batches.batch(cell)
    inputs = found["inputs"]
    head, data = {
        "classification": lambda: (
            ClassificationHead(["a", "b"]),
            (inputs, found["label"]),
        ),
        "tagging": lambda: (
            TaggingHead(TAGS),
            (inputs, found["tags"], found["weights"]),
        ),
        "span_qa": lambda: (
            SpanQAHead(),
            (inputs, dict.fromkeys(PLACES, _marked(found["label"], inputs))),
        ),
        "masked_lm": lambda: (
            MaskedTokenHead(),
            (
                {**inputs, "mask_positions": found["mask_positions"]},
                found["masked_ids"],
            ),
        ),
    }[cell["head"]]()
    encoder = zoo.BertEncoder(**batches.SIZES, attention_dropout=0.1)
    model = zoo.TaskModel(encoder, head, testing.tiny_tokenizer(["a"]))
    return model, model.compile, data


def _marked(places, inputs):
    """Returns what each token is: the place of an answer, or a possible one."""
    labels = inputs["padding_mask"] * ALLOWED
    labels[np.arange(len(places)), places] = TARGET
    return labels


if __name__ == "__main__":
    fitting.run(prepare)
