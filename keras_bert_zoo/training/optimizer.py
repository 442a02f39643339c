"""AdamW as BERT is fine-tuned with it."""

import keras
import tensorflow as tf

# Variables that are not decayed, by the last part of their name.
UNDECAYED = ("bias", "gamma", "beta")


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class AdamW(keras.optimizers.AdamW):
    """Adam with decoupled weight decay, one fused kernel per variable.

    Biases and layer-norm scales are not decayed. Gradients of embedding
    tables are made dense first: repeated tokens are summed before Adam sees
    them, and rows without a gradient keep decaying, as in the published
    optimizer.

    Args:
        learning_rate: float or schedule.
        weight_decay: float.
        epsilon: float. Added to the root of the second moment.
        **kwargs: what `keras.optimizers.AdamW` takes.

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

    def _use_weight_decay(self, variable) -> bool:
        name = variable.name.split(":")[0].rpartition("/")[2]
        return not name.endswith(UNDECAYED) and super()._use_weight_decay(
            variable
        )

    def update_step(self, gradient, variable, learning_rate):
        if self.amsgrad or not isinstance(variable, tf.Variable):
            return super().update_step(gradient, variable, learning_rate)
        index = self._get_variable_index(variable)
        iterations = tf.convert_to_tensor(self.iterations)
        step = tf.cast(iterations + 1, variable.dtype)
        beta_1 = tf.cast(self.beta_1, variable.dtype)
        beta_2 = tf.cast(self.beta_2, variable.dtype)
        return tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=tf.pow(beta_1, step),
            beta2_power=tf.pow(beta_2, step),
            lr=tf.cast(learning_rate, variable.dtype),
            beta1=beta_1,
            beta2=beta_2,
            epsilon=tf.cast(self.epsilon, variable.dtype),
            grad=tf.cast(tf.convert_to_tensor(gradient), variable.dtype),
        )
