"""Trains by a recipe on one device and on two, and prints the results.

One JSON object for each: the history of `fit`, and the loss afterwards.
"""

import contextlib
import json

import two_devices

import keras_bert_zoo as zoo
from keras_bert_zoo import testing
from task_heads.classification.head import ClassificationHead

TEXTS = [
    " ".join("abcd"[i * place % 4] for place in range(1 + i % 9))
    for i in range(38)
]
LABELS = ["ab"["d" in text] for text in TEXTS]
RECIPE = zoo.OptimizerRecipe(
    optimizer="lamb",
    schedule="cosine",
    learning_rate=0.05,
    layer_decay=0.8,
    unfreeze_every=2,
    gradient_accumulation_steps=2,
    global_clipnorm=0.1,
    ema_momentum=0.8,
)


def results(scope):
    tokenizer = testing.tiny_tokenizer(TEXTS)
    with scope:
        encoder = testing.tiny_encoder(
            len(tokenizer.vocabulary), dropout=0.0, attention_dropout=0.0
        )
        head = ClassificationHead(["a", "b"], dropout=0.0)
        model = zoo.TaskModel(encoder, head, tokenizer)
        model.compile(RECIPE)
    rows = zoo.MemoryExamples({"text": TEXTS, "label": LABELS})
    history = model.fit(
        rows, batch_size=8, epochs=3, validation_data=rows, verbose=0
    ).history
    loss, *_ = model.evaluate(rows, batch_size=8, verbose=0)
    return {"loss": history["loss"], "val_loss": history["val_loss"] + [loss]}


def main():
    strategy = two_devices.strategy()
    for scope in (contextlib.nullcontext(), strategy.scope()):
        print(json.dumps(results(scope)), flush=True)


if __name__ == "__main__":
    main()
