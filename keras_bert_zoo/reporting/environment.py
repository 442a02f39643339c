"""The environment of a training run: versions, processor, precision."""

import os
import pathlib
import platform

import keras
import tensorflow as tf

import keras_bert_zoo
from keras_bert_zoo.training import distribution
from keras_bert_zoo.training.optimizers import updates

_CPU_INFO = pathlib.Path("/proc/cpuinfo")


def environment(model: keras.Model) -> dict[str, str]:
    """Returns names and values, to be read by people.

    Args:
        model: compiled.
    """
    strategy = distribution.strategy_of(model)
    return {
        "keras_bert_zoo": keras_bert_zoo.__version__,
        "Keras": keras.__version__,
        "TensorFlow": tf.__version__,
        "Python": platform.python_version(),
        "system": platform.platform(),
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "accelerators": ", ".join(_accelerators()) or "none",
        "precision": model.dtype_policy.name,
        "strategy": "none, one device"
        if strategy is None
        else f"{type(strategy).__name__}, "
        f"{strategy.num_replicas_in_sync} replicas",
        "optimizer": type(updates.innermost(model.optimizer)).__name__,
    }


def _processor() -> str:
    if _CPU_INFO.is_file():
        for line in _CPU_INFO.read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def _accelerators() -> list[str]:
    return [
        tf.config.experimental.get_device_details(device).get(
            "device_name", device.name
        )
        for device in tf.config.list_physical_devices("GPU")
    ]
