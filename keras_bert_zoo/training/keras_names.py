"""The private names of Keras that training leans on.

All of them are here but those in an update of weights and in losses, which
`keras_names_of_updates` and `keras_names_of_losses` have. Keras is pinned to
one version, and a test asks for each of these names, so that a newer Keras
says which of them went away.
"""

import contextlib
import itertools
from collections.abc import Callable
from collections.abc import Iterator

import keras
import tensorflow as tf

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
    keras.callbacks.TensorBoard: ("_global_test_batch", "_global_train_batch"),
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


def types_in(iterator):
    """Returns the types of a batch.

    Args:
        iterator: Keras' own, of epochs.
    """
    return keras.tree.map_structure(
        lambda one: None if isinstance(one, tf.OptionalSpec) else one,
        iterator.data_adapter.get_tf_dataset().element_spec,
    )


def steps_done(callback: keras.callbacks.Callback, batch: int) -> int:
    """Returns how many steps of the epoch are done.

    Keras counts whole executions of several steps, of which the last of an
    epoch may be shorter.

    Args:
        callback: that Keras has told.
        batch: int. What it was told at the end of an execution.
    """
    return min(batch + 1, callback.params.get("steps") or batch + 1)


def build_from_types(model: keras.Model, types) -> None:
    """Builds what `fit` needs from the types of its data.

    Keras takes the first batch of a pass for that, which a pipeline that
    orders each pass anew counts as one.

    Args:
        model: compiled.
        types: of a batch, or one that has them.
    """
    with model.distribute_strategy.scope():
        model._symbolic_build(data_batch=types)


def begin_at(iterator, step: int) -> None:
    """Lets an iterator of epochs begin in the middle of one.

    Args:
        iterator: Keras' own, of epochs. Its data are in place.
        step: int. The first one of the first epoch.
    """
    whole = iterator._enumerate_iterator

    def rest():
        nonlocal step
        first, step = step, 0
        return itertools.dropwhile(lambda found: found[0] < first, whole())

    iterator._enumerate_iterator = rest


def tell_steps(iterator, tell: Callable[[int], None]) -> None:
    """Lets an iterator of epochs tell how many steps come next, if it does not.

    Keras counts whole executions of several steps, of which the last of an
    epoch may be shorter: where an epoch is a part of the data, they would
    begin anew before their end.

    Args:
        iterator: Keras' own, of epochs.
        tell: function of the number of steps, called before each execution.
    """
    if hasattr(iterator, "tells_steps"):
        # That of validation, which serves all epochs.
        return
    iterator.tells_steps = True
    whole = iterator._enumerate_iterator

    def told():
        for begin, end, data in whole():
            stop = min(end + 1, iterator.num_batches or end + 1)
            iterator._steps_seen -= end + 1 - stop
            tell(stop - begin)
            yield begin, end, data

    iterator._enumerate_iterator = told


def innermost(optimizer: keras.optimizers.Optimizer):
    """Returns the optimizer that updates, inside of one that scales."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def updating(
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
