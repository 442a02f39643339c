"""Dropout whose noise differs between replicas."""

import importlib

import keras

from keras_bert_zoo import arguments

# Odd, so that no two replicas' seeds meet.
_SEED_STEP = 0x5851F42D4C957F2D


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class Dropout(keras.layers.Layer):
    """Zeroes activations at random, while training.

    Under a strategy each replica draws numbers of its own;
    `keras.layers.Dropout` would draw the same ones on all of them.

    Args:
        rate: float in [0, 1). Probability that an activation is zeroed.
        seed: int or `None`. `None` draws one.

    Call arguments:
        inputs: float, of any shape.
        training: bool. Whether to zero anything.

    Returns:
        Tensor of the shape of `inputs`; what is left is divided by
        `1 - rate`.

    Raises:
        InputError: if `rate` is not in [0, 1).

    Source: Srivastava et al., 2014 (JMLR 15, 1929-1958).
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self.rate = arguments.dropout(rate)
        self.seed = seed
        self.supports_masking = True
        if self.rate > 0:
            self.seed_generator = _ReplicaSeeds(seed)
        self.built = True

    def call(self, inputs, training=False):
        if not training or self.rate == 0:
            return inputs
        return keras.random.dropout(inputs, self.rate, seed=self.seed_generator)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}


class _ReplicaSeeds(keras.random.SeedGenerator):
    """Seeds of one device on the first replica, others on each further one."""

    def next(self, ordered=True):
        seed = super().next(ordered)
        if keras.backend.backend() != "tensorflow":
            return seed
        tf = importlib.import_module("tensorflow")
        context = tf.distribute.get_replica_context()
        if context is None or context.num_replicas_in_sync == 1:
            return seed
        key = tf.cast(context.replica_id_in_sync_group, seed.dtype) * _SEED_STEP
        return seed + tf.stack([key, tf.zeros_like(key)])
