"""AdamW and LAMB, with a learning rate for each layer."""

import contextlib
import dataclasses
import functools
import numbers
import re
import warnings
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

import keras
import tensorflow as tf

from keras_bert_zoo import arguments
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.training import distribution
from keras_bert_zoo.training import keras_private
from keras_bert_zoo.training.optimizers.layer_rates import LayerRate
from keras_bert_zoo.training.optimizers.options import AdamOptions
from keras_bert_zoo.training.optimizers.options import OptimizerOptions

# Variables that are not decayed, by the ends of their names.
UNDECAYED = ("bias", "gamma", "beta")


@dataclasses.dataclass(frozen=True)
class _Learner:
    """A variable, and what its updates read and change beside it.

    Not a tuple, because Keras would take the variables in it for the
    optimizer's own.
    """

    variable: keras.Variable
    rate: LayerRate
    is_decayed: bool
    momentum: keras.Variable
    velocity: keras.Variable
    average: keras.Variable | None
    sum: keras.Variable | None

    def tensors(self) -> tuple:
        """Returns its moments, its average and its sum, as TensorFlow's."""
        moments = self.momentum.value, self.velocity.value
        average, summed = (
            None if one is None else one.value
            for one in (self.average, self.sum)
        )
        return moments, average, summed


class Pace(NamedTuple):
    """What the updates of all variables of one rate have in common.

    Attributes:
        rate: scalar. Their learning rate; 0 while their layer waits.
        decay: scalar. The share of them that weight decay takes off.
        beta_1, beta_2: scalars. What the moments keep of themselves.
        epsilon: scalar. Added to the root of the second moment.
        power_1, power_2: scalars. The betas to the power of the number of this
            update among theirs, from 1.
        average: scalar, the share of the weights in this update's average;
            `None` if there is none.
    """

    rate: tf.Tensor
    decay: tf.Tensor
    beta_1: tf.Tensor
    beta_2: tf.Tensor
    epsilon: tf.Tensor
    power_1: tf.Tensor
    power_2: tf.Tensor
    average: tf.Tensor | None


