"""Prints what a strategy for workers makes of a process without others."""

import json

import numpy as np
import tensorflow as tf

from keras_bert_zoo.training import workers


def main():
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    state, _ = workers.from_chief(strategy, {"step": 3}, {})
    flags = workers.any_of(strategy, np.array([True, False]))
    print(
        json.dumps(
            {
                "chief": workers.is_chief(strategy),
                "state": state,
                "flags": flags.tolist(),
            }
        )
    )


if __name__ == "__main__":
    main()
