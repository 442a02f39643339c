"""Dropout whose noise differs between replicas."""

import importlib

import keras

from keras_bert_zoo import arguments
from keras_bert_zoo.layers.own_gradient import own_gradient

# Odd, so that no two replicas' seeds meet.
_SEED_STEP = 0x5851F42D4C957F2D
# Whether an activation is zeroed is decided by so many random bits.
_NUM_BITS = 16


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class Dropout(keras.layers.Layer):
    """Zeroes activations at random, while training.

    Under a strategy each replica draws numbers of its own;
    `keras.layers.Dropout` would draw the same ones on all of them. On
    TensorFlow numbers have 16 bits, which is faster than Keras's 32; in
    bfloat16 Keras's have seven, and 0.1 becomes 0.1016.

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
        if keras.backend.backend() != "tensorflow":
            return keras.random.dropout(
                inputs, self.rate, seed=self.seed_generator
            )
        return _dropped(inputs, self.rate, self.seed_generator.next())

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}


def _dropped(inputs, rate, seed):
    """Returns what is left of the inputs; two random numbers a word."""
    tf = importlib.import_module("tensorflow")
    size = tf.size(inputs)
    words = tf.random.stateless_uniform(
        [(size + 1) // 2], seed, minval=None, maxval=None, dtype=tf.int32
    )
    numbers = tf.reshape(tf.bitcast(words, tf.int16), [-1])[:size]
    # As near to 1 as 16 bits come.
    num_zeroed = min(round(rate * 2**_NUM_BITS), 2**_NUM_BITS - 1)
    least = num_zeroed - 2 ** (_NUM_BITS - 1)
    is_kept = tf.reshape(numbers >= least, tf.shape(inputs))
    scale = tf.cast(1 / (1 - rate), inputs.dtype)

    def masked(values):
        # Products take half as long as choices. The mask is cast anew for
        # the gradient, so that what is kept till then has one byte each.
        with tf.control_dependencies([values]):
            return values * (tf.cast(is_kept, values.dtype) * scale)

    @own_gradient
    def kept(inputs):
        return masked(inputs), masked

    return tf.ensure_shape(kept(inputs), inputs.shape)


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
