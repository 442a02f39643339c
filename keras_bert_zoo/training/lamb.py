"""LAMB, for large batches."""

import keras
import tensorflow as tf

from keras_bert_zoo.training.layerwise import Layerwise


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class Lamb(Layerwise, keras.optimizers.Lamb):
    """Adam whose updates are as large as the variable they are for.

    An update has the learning rate's share of its variable's norm: at a rate
    of 0.001 each kernel moves by a thousandth of its length. Biases and
    layer-norm scales are updated as by Adam, and not decayed. Weight decay
    is a part of the update, so it follows the variable's own rate. (That of
    `keras.optimizers.Lamb` is not: it decays apart from the update, and
    treats all variables alike.)

    Args:
        learning_rate: float or schedule, of the number of updates.
        weight_decay: float.
        epsilon: float. Added to the root of the second moment.
        **kwargs: `layer_rates`, see `Layerwise`, and what
            `keras.optimizers.Lamb` takes.

    Source: You et al., 2020 (arXiv:1904.00962), algorithm 2, with the
    identity for its function of the norm; the exclusions: its published code.
    """

    def __init__(
        self,
        learning_rate=1e-3,
        weight_decay: float = 0.01,
        epsilon: float = 1e-6,
        **kwargs,
    ):
        super().__init__(
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            epsilon=epsilon,
            **kwargs,
        )

    def update_step(self, gradient, variable, learning_rate):
        rate = self.own_rate(variable, learning_rate)
        step = self.own_step(variable)
        index = self._get_variable_index(variable)
        gradient = tf.cast(gradient, variable.dtype)
        first = self._moved(self._momentums[index], gradient, self.beta_1)
        second = self._moved(
            self._velocities[index], tf.square(gradient), self.beta_2
        )
        first /= 1.0 - tf.pow(tf.cast(self.beta_1, variable.dtype), step)
        second /= 1.0 - tf.pow(tf.cast(self.beta_2, variable.dtype), step)
        update = first / (tf.sqrt(second) + self.epsilon)
        if self._use_weight_decay(variable):
            update += self.weight_decay * variable
            rate *= _trust_ratio(variable, update)
        variable.assign_sub(rate * update)

    def _moved(self, average, value, momentum):
        moved = average + (value - average) * (1.0 - momentum)
        average.assign(moved)
        return moved


def _trust_ratio(variable, update):
    length, moved = tf.norm(variable), tf.norm(update)
    ratio = tf.math.divide_no_nan(length, moved)
    return tf.where((length > 0) & (moved > 0), ratio, tf.ones_like(ratio))