class Layerwise(keras.optimizers.Optimizer):
    """Updates each variable at a rate of its own; what ours have in common.

    Biases and layer-norm scales are not decayed. Gradients of embedding
    tables are made dense first: repeated tokens are summed. Where gradients
    are accumulated, a schedule is asked by the number of updates; Keras would
    give it that of batches.

    Args:
        learning_rate: float or schedule, of the number of updates; or a
            function that returns a float.
        weight_decay: float; 0 for none.
        layer_rates: rows `(layer, share, start)`, as the function of this
            name makes them. Variables of the layer learn by this share of the
            learning rate from update number `start` on. Until then neither
            they nor their moments change, and their gradients do not count
            where all are clipped together. Variables of other layers learn
            by the whole rate from the start.
        **options: see `AdamOptions`.

    Raises:
        InputError: if a row or an option is not of these, `weight_decay` is
            not in [0, 1], or `learning_rate` not finite.
    """

    def __init__(
        self,
        learning_rate: Any,
        weight_decay: float = 0.01,
        *,
        layer_rates: Sequence[Sequence] = (),
        **options,
    ):
        weight_decay = OptimizerOptions(weight_decay=weight_decay).weight_decay
        if isinstance(learning_rate, numbers.Real):
            learning_rate = arguments.finite_number(
                "learning_rate", learning_rate
            )
        own = arguments.checked_call(AdamOptions, type(self).__name__, options)
        # Keras would count batches, and accumulate on one replica alone.
        super().__init__(
            learning_rate,
            weight_decay,
            clipnorm=own.clipnorm,
            clipvalue=own.clipvalue,
            global_clipnorm=own.global_clipnorm,
            use_ema=own.ema_momentum is not None,
            ema_momentum=own.ema_momentum,
            loss_scale_factor=own.loss_scale_factor,
            name=own.name,
        )
        self.beta_1, self.beta_2 = own.beta_1, own.beta_2
        self.epsilon = own.epsilon
        self.num_accumulated = own.gradient_accumulation_steps
        self.schedule = None
        if isinstance(
            learning_rate, keras.optimizers.schedules.LearningRateSchedule
        ):
            self.schedule = learning_rate
        self.layer_rates = tuple(_checked_row(row) for row in layer_rates)
        self._undecayed_names = [f"({'|'.join(UNDECAYED)})$"]
        self._undecayed_ids: set[int] = set()
        self._takes_sums = False

    def exclude_from_weight_decay(self, var_list=None, var_names=None):
        """Excludes more variables, or names that hold one of some texts."""
        self._undecayed_names += var_names or []
        self._undecayed_ids |= {id(variable) for variable in var_list or ()}

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Makes the moments.

        Raises:
            InputError: if no variable is of a layer that has a rate.
        """
        if self.built:
            return
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(
            variables, ["momentum", "velocity"]
        )
        averages = sums = [None] * len(variables)
        if self.use_ema:
            averages = keras_private.averages_of(self)
            for variable, average in zip(variables, averages):
                average.assign(variable)
        if self.num_accumulated > 1:
            sums = self.add_optimizer_variables(variables, "sum")
            self._num_summed = self.add_variable(
                (),
                dtype="int32",
                aggregation="only_first_replica",
                name="num_summed",
            )
        self._learners = [
            _Learner(
                variable,
                self._rate_of(variable),
                self._is_decayed(variable),
                *own,
            )
            for variable, *own in zip(
                variables, self._momentums, self._velocities, averages, sums
            )
        ]
        rates = {learner.rate for learner in self._learners}
        if self.layer_rates and not set(self.layer_rates) & rates:
            layers = ", ".join(rate.layer for rate in self.layer_rates)
            paths = ", ".join(variable.path for variable in variables[:5])
            raise InputError(
                "`layer_rates` must be of layers that are trained. Received: "
                f"rates of {layers}, and variables {paths}, .... Train those "
                "layers, or leave out their rates."
            )

    def _rate_of(self, variable):
        """Returns the rate of the layer that a variable is of."""
        layers = variable.path.split("/")[:-1]
        return next(
            (rate for rate in self.layer_rates if rate.layer in layers),
            LayerRate("", share=1.0, start=0),
        )

    def _is_decayed(self, variable):
        if id(variable) in self._undecayed_ids:
            return False
        return not re.search("|".join(self._undecayed_names), variable.name)

    def has_ended(self) -> bool:
        """Returns whether a schedule has led to a rate of 0."""
        num_updates = int(tf.convert_to_tensor(self.iterations))
        if self.schedule is None or not num_updates:
            return False
        return float(self.schedule(num_updates)) == 0.0

    @contextlib.contextmanager
    def taking_sums(self) -> Iterator[None]:
        """Lets `apply` take gradients that are sums over all replicas."""
        self._takes_sums = True
        try:
            yield
        finally:
            self._takes_sums = False

    def apply(self, grads, trainable_variables=None) -> None:
        """Updates variables by the gradients of a batch.

        Args:
            grads: one for each variable, or `None`; of a replica's part of
                the batch, which are added up over the replicas.
            trainable_variables: those that the optimizer is built for.

        Raises:
            InputError: if no variable has a gradient, or one is not of those
                that the optimizer was built for.
        """
        if trainable_variables is None:
            trainable_variables = [one.variable for one in self._learners]
        self.build(list(trainable_variables))
        learners = self._learners_of(grads, trainable_variables)
        gradients = [
            tf.convert_to_tensor(one) for one in grads if one is not None
        ]
        if self.loss_scale_factor:
            gradients = [one / self.loss_scale_factor for one in gradients]
        if not self._takes_sums:
            gradients = distribution.total(gradients)
        gradients = [
            tf.where(
                self._learns(learner.rate), gradient, tf.zeros_like(gradient)
            )
            if learner.rate.start
            else gradient
            for learner, gradient in zip(learners, gradients, strict=True)
        ]
        share = 1.0
        if self.global_clipnorm is not None:
            means = map(self._mean, gradients, [one.sum for one in learners])
            norm = tf.linalg.global_norm(list(means))
            share = self.global_clipnorm / tf.maximum(
                norm, self.global_clipnorm
            )
        tf.distribute.get_replica_context().merge_call(
            self._apply, args=(learners, gradients, self.learning_rate, share)
        )
        for learner in learners:
            variable = learner.variable
            if variable.constraint is not None:
                variable.assign(variable.constraint(variable))

    def _learners_of(self, gradients, variables):
        """Returns those that have gradients."""
        known = {id(learner.variable): learner for learner in self._learners}
        unknown = [one.path for one in variables if id(one) not in known]
        if unknown:
            raise InputError(
                "An optimizer updates the variables that it was built for. "
                f"Received others: {', '.join(unknown[:5])}. Make another one."
            )
        missing = [
            variable.path
            for gradient, variable in zip(gradients, variables, strict=True)
            if gradient is None
        ]
        if missing:
            told = f"The loss does not depend on {', '.join(missing)}."
            if len(missing) == len(known):
                raise InputError(f"{told} Nothing else is trained.")
            warnings.warn(told, stacklevel=3)
        return [
            known[id(variable)]
            for gradient, variable in zip(gradients, variables)
            if gradient is not None
        ]

    def _learns(self, rate):
        return tf.convert_to_tensor(self.iterations) >= rate.start

    def _mean(self, gradient, earlier):
        """Returns the mean of a gradient and those of the batches before."""
        if earlier is None:
            return gradient
        return (gradient + tf.convert_to_tensor(earlier)) / self.num_accumulated

    def _apply(self, strategy, learners, gradients, rate, share):
        """Updates the variables of all replicas, or has gradients wait."""

        def on_replicas(function):
            for learner, gradient in zip(learners, gradients, strict=True):
                strategy.extended.update(
                    learner.variable.value,
                    functools.partial(function, learner),
                    args=(gradient, rate, share, *learner.tensors()),
                    group=False,
                )

        def update():
            on_replicas(functools.partial(self._update, {}))
            self.iterations.assign_add(1)
            if self.num_accumulated > 1:
                self._num_summed.assign(0)

        def wait():
            on_replicas(_wait)
            self._num_summed.assign_add(1)

        if self.num_accumulated == 1:
            update()
        else:
            is_last = tf.equal(self._num_summed, self.num_accumulated - 1)
            tf.cond(is_last, update, wait)

    def _pace(self, rate, of_layer):
        """Returns what the updates of a layer's variables have in common.

        Args:
            rate: scalar, of the variables' type. That of all layers.
            of_layer: `LayerRate`.
        """
        done = tf.convert_to_tensor(self.iterations)
        rate *= of_layer.share
        number = done + 1
        if of_layer.start:
            rate = tf.where(self._learns(of_layer), rate, tf.zeros_like(rate))
            number = tf.maximum(number - of_layer.start, 1)
        number = tf.cast(number, rate.dtype)
        beta_1, beta_2, epsilon = (
            tf.cast(one, rate.dtype)
            for one in (self.beta_1, self.beta_2, self.epsilon)
        )
        average = None
        if self.use_ema:
            # It begins with the weights after the first update.
            kept = tf.where(tf.equal(done, 0), 0.0, self.ema_momentum)
            average = tf.cast(1.0 - kept, rate.dtype)
        return Pace(
            rate,
            self.weight_decay * rate,
            beta_1,
            beta_2,
            epsilon,
            tf.pow(beta_1, number),
            tf.pow(beta_2, number),
            average,
        )

    def _update(
        self,
        paces,
        learner,
        variable,
        gradient,
        rate,
        share,
        moments,
        average,
        summed,
    ):
        """Updates a variable of one replica.

        Args:
            paces: those of this update so far, by rate, type and device.
                One for each variable would be a sixth of the graph.
            others: of the variable.
        """
        gradient = self._mean(gradient, summed)
        if summed is not None:
            summed.assign(tf.zeros_like(summed))
        if self.clipnorm is not None:
            gradient = tf.clip_by_norm(gradient, self.clipnorm)
        elif self.clipvalue is not None:
            gradient = tf.clip_by_value(
                gradient, -self.clipvalue, self.clipvalue
            )
        elif self.global_clipnorm is not None:
            gradient *= tf.cast(share, gradient.dtype)
        key = learner.rate, variable.dtype, variable.device
        if key not in paces:
            rate = tf.cast(rate, variable.dtype)
            paces[key] = self._pace(rate, learner.rate)
        pace = paces[key]
        gradient = tf.cast(gradient, variable.dtype)
        self.move(variable, gradient, pace, learner.is_decayed, *moments)
        if average is not None:
            average.assign_sub(pace.average * (average - variable))

    def move(
        self,
        variable: tf.Variable,
        gradient: tf.Tensor,
        pace: Pace,
        is_decayed: bool,
        momentum: tf.Variable,
        velocity: tf.Variable,
    ) -> None:
        """Updates a variable and its moments.

        Args:
            variable: of one replica.
            gradient: its own, clipped.
            pace: that of its layer.
            is_decayed: bool. Whether weight decay takes a share of it.
            momentum, velocity: its moments.
        """
        raise NotImplementedError

    def get_config(self):
        config = super().get_config()
        # It is used where there is a momentum.
        del config["ema_overwrite_frequency"], config["use_ema"]
        return {
            **config,
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "gradient_accumulation_steps": self.num_accumulated,
            "layer_rates": [list(rate) for rate in self.layer_rates],
        }


def _wait(learner, variable, gradient, rate, share, moments, average, summed):
    summed.assign_add(gradient)


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


def _moved(average, value, momentum):
    moved = average + (value - average) * (1.0 - momentum)
    average.assign(moved)
    return moved


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class AdamW(Layerwise):
    """Adam with decoupled weight decay, one fused kernel per variable.

    Biases and layer-norm scales are not decayed. Each update takes
    `weight_decay` times the variable's own learning rate off the others, so
    that a layer that learns slowly decays slowly, and rows of an embedding
    table without a gradient decay too, as in the published optimizer.

    Args:
        learning_rate, weight_decay, **options: see `Layerwise`.

    Source: Loshchilov and Hutter, 2019 (arXiv:1711.05101), algorithm 2; the
    exclusions: Devlin et al., 2019, published code.
    """

    def __init__(self, learning_rate=5e-5, weight_decay=0.01, **options):
        super().__init__(learning_rate, weight_decay, **options)

    def move(self, variable, gradient, pace, is_decayed, momentum, velocity):
        if is_decayed and self.weight_decay:
            variable.assign_sub(variable * pace.decay)
        if isinstance(variable, tf.Variable):
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=momentum.handle,
                v=velocity.handle,
                beta1_power=pace.power_1,
                beta2_power=pace.power_2,
                lr=pace.rate,
                beta1=pace.beta_1,
                beta2=pace.beta_2,
                epsilon=pace.epsilon,
                grad=gradient,
            )
            return
        momentum = _moved(momentum, gradient, pace.beta_1)
        velocity = _moved(velocity, tf.square(gradient), pace.beta_2)
        rate = pace.rate * tf.sqrt(1.0 - pace.power_2) / (1.0 - pace.power_1)
        variable.assign_sub(
            rate * momentum / (tf.sqrt(velocity) + pace.epsilon)
        )


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class Lamb(Layerwise):
    """Adam with updates scaled to the norm of their variable (LAMB).

    An update's norm is the learning rate times its variable's: at a rate of
    0.001 each kernel moves by a thousandth of its norm. Biases and layer-norm
    scales are updated as by Adam, and not decayed. Weight decay is a part of
    the update, so it follows the variable's own rate. (That of
    `keras.optimizers.Lamb` is not: it decays apart from the update, and treats
    all variables alike.)

    Args:
        learning_rate, weight_decay, **options: see `Layerwise`.

    Source: You et al., 2020 (arXiv:1904.00962), algorithm 2, with the
    identity for its function of the norm; the exclusions: its published code.
    """

    def __init__(self, learning_rate=1e-3, weight_decay=0.01, **options):
        super().__init__(learning_rate, weight_decay, **options)

    def move(self, variable, gradient, pace, is_decayed, momentum, velocity):
        first = _moved(momentum, gradient, pace.beta_1)
        second = _moved(velocity, tf.square(gradient), pace.beta_2)
        first /= 1.0 - pace.power_1
        second /= 1.0 - pace.power_2
        update = first / (tf.sqrt(second) + pace.epsilon)
        rate = pace.rate
        if is_decayed:
            update += self.weight_decay * variable
            rate *= _trust_ratio(variable, update)
        variable.assign_sub(rate * update)


def _trust_ratio(variable, update):
    length, moved = tf.norm(variable), tf.norm(update)
    ratio = tf.math.divide_no_nan(length, moved)
    return tf.where((length > 0) & (moved > 0), ratio, tf.ones_like(ratio))
