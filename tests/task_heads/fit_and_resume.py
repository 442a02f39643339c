"""Trains a head with a backup after each step; somebody may kill it.

    python fit_and_resume.py HEAD DIRECTORY

Two workers, named in `TF_CONFIG`, share each batch. Prints a digest of all
weights' bits, and the history without times, as one JSON object.
"""

import contextlib
import hashlib
import json
import os
import sys

import every_head
import keras
import two_devices

import keras_bert_zoo as zoo

EPOCHS = 8
# Of times there are others each time.
MEASURED = ("seconds", "tokens_per_second")


def main(name, directory):
    scope = contextlib.nullcontext()
    if "TF_CONFIG" in os.environ:
        scope = two_devices.strategy().scope()
    keras.utils.set_random_seed(1)
    make_head, rows = every_head.HEADS[name]
    with scope:
        model = every_head.make_model(make_head())
        model.compile(learning_rate=1e-3)
    history = model.fit(
        rows,
        batch_size=2,
        epochs=EPOCHS,
        shuffle=True,
        validation_data=rows,
        verbose=0,
        backup=zoo.Backup(directory, seconds=0),
    ).history
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(weight.tobytes())
    kept = {k: v for k, v in history.items() if k not in MEASURED}
    print(json.dumps({"weights": digest.hexdigest(), "history": kept}))


if __name__ == "__main__":
    main(*sys.argv[1:])
