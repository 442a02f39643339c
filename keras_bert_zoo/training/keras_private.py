"""Everything that training takes from Keras's private interface.

Keras is pinned to one minor version. `tests/training/test_keras_private.py`
asks for each of these names, so that a newer one shows which went away.
"""

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf
from keras.src.backend import compute_output_spec
from keras.src.trainers.compile_utils import CompileLoss
from keras.src.trainers.data_adapters import get_data_adapter

from keras_bert_zoo.training import distribution

# What callbacks know of the epochs before.
CALLBACK_STATE = {
    keras.callbacks.EarlyStopping: (
        "best",
        "best_epoch",
        "best_weights",
        "stopped_epoch",
        "wait",
    ),
    keras.callbacks.History: ("epoch", "history"),
    keras.callbacks.ModelCheckpoint: (
        "_batches_seen_since_last_saving",
        "_last_batch_seen",
        "best",
    ),
    keras.callbacks.ReduceLROnPlateau: ("best", "cooldown_counter", "wait"),
    keras.callbacks.SwapEMAWeights: ("_ema_weights_in_model",),
}
# Odd, so that no two replicas' seeds meet.
_SEED_STEP = 0x5851F42D4C957F2D


def strategy_of(model: keras.Model) -> tf.distribute.Strategy | None:
    """Returns the strategy that a model was made under."""
    return model._distribute_strategy


def strategy_of_optimizer(
    optimizer: keras.optimizers.Optimizer,
) -> tf.distribute.Strategy:
    """Returns the strategy that an optimizer was made under."""
    return innermost(optimizer)._distribution_strategy


def layers_of(model: keras.Model) -> list[keras.layers.Layer]:
    """Returns all layers, those inside of others too."""
    return list(model._flatten_layers())


@contextlib.contextmanager
def seen_as_frozen(model: keras.Model) -> Iterator[None]:
    """Lets `model.trainable` be false, and no layer's of it.

    Keras' own setter would reach all layers, which other models may train.
    """
    earlier = model._trainable
    model._trainable = False
    try:
        yield
    finally:
        model._trainable = earlier


def direction_of(metric: keras.metrics.Metric) -> str | None:
    """Returns which way a metric is better: `max`, `min`, or not known."""
    return {"up": "max", "down": "min"}.get(getattr(metric, "_direction", ""))


def data_adapter(x, y=None, sample_weight=None, **options):
    """Returns Keras's reader of whatever data it takes.

    Args:
        x, y, sample_weight: as those of `keras.Model.fit`.
        **options: its `batch_size`, `steps_per_epoch`, `shuffle` and
            `class_weight`.
    """
    return get_data_adapter(x, y, sample_weight, **options)


def initial_epoch(model: keras.Model) -> int | None:
    """Returns the epoch that Keras's `BackupAndRestore` resumes at."""
    return model._initial_epoch


def in_order(model: keras.Model, logs: dict):
    """Returns the values of metrics as `keras.Model.evaluate` orders them."""
    return model._flatten_metrics_in_order(logs)


def without_optional(types):
    """Returns types of a batch, `None` for what batches may lack."""
    return keras.tree.map_structure(
        lambda one: None if isinstance(one, tf.OptionalSpec) else one, types
    )


def symbolic(types) -> tuple:
    """Returns `(x, y, sample_weight)` of symbolic tensors.

    Args:
        types: of a batch, `tf.TypeSpec`s, or a batch.
    """

    def tensor(one):
        if one is None:
            return None
        return keras.KerasTensor(
            one.shape, keras.backend.standardize_dtype(one.dtype)
        )

    return keras.utils.unpack_x_y_sample_weight(
        keras.tree.map_structure(tensor, types)
    )


def build_metrics(model: keras.Model, types: tuple) -> None:
    """Makes the variables of a model's metrics, and counts nothing.

    Args:
        model: functional model, compiled.
        types: `(x, y, sample_weight)` of symbolic tensors, as batches have
            them.
    """
    x, y, sample_weight = types
    y_pred = model.output
    given, own = (
        [one.shape for one in keras.tree.flatten(inputs) if one is not None]
        for inputs in (x, model.input)
    )
    if given != own:
        # Labels of known shapes meet predictions of the same.
        y_pred = compute_output_spec(model, x, training=False)
    compute_output_spec(
        model.compute_metrics, x, y, y_pred, sample_weight=sample_weight
    )


def build_own_steps(model: keras.Model, types) -> None:
    """Builds a model with a step of its own, which Keras computes with.

    Args:
        model: compiled, made under a strategy.
        types: of a batch, or one that has them.
    """
    with model.distribute_strategy.scope():
        model._symbolic_build(data_batch=types)


