"""Trains with a backup after each step, and may be told to die.

    python fit_with_backup.py DIRECTORY [STEP SIGNAL [WORKER]]

After the step it sends itself the signal; of two workers, the one named. With
`replicas` in place of a worker, it trains on two devices of its own.
Prints a digest of all weights' bits, and the history, as one JSON object.
"""

import contextlib
import hashlib
import json
import os
import signal
import sys

import keras
import two_devices

import keras_bert_zoo as zoo
from keras_bert_zoo import testing
from task_heads.classification.head import ClassificationHead

TEXTS = ["a fine film", "dull", "so very dull a film", "fine", "a fine day"]
NUM_ROWS, BATCH_SIZE, EPOCHS = 18, 4, 3
STEPS_PER_EPOCH = 5


class After(keras.callbacks.Callback):
    """Does something after some steps, or never.

    Args:
        step: int. Number of steps, 0 for never.
        act: called then.
    """

    def __init__(self, step, act):
        super().__init__()
        self._left, self._act = step, act

    def on_train_batch_end(self, batch, logs=None):
        self._left -= 1
        if not self._left:
            self._act()


def rows():
    columns = [TEXTS[i % 5] + " film" * (i % 7) for i in range(NUM_ROWS)]
    labels = ["yn"[i % 2] for i in range(NUM_ROWS)]
    return zoo.MemoryExamples({"text": columns, "label": labels})


def make_model(seed=1, kind=zoo.TaskModel, **options):
    keras.utils.set_random_seed(seed)
    tokenizer = testing.tiny_tokenizer(TEXTS)
    encoder = testing.tiny_encoder(len(tokenizer.vocabulary))
    head = ClassificationHead(["n", "y"])
    model = kind(encoder, head, tokenizer)
    if "optimizer" not in options:
        options.setdefault("learning_rate", 1e-2)
    model.compile(**options)
    return model


def fit(model, backup, callbacks=(), **options):
    best = keras.callbacks.EarlyStopping(
        "val_loss", patience=5, restore_best_weights=True
    )
    return model.fit(
        rows(),
        batch_size=BATCH_SIZE,
        epochs=EPOCHS,
        validation_data=rows(),
        verbose=0,
        callbacks=[best, *callbacks],
        backup=backup,
        **options,
    ).history


def digest(model):
    found = hashlib.sha256()
    for weight in model.get_weights():
        found.update(weight.tobytes())
    return found.hexdigest()


def main():
    directory, step, name, worker = (*sys.argv[1:], "0", "SIGTERM", "")[:4]
    config = json.loads(os.environ.get("TF_CONFIG", "null"))
    scope = contextlib.nullcontext()
    if config is not None or worker == "replicas":
        scope = two_devices.strategy().scope()
    if config is not None and worker != str(config["task"]["index"]):
        step = "0"
    own, settings = [], {}
    if config is not None:
        # What workers may have of their own.
        settings = {"preset": f"of worker {config['task']['index']}"}
        if config["task"]["index"] == 0:
            own = [keras.callbacks.LambdaCallback()]
    with scope:
        model = make_model()

    def die():
        os.kill(os.getpid(), getattr(signal, name))

    backup = zoo.Backup(directory, seconds=0, settings=settings)
    history = fit(model, backup, [*own, After(int(step), die)])
    print(json.dumps({"weights": digest(model), "history": history}))


if __name__ == "__main__":
    main()
