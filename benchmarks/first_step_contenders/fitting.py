"""What a user waits for: `compile`, then `fit` for one step."""

from collections.abc import Callable

import tensorflow as tf

from benchmarks import harness

tf.config.threading.set_intra_op_parallelism_threads(harness.NUM_THREADS)


def first_and_further(model, compile_model: Callable, data: tuple) -> Callable:
    """Returns a function that fits one batch; the first time it compiles.

    Args:
        model: `keras.Model`.
        compile_model: function without arguments.
        data: what a batch of `fit` holds.
    """
    dataset = tf.data.Dataset.from_tensors(data).repeat()
    compiled = []

    def work():
        if not compiled:
            compile_model()
            compiled.append(True)
        model.fit(dataset, steps_per_epoch=1, verbose=0)

    return work
