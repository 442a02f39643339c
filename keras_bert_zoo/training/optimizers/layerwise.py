"""AdamW and LAMB, with a learning rate for each layer."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from keras_bert_zoo import arguments
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.training.optimizers.layer_rates import LayerRate

# Variables that are not decayed, by the ends of their names.
UNDECAYED = ("bias", "gamma", "beta")


class Layerwise:
    """Makes a Keras optimizer update each variable at a rate of its own.

    To be named before the optimizer's class. Biases and layer-norm scales
    are not decayed. Gradients of embedding tables are made dense first:
    repeated tokens are summed. Where gradients are accumulated, a schedule
    is asked by the number of updates; Keras would give it that of batches.

    Args:
        layer_rates: rows `(layer, share, start)`, as the function of this
            name makes them. Variables of the layer learn by this share of the
            learning rate from update number `start` on. Until then neither
            they nor their moments change, and their gradients do not count
            where all are clipped together. Variables of other layers learn
            by the whole rate from the start.
        **kwargs: what the optimizer takes; a `weight_decay` of 0 for none.

    Raises:
        InputError: if a row is not of these, or `weight_decay` no number.
    """

    def __init__(self, *, layer_rates: Sequence[Sequence] = (), **kwargs):
        arguments.finite_number("weight_decay", kwargs.get("weight_decay"))
        super().__init__(**kwargs)
        self.layer_rates = tuple(_checked_row(row) for row in layer_rates)

    def build(self, variables):
        """Makes the moments.

        Raises:
            InputError: if no variable is of a layer that has a rate.
        """
        if self.built:
            return
        super().build(variables)
        self._rates = tuple(self._rate_of(variable) for variable in variables)
        if self.layer_rates and not set(self.layer_rates) & set(self._rates):
            layers = ", ".join(rate.layer for rate in self.layer_rates)
            paths = ", ".join(variable.path for variable in variables[:5])
            raise InputError(
                "`layer_rates` must be of layers that are trained. Received: "
                f"rates of {layers}, and variables {paths}, .... Train those "
                "layers, or leave out their rates."
            )
        self._are_decayed = tuple(
            not variable.name.endswith(UNDECAYED) for variable in variables
        )

    def _rate_of(self, variable):
        """Returns the rate of the layer that a variable is of."""
        layers = variable.path.split("/")[:-1]
        return next(
            (rate for rate in self.layer_rates if rate.layer in layers),
            LayerRate("", share=1.0, start=0),
        )

    def apply(self, grads, trainable_variables=None):
        variables = trainable_variables or self._trainable_variables
        grads = [
            None if gradient is None else self._counted(gradient, variable)
            for gradient, variable in zip(grads, variables, strict=True)
        ]
        super().apply(grads, trainable_variables)

    def _counted(self, gradient, variable):
        """Returns a dense gradient, of zeros while the variable waits."""
        gradient = tf.convert_to_tensor(gradient)
        start = self._rate_of(variable).start
        if not start:
            return gradient
        learns = tf.convert_to_tensor(self.iterations) >= start
        return tf.where(learns, gradient, tf.zeros_like(gradient))

    def own_rate(self, variable, learning_rate) -> tf.Tensor:
        """Returns a variable's learning rate in this update.

        Args:
            variable: `tf.Variable`.
            learning_rate: scalar. That of the head.

        Returns:
            Scalar of the variable's dtype; 0 while it waits.
        """
        rate = self._rates[self._get_variable_index(variable)]
        own = tf.cast(learning_rate, variable.dtype)
        if rate.share != 1:
            own *= rate.share
        if not rate.start:
            return own
        learns = tf.convert_to_tensor(self.iterations) >= rate.start
        return tf.where(learns, own, tf.zeros_like(own))

    def own_step(self, variable) -> tf.Tensor:
        """Returns the number of this update among the variable's own.

        Args:
            variable: `tf.Variable`.

        Returns:
            Scalar of the variable's dtype; 1 at its first update, and before.
        """
        start = self._rates[self._get_variable_index(variable)].start
        number = tf.convert_to_tensor(self.iterations)
        if start:
            number = tf.maximum(number - start, 0)
        return tf.cast(number + 1, variable.dtype)

    def _use_weight_decay(self, variable) -> bool:
        # Not by its name, which is another one on the second replica.
        index = self._get_variable_index(variable)
        return self._are_decayed[index] and super()._use_weight_decay(variable)

    def _apply_weight_decay(self, variables):
        """Does nothing: an update decays its variable, at its own rate."""

    def _get_current_learning_rate(self):
        schedule = self._learning_rate
        if isinstance(
            schedule, keras.optimizers.schedules.LearningRateSchedule
        ):
            return schedule(self.iterations)
        return super()._get_current_learning_rate()

    def get_config(self):
        rates = [list(rate) for rate in self.layer_rates]
        return {**super().get_config(), "layer_rates": rates}


def _checked_row(row):
    try:
        layer, share, start = row
    except (TypeError, ValueError) as error:
        raise InputError(
            "`layer_rates` must be rows of a layer's name, its share of the "
            f"rate, and the update from which it learns. Received: {row!r:.60}."
            " Give all three."
        ) from error
    share = arguments.finite_number("share", share)
    if not isinstance(layer, str) or share < 0:
        raise InputError(
            "A row of `layer_rates` must have a layer's name and a share that "
            f"is not negative. Received: {row!r:.60}. Correct the row."
        )
    start = arguments.whole_number("start", start, lowest=0)
    return LayerRate(layer, share, start)


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
