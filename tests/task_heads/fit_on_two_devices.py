"""Trains each head on one device and on two, and prints the differences.

A name that ends with `-packed` trains it on packed sequences, one with `-fixed`
in batches of fixed shapes, and one with `-float16` in mixed precision.
"""

import contextlib
import json
import sys

import keras
import two_devices

import keras_bert_zoo as zoo
from keras_bert_zoo import testing
from task_heads.classification.head import ClassificationHead
from task_heads.masked_lm.head import MaskedTokenHead
from task_heads.multi_task.head import MultiTaskHead
from task_heads.span_qa.head import SpanQAHead
from task_heads.tagging.head import TaggingHead

TEXTS = [
    " ".join("abcd"[i * place % 4] for place in range(1 + i % 9))
    for i in range(37)
]
WORDS = [text.split() for text in TEXTS]
TAGS = [["O" if word < "c" else "B-x" for word in words] for words in WORDS]
LABELS = ["ab"["d" in text] for text in TEXTS]
SCORES = [len(words) - 5.0 for words in WORDS]
ANSWERS = [[{"text": text[-1], "start": len(text) - 1}] for text in TEXTS]


def tagger(**options):
    return TaggingHead(["O", "B-x", "I-x"], dropout=0.0, **options)


def classifier():
    return ClassificationHead(["a", "b"], pooling="mean", dropout=0.0)


def regression():
    return ClassificationHead(kind="regression", pooling="mean", dropout=0.0)


HEADS = {
    "classification": (classifier, {"text": TEXTS, "label": LABELS}),
    "regression": (regression, {"text": TEXTS, "label": SCORES}),
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
    "scored": (
        lambda: MultiTaskHead({"score": regression(), "slots": tagger()}),
        {"tokens": WORDS, "slots": TAGS, "score": SCORES},
    ),
}

IN_FIT = {"packed": {"packed_length": 20}, "fixed": {"fixed_shapes": True}}


def trained(scope, name):
    name, _, kind = name.partition("-")
    make_head, columns = HEADS[name]
    tokenizer = testing.tiny_tokenizer(TEXTS)
    with scope:
        encoder = testing.tiny_encoder(
            len(tokenizer.vocabulary),
            dropout=0.0,
            attention_dropout=0.0,
            dtype="mixed_float16" if kind == "float16" else None,
        )
        model = zoo.TaskModel(encoder, make_head(), tokenizer)
        # Adam makes steps of rounding where a gradient is zero.
        model.compile(keras.optimizers.SGD(0.05, 0.9))
    rows = zoo.MemoryExamples(columns)
    in_fit = IN_FIT.get(kind, {})
    return two_devices.fitted(model, rows, in_fit, batch_size=8)


def main():
    strategy = two_devices.strategy()
    for name in sys.argv[1:]:
        one = trained(contextlib.nullcontext(), name)
        two = trained(strategy.scope(), name)
        history, scores, _ = one
        print(
            json.dumps(
                {
                    "replicas": two_devices.difference(one, two),
                    "learned": history["loss"][0] - scores["loss"],
                }
            )
        )


if __name__ == "__main__":
    main()
