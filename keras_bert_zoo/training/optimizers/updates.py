"""An update by any optimizer, on any number of replicas.

Ours take gradients that are added up over the replicas. Keras's own add up
what each replica gives them, after they have clipped it: they are given equal
parts of a sum that is clipped here.
"""

import contextlib
from collections.abc import Sequence

import keras
import tensorflow as tf

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.training.optimizers.layerwise import Layerwise

_CLIPPING = ("clipnorm", "clipvalue", "global_clipnorm")
# Keras decides about them on each replica, where none can wait for the others.
_ON_ONE_DEVICE = ("gradient_accumulation_steps", "ema_overwrite_frequency")


def innermost(
    optimizer: keras.optimizers.Optimizer,
) -> keras.optimizers.Optimizer:
    """Returns the optimizer that updates, inside of one that scales."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def num_updates(optimizer: keras.optimizers.Optimizer) -> int:
    """Returns how often an optimizer has updated its variables."""
    return int(tf.convert_to_tensor(optimizer.iterations))


def check_replicas(optimizer: keras.optimizers.Optimizer) -> None:
    """Checks that an optimizer does the same on several replicas as on one.

    Raises:
        InputError: if it is one of Keras's that does not.
    """
    several = isinstance(innermost(optimizer), keras.optimizers.MultiOptimizer)
    names = _ON_ONE_DEVICE + (_CLIPPING if several else ())
    for one in _updating(optimizer):
        given = [name for name in names if getattr(one, name, None)]
        if given and not isinstance(one, Layerwise):
            raise InputError(
                "Several replicas train as one device does. Received: "
                f"{type(one).__name__} with {', '.join(given)}, which Keras "
                "computes on each replica. Take zoo.AdamW or zoo.Lamb, or "
                "one device."
            )


def apply_sums(
    optimizer: keras.optimizers.Optimizer,
    gradients: Sequence[tf.Tensor | None],
    variables: Sequence[keras.Variable],
) -> None:
    """Updates variables.

    Args:
        optimizer: built for the variables.
        gradients: added up over all replicas; scaled as the optimizer scales
            a loss.
        variables: that they are of.
    """
    num_replicas = tf.distribute.get_replica_context().num_replicas_in_sync
    updating = _updating(optimizer)
    ours = [one for one in updating if isinstance(one, Layerwise)]
    if num_replicas > 1 and len(ours) < len(updating):
        gradients = _clipped(
            innermost(optimizer), gradients, optimizer.scale_loss(1.0)
        )
        gradients = [
            None if one is None else one / num_replicas for one in gradients
        ]
        ours = []
    with contextlib.ExitStack() as stack:
        for one in ours:
            stack.enter_context(one.taking_sums())
        optimizer.apply(gradients, variables)


def _clipped(optimizer, gradients, scale):
    """Returns gradients as an optimizer clips them once they are not scaled."""
    present = [one for one in gradients if one is not None]
    if optimizer.clipnorm:
        present = [
            tf.clip_by_norm(one, optimizer.clipnorm * scale) for one in present
        ]
    elif optimizer.clipvalue:
        most = optimizer.clipvalue * scale
        present = [tf.clip_by_value(one, -most, most) for one in present]
    elif optimizer.global_clipnorm:
        most = optimizer.global_clipnorm * scale
        share = most / tf.maximum(tf.linalg.global_norm(present), most)
        present = [one * tf.cast(share, one.dtype) for one in present]
    clipped = iter(present)
    return [None if one is None else next(clipped) for one in gradients]


def _updating(optimizer):
    """Returns the optimizers that update: one, or several for their layers."""
    inner = innermost(optimizer)
    if isinstance(inner, keras.optimizers.MultiOptimizer):
        return list(inner.optimizers)
    return [inner]
