"""What a user waits for: `compile`, then the first step of `fit`."""

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable

import keras
import tensorflow as tf

from benchmarks import harness

NUM_STEPS = 4
tf.config.threading.set_intra_op_parallelism_threads(harness.NUM_THREADS)


class StepEnds(keras.callbacks.Callback):
    """Keeps the time at which each step ended."""

    def __init__(self):
        super().__init__()
        self.times = []

    def on_train_batch_end(self, batch, logs=None):
        self.times.append(time.perf_counter())


def run(prepare: Callable[[dict], tuple]) -> None:
    """Fits some steps and prints what they took, as JSON.

    Args:
        prepare: function of the cell, the program's argument, that returns a
            model, a function that compiles it, and a batch.
    """
    model, compile_model, batch = prepare(json.loads(sys.argv[1]))
    dataset = tf.data.Dataset.from_tensors(batch).repeat()
    ends = StepEnds()
    start = time.perf_counter()
    compile_model()
    model.fit(
        dataset,
        steps_per_epoch=NUM_STEPS,
        callbacks=[ends],
        shuffle=False,
        verbose=0,
    )
    first, *others = ends.times
    further = [
        end - begin for begin, end in zip(ends.times, others, strict=False)
    ]
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "first_seconds": first - start,
                "further_seconds": statistics.median(further),
                "peak_bytes": usage.ru_maxrss * 1024,
            }
        )
    )