def innermost(optimizer: keras.optimizers.Optimizer):
    """Returns the optimizer that updates, inside of one that scales."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def updating_optimizers(
    optimizer: keras.optimizers.Optimizer,
) -> list[keras.optimizers.Optimizer]:
    """Returns the optimizers that update: one, or several for their layers."""
    inner = innermost(optimizer)
    if isinstance(inner, keras.optimizers.MultiOptimizer):
        return list(inner.optimizers)
    return [inner]


def schedule_of(optimizer: keras.optimizers.Optimizer):
    """Returns the schedule of the rate; `None` where it is a number."""
    rate = innermost(optimizer)._learning_rate
    is_schedule = isinstance(
        rate, keras.optimizers.schedules.LearningRateSchedule
    )
    return rate if is_schedule else None


def num_updates(optimizer: keras.optimizers.Optimizer) -> int:
    """Returns how far the schedule has gone on.

    In updates where it is an optimizer of ours, in batches with Keras' own:
    they differ where gradients are accumulated.
    """
    inner = innermost(optimizer)
    num_batches = int(inner._iterations.numpy())
    if not hasattr(inner, "layer_rates"):
        return num_batches
    return num_batches // (inner.gradient_accumulation_steps or 1)


def learning_rate(optimizer: keras.optimizers.Optimizer) -> float:
    """Returns the rate of the latest update; before any, of the first.

    Of a function in place of a rate it is what that returns now.
    """
    schedule = schedule_of(optimizer)
    if schedule is None:
        # A variable, or whatever the function returns.
        return float(keras.ops.convert_to_numpy(optimizer.learning_rate))
    return float(schedule(max(num_updates(optimizer) - 1, 0)))


@contextlib.contextmanager
def seeds_of(replica: tf.Tensor) -> Iterator[None]:
    """Gives a replica random numbers of its own, the first Keras' own."""
    plain = keras.random.SeedGenerator.next

    def folded(generator, *args, **kwargs):
        seed = plain(generator, *args, **kwargs)
        key = tf.cast(replica, seed.dtype) * _SEED_STEP
        return seed + tf.stack([key, tf.zeros_like(key)])

    keras.random.SeedGenerator.next = folded
    try:
        yield
    finally:
        keras.random.SeedGenerator.next = plain


class LabelRouter(CompileLoss):
    """Finds the labels and weights of each output, in whatever form they are.

    Keras's own matching of losses, labels and outputs, by name or by place;
    nothing is computed.

    Attributes:
        losses: named tuples `(path, loss, loss_weights, name)`, one for each
            output that has a loss; known once something is routed.
    """

    def route(self, y: Any, outputs: Any, sample_weight: Any) -> list[tuple]:
        """Returns `(y_true, output, sample_weight)` of each loss.

        Args:
            y: labels.
            outputs: symbolic tensors, as the model has them.
            sample_weight: or `None`.
        """
        self._routed = []
        self(y, outputs, sample_weight)
        return self._routed

    def build(self, y_true, y_pred):
        super().build(y_true, y_pred)
        self.losses = list(self._flat_losses)
        self._flat_losses = [
            one._replace(loss=self._note, loss_weights=None)
            for one in self.losses
        ]
        self.metrics[:] = [None] * len(self.metrics)

    def _note(self, y_true, output, sample_weight):
        self._routed.append((y_true, output, sample_weight))
        return tf.zeros([])


def mask_of(tensor):
    """Returns the mask that Keras' layers gave a tensor, or `None`."""
    return getattr(tensor, "_keras_mask", None)


def begin_averages(model: keras.Model) -> None:
    """Lets averages of the weights, if there are any, begin with the weights.

    Keras fills them in the first update. If loss scaling skips all steps up to
    where averages are put into the model, they are zeros. Those of
    ScheduleFreeAdamW it fills when it makes them, which may be before weights
    are loaded.

    Args:
        model: compiled. Nothing changes in it after the first update.
    """
    optimizer = model.optimizer
    if optimizer is None:
        return
    schedule_free = keras.optimizers.ScheduleFreeAdamW
    averaging = [
        one
        for one in updating_optimizers(optimizer)
        if (one.use_ema or isinstance(one, schedule_free))
        and one.iterations.numpy() == 0
    ]
    if not averaging:
        return
    with model.distribute_strategy.scope():
        if not optimizer.built:
            optimizer.build(model.trainable_variables)
        for one in averaging:
            # Of several, one may have nothing to update.
            averages = []
            if one.built and one.use_ema:
                averages.append(one._model_variables_moving_average)
            if one.built and isinstance(one, schedule_free):
                averages.append(one._momentums)
            for each in averages:
                for variable, average in zip(one._trainable_variables, each):
                    if average is not None:
                        average.assign(variable)


@contextlib.contextmanager
def reduced_gradients(optimizer: keras.optimizers.Optimizer) -> Iterator[None]:
    """Lets an optimizer take gradients that are sums over all replicas.

    It does not add them up again, and decides outside of the replicas what
    it does in some steps only.
    """
    updating = updating_optimizers(optimizer)
    for one in updating:
        one._all_reduce_sum_gradients = list
        one._backend_apply_gradients = functools.partial(_apply, one)
    try:
        yield
    finally:
        for one in updating:
            del one._all_reduce_sum_gradients
            del one._backend_apply_gradients


def _apply(optimizer, gradients, variables):
    num_steps = optimizer.gradient_accumulation_steps
    if num_steps:
        places = [optimizer._get_variable_index(one) for one in variables]
        kept = [optimizer._accumulated_gradients[place] for place in places]

        def update(gradients):
            means = [
                (gradient + earlier) / num_steps
                for gradient, earlier in zip(gradients, kept)
            ]
            _update(optimizer, means, variables)
            optimizer._backend_reset_gradient_accumulators()

        def wait(gradients):
            optimizer._backend_increment_gradient_accumulators(gradients, kept)

        is_last = (optimizer._iterations + 1) % num_steps == 0
        distribution.conditional(is_last, update, wait, (gradients,))
    else:
        _update(optimizer, gradients, variables)
    if optimizer.use_ema:
        averaged = optimizer._trainable_variables
        optimizer._update_model_variables_moving_average(averaged)
        frequency = optimizer.ema_overwrite_frequency
        if frequency:

            def overwrite():
                optimizer._overwrite_model_variables_with_average_value(
                    averaged
                )

            is_due = (optimizer.iterations + 1) % frequency == 0
            distribution.conditional(is_due, overwrite, lambda: None)


def _update(optimizer, gradients, variables):
    gradients = optimizer._clip_gradients(gradients)
    optimizer._apply_weight_decay(variables)
    optimizer._backend_update_step(
        gradients, variables, optimizer.learning_rate
    )
