"""How long a training step takes in each precision, on this machine."""

import statistics
import time
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from keras_bert_zoo import feature_names
from keras_bert_zoo.encoders.bert import BertEncoder

# A block of BERT-base, and tokens enough to keep a processor busy. Not so for
# a GPU, where sizes are to be.
_SIZES = {
    "vocabulary_size": 64,
    "num_layers": 1,
    "num_heads": 12,
    "hidden_dim": 768,
    "intermediate_dim": 3072,
    "dropout": 0.0,
    "attention_dropout": 0.0,
}
_CPU_BATCH = (8, 64)
_GPU_BATCH = (64, 128)
_NUM_STEPS = 5
# Cosine of the gradients' angle to those of float32.
_ALIKE = 0.99


def step_seconds(policies: Sequence[str]) -> dict[str, float]:
    """Returns the median time of a step, for policies that compute well.

    Well means that the gradients of a block of BERT-base point where those
    of float32 point.

    Args:
        policies: dtype policies, `float32` the first.
    """
    has_gpu = bool(tf.config.list_physical_devices("GPU"))
    shape = _GPU_BATCH if has_gpu else _CPU_BATCH
    weights = expected = None
    steps, found = {}, {}
    for policy in policies:
        encoder = BertEncoder(**_SIZES, dtype=policy)
        if weights is None:
            weights = encoder.get_weights()
        encoder.set_weights(weights)
        step, inputs = _step(encoder), _inputs(encoder, shape)
        gradient = step(inputs).numpy()
        if expected is None:
            expected = gradient
        if _cosine(gradient, expected) >= _ALIKE:
            steps[policy] = step
            found[policy] = []
    # In turns, so that a busy machine slows all of them alike.
    for _ in range(_NUM_STEPS):
        for policy, step in steps.items():
            start = time.perf_counter()
            step(inputs).numpy()
            found[policy].append(time.perf_counter() - start)
    return {name: statistics.median(each) for name, each in found.items()}


def _inputs(encoder: keras.Model, shape: tuple[int, int]) -> dict:
    token_ids = np.arange(np.prod(shape)).reshape(shape) % 64
    return {
        **{name: tf.zeros(shape, tf.int32) for name in encoder.input},
        feature_names.TOKEN_IDS: tf.constant(token_ids, tf.int32),
        feature_names.PADDING_MASK: tf.ones(shape, tf.int32),
    }


def _step(encoder: keras.Model):
    """Returns a function of inputs, which gives all gradients as one row."""
    variables = [one.value for one in encoder.trainable_variables]

    @tf.function(autograph=False)
    def step(inputs):
        with tf.GradientTape() as tape:
            outputs = encoder(inputs, training=True)
            loss = tf.reduce_mean(
                tf.cast(outputs[feature_names.POOLED_OUTPUT], tf.float32) ** 2
            )
        gradients = tape.gradient(loss, variables)
        rows = [tf.reshape(tf.convert_to_tensor(g), [-1]) for g in gradients]
        return tf.concat(rows, 0)

    return step


def _cosine(one: np.ndarray, other: np.ndarray) -> float:
    if not np.isfinite(one).all():
        return 0.0
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))
