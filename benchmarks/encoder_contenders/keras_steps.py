"""The two steps of a Keras encoder that gives `pooled_output`."""

import keras
import tensorflow as tf

from benchmarks import harness
from benchmarks.encoder_contenders import batches

tf.config.threading.set_intra_op_parallelism_threads(harness.NUM_THREADS)
POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


def prepare(cell: dict, make_encoder, make_optimizer):
    """Returns a function that does one step of the cell.

    Args:
        cell: `step`, `dtype`, `batch`, `length`.
        make_encoder: function of a dtype policy's name.
        make_optimizer: function without arguments.
    """
    arrays = batches.batch(cell)
    labels = tf.constant(arrays.pop("labels"))
    inputs = {name: tf.constant(array) for name, array in arrays.items()}
    encoder = make_encoder(POLICIES[cell["dtype"]])
    if cell["step"] == "forward":
        forward = tf.function(
            lambda inputs: encoder(inputs, training=False)["pooled_output"]
        )
        return lambda: forward(inputs).numpy()
    logits = keras.layers.Dense(2, dtype="float32")(
        encoder.output["pooled_output"]
    )
    model = keras.Model(encoder.input, logits)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(make_optimizer(), loss, jit_compile=False)
    model.make_train_function()
    batch = iter(tf.data.Dataset.from_tensors((inputs, labels)).repeat())
    return lambda: float(model.train_function(batch)["loss"])
