"""What programs that train on one device and on two have in common."""

import os

import numpy as np
import tensorflow as tf
import tpu_cores


def strategy() -> tf.distribute.Strategy:
    """Returns a strategy over two devices; before all other work.

    Two logical CPUs or, where `TF_CONFIG` names them, two processes. With
    `TPU_CORES` in the environment the CPUs stand for two cores of a TPU.
    """
    if "TF_CONFIG" in os.environ:
        return tf.distribute.MultiWorkerMirroredStrategy()
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * 2
    )
    if "TPU_CORES" in os.environ:
        return tpu_cores.strategy()
    return tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"],
        cross_device_ops=tf.distribute.ReductionToOneDevice(),
    )


def fitted(model, data, in_fit=(), **options) -> tuple[dict, dict, list]:
    """Returns history, scores and weights after two epochs."""
    own = {**options, **dict(in_fit)}
    history = model.fit(data, epochs=2, verbose=0, **own).history
    scores = model.evaluate(data, verbose=0, return_dict=True, **options)
    return history, scores, model.get_weights()


def difference(ours: tuple, others: tuple) -> float:
    """Returns the largest difference between two results of `fitted`."""
    parts = []
    for one, other in zip(ours[:2], others[:2], strict=True):
        assert sorted(one) == sorted(other)
        parts += [np.subtract(one[name], other[name]) for name in one]
    parts += [a - b for a, b in zip(ours[2], others[2], strict=True)]
    return max(float(np.max(np.abs(part))) for part in parts)


def spread(model) -> float:
    """Returns the largest difference between local replicas' weights."""
    strategy = model.distribute_strategy
    parts = []
    for variable in model.trainable_variables:
        first, *others = strategy.experimental_local_results(variable.value)
        parts += [tf.reduce_max(tf.abs(first - other)) for other in others]
    return float(max(parts, default=0.0))
