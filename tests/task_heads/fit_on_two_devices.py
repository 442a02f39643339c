"""Trains each head on one device and on two, and prints the differences."""

import contextlib
import json
import sys

import keras
import numpy as np
import tensorflow as tf

import keras_bert_zoo as zoo
from keras_bert_zoo import testing
from task_heads.classification import ClassificationHead
from task_heads.masked_lm.head import MaskedTokenHead
from task_heads.multi_task.head import MultiTaskHead
from task_heads.span_qa.head import SpanQAHead
from task_heads.tagging.head import TaggingHead

TEXTS = [
    " ".join("abcd"[i * place % 4] for place in range(1 + i % 9))
    for i in range(38)
]
WORDS = [text.split() for text in TEXTS]
TAGS = [["O" if word < "c" else "B-x" for word in words] for words in WORDS]
LABELS = ["ab"["d" in text] for text in TEXTS]
ANSWERS = [[{"text": text[-1], "start": len(text) - 1}] for text in TEXTS]


def tagger(**options):
    return TaggingHead(["O", "B-x", "I-x"], dropout=0.0, **options)


def classifier():
    return ClassificationHead(["a", "b"], dropout=0.0)


HEADS = {
    "classification": (classifier, {"text": TEXTS, "label": LABELS}),
    "tagging": (tagger, {"tokens": WORDS, "tags": TAGS}),
    "crf": (lambda: tagger(crf=True), {"tokens": WORDS, "tags": TAGS}),
    "span_qa": (
        SpanQAHead,
        {"question": TEXTS, "context": TEXTS, "answers": ANSWERS},
    ),
    "masked_lm": (MaskedTokenHead, {"text": TEXTS}),
    "multi_task": (
        lambda: MultiTaskHead({"kind": classifier(), "slots": tagger()}),
        {"tokens": WORDS, "slots": TAGS, "kind": LABELS},
    ),
}


def two_devices():
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * 2
    )
    return tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"],
        cross_device_ops=tf.distribute.ReductionToOneDevice(),
    )


def trained(scope, name):
    make_head, columns = HEADS[name]
    tokenizer = testing.tiny_tokenizer(TEXTS)
    with scope:
        encoder = testing.tiny_encoder(
            len(tokenizer.vocabulary), dropout=0.0, attention_dropout=0.0
        )
        model = zoo.TaskModel(encoder, make_head(), tokenizer)
        # Adam makes steps of rounding where a gradient is zero.
        model.compile(keras.optimizers.SGD(0.05, 0.9))
    rows = zoo.MemoryRows(columns)
    history = model.fit(rows, batch_size=8, epochs=2, verbose=0).history
    scores = model.evaluate(rows, batch_size=8, verbose=0, return_dict=True)
    return history, scores, model.get_weights()


def difference(ours, others):
    parts = []
    for one, other in zip(ours[:2], others[:2], strict=True):
        assert sorted(one) == sorted(other)
        parts += [np.subtract(one[name], other[name]) for name in one]
    parts += [a - b for a, b in zip(ours[2], others[2], strict=True)]
    return max(float(np.max(np.abs(part))) for part in parts)


def main():
    strategy = two_devices()
    for name in sys.argv[1:]:
        one = trained(contextlib.nullcontext(), name)
        two = trained(strategy.scope(), name)
        first, *_, last = one[0]["loss"]
        print(
            json.dumps(
                {"replicas": difference(one, two), "learned": first - last}
            )
        )


if __name__ == "__main__":
    main()
