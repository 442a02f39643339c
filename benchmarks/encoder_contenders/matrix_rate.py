"""What the machine reaches: the matrix product of a feed-forward part."""

import tensorflow as tf

from benchmarks import harness
from benchmarks.encoder_contenders import batches

tf.config.threading.set_intra_op_parallelism_threads(harness.NUM_THREADS)


def prepare(cell: dict):
    hidden = tf.random.normal((batches.MATRIX_ROWS, batches.HIDDEN_DIM))
    kernel = tf.random.normal((batches.HIDDEN_DIM, batches.INTERMEDIATE_DIM))
    hidden = tf.cast(hidden, cell["dtype"])
    kernel = tf.cast(kernel, cell["dtype"])
    multiply = tf.function(lambda: tf.matmul(hidden, kernel))
    return lambda: multiply()[0, 0].numpy()


if __name__ == "__main__":
    harness.serve(prepare)
