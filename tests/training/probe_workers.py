"""Prints what a strategy for workers makes of a process without others.

Once without `TF_CONFIG`, once with one that is empty.
"""

import json
import os

import numpy as np
import tensorflow as tf

from keras_bert_zoo.training import distribution


def main():
    os.environ.pop("TF_CONFIG", None)
    tell()
    os.environ["TF_CONFIG"] = "{}"
    tell()


def tell():
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    state, _ = distribution.from_chief(strategy, {"step": 3}, {})
    flags = distribution.any_of(strategy, np.array([True, False]))
    print(
        json.dumps(
            {
                "chief": distribution.is_chief(strategy),
                "state": state,
                "flags": flags.tolist(),
            }
        )
    )


if __name__ == "__main__":
    main()
