"""Everything that training takes from private interfaces.

They are Keras's but for one, which is TensorFlow's. Both are pinned to one
minor version. `tests/training/test_keras_private.py` asks for each of these
names, so that a newer one shows which went away.
"""

import contextlib
from typing import Any

import keras
import tensorflow as tf
from keras.src.trainers.compile_utils import CompileLoss
from keras.src.trainers.data_adapters import get_data_adapter
from tensorflow.python.framework.ops import gradient_registry

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


@contextlib.contextmanager
def released_gradients():
    """Forgets the custom gradients of the graph that is traced inside.

    TensorFlow registers each for as long as the process runs, and each holds
    the graph, with the weights and optimizer variables that it updates: they
    would stay after the model is deleted. A training step takes its gradients
    while it is traced, and looks none up later.
    """
    registered = gradient_registry._registry
    before = set(registered)
    try:
        yield
    finally:
        for name in set(registered) - before:
            if name.startswith("CustomGradient-"):
                del registered[name]


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


def averages_of(
    optimizer: keras.optimizers.Optimizer,
) -> list[keras.Variable]:
    """Returns the averages that `SwapEMAWeights` puts into the model.

    Args:
        optimizer: built, with `use_ema`.
    """
    return optimizer._model_variables_moving_average
