"""A training step on two logical CPUs, half of the batch on each."""

from benchmarks.cost_contenders import training  # isort: skip

import tensorflow as tf

from benchmarks import harness


def prepare(cell: dict):
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * 2
    )
    strategy = tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"],
        cross_device_ops=tf.distribute.ReductionToOneDevice(),
    )
    model = training.make_model(strategy)
    return training.step(model, cell)


if __name__ == "__main__":
    harness.serve(prepare)
