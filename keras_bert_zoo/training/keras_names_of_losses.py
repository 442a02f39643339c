"""The private names of Keras in a model's losses; see `keras_names`."""

import contextlib
from collections.abc import Callable
from collections.abc import Iterator

import keras
import tensorflow as tf


def loss_tracker(model: keras.Model) -> keras.metrics.Mean:
    """Returns the mean loss that `fit` reports."""
    return model._loss_tracker


def losses_of(model: keras.Model) -> list[keras.losses.Loss]:
    """Returns the losses that a model was compiled with, once it is built."""
    if model._compile_loss is None:
        return []
    return [one.loss for one in model._compile_loss._flat_losses or ()]


def set_losses(model: keras.Model, losses: list[keras.losses.Loss]) -> None:
    """Puts others in the place of what `losses_of` returned."""
    if losses:
        places = model._compile_loss._flat_losses
        places[:] = [
            place._replace(loss=loss) for place, loss in zip(places, losses)
        ]


def call_losses(model: keras.Model, labels, weights) -> None:
    """Calls the losses with symbols for predictions, and counts nothing."""
    if losses_of(model):
        with output_losses_counted(model, None):
            model._compile_loss(labels, model.output, weights)


def loss_weights_of(model: keras.Model) -> list[float]:
    """Returns what each of the losses weighs in their sum."""
    if model._compile_loss is None:
        return []
    return [
        1.0 if one.loss_weights is None else one.loss_weights
        for one in model._compile_loss._flat_losses or ()
    ]


def output_loss_trackers(model: keras.Model) -> list[keras.metrics.Mean]:
    """Returns the mean loss of each output; none where there is one alone."""
    compiled = model._compile_loss
    return list(compiled.metrics) if compiled else []


def mask_of(tensor):
    """Returns the mask that Keras' layers gave a tensor, or `None`."""
    return getattr(tensor, "_keras_mask", None)


@contextlib.contextmanager
def output_losses_counted(
    model: keras.Model, counted: Callable[[int, tf.Tensor], tuple] | None
) -> Iterator[None]:
    """Counts a batch in the mean loss of each output, and says how.

    Keras weighs it by its rows, and only where their number is part of the
    shape: the means then depend on the strategy, and do not add up to that
    of `loss_tracker`.

    Args:
        model: that computes its loss here.
        counted: function of the place of a loss and its value that returns
            the value to count and what it weighs; `None` not to count any.
    """
    # A list of their own: those that are made meanwhile are not changed.
    trackers = output_loss_trackers(model)
    for place, tracker in enumerate(trackers):

        def update(value, sample_weight, place=place, own=tracker.update_state):
            if counted is not None:
                value, weight = counted(place, value)
                own(value, sample_weight=weight)

        tracker.update_state = update
    try:
        yield
    finally:
        for tracker in trackers:
            del tracker.update_state
