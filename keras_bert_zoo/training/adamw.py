"""AdamW as BERT is fine-tuned with it."""

import keras
import tensorflow as tf

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.training.layerwise import Layerwise


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class AdamW(Layerwise, keras.optimizers.AdamW):
    """Adam with decoupled weight decay, one fused kernel per variable.

    Biases and layer-norm scales are not decayed. Each update takes
    `weight_decay` times the variable's own learning rate off the others, so
    that a layer that learns slowly decays slowly, and rows of an embedding
    table without a gradient decay too, as in the published optimizer.

    Args:
        learning_rate: float or schedule, of the number of updates.
        weight_decay: float.
        epsilon: float. Added to the root of the second moment.
        **kwargs: `layer_rates`, see `Layerwise`, and what
            `keras.optimizers.AdamW` takes.

    Raises:
        InputError: if `amsgrad` is to go with layers that start late.

    Source: Loshchilov and Hutter, 2019 (arXiv:1711.05101), algorithm 2; the
    exclusions: Devlin et al., 2019, published code.
    """

    def __init__(
        self,
        learning_rate=5e-5,
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
        if self.amsgrad and any(rate.start for rate in self.layer_rates):
            raise InputError(
                "With `amsgrad` all layers learn from the start. Received: "
                "`layer_rates` that start later. Leave one of them out."
            )

    def update_step(self, gradient, variable, learning_rate):
        rate = self.own_rate(variable, learning_rate)
        if self._use_weight_decay(variable):
            # One pass over the variable for both factors.
            variable.assign_sub(variable * (self.weight_decay * rate))
        if self.amsgrad or not isinstance(variable, tf.Variable):
            return super().update_step(gradient, variable, rate)
        index = self._get_variable_index(variable)
        step = self.own_step(variable)
        beta_1 = tf.cast(self.beta_1, variable.dtype)
        beta_2 = tf.cast(self.beta_2, variable.dtype)
        return tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=tf.pow(beta_1, step),
            beta2_power=tf.pow(beta_2, step),
            lr=rate,
            beta1=beta_1,
            beta2=beta_2,
            epsilon=tf.cast(self.epsilon, variable.dtype),
            grad=tf.cast(gradient, variable.dtype),
        )
