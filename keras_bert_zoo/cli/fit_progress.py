"""Progress of `fit` and `evaluate`, as a Keras callback."""

import time
from collections.abc import Mapping

import keras

from keras_bert_zoo.cli import interrupts
from keras_bert_zoo.cli.progress import ProgressBar
from keras_bert_zoo.cli.progress import duration


class FitProgress(keras.callbacks.Callback):
    """A bar on stderr per epoch, and a line of metrics on stdout after it."""

    def __init__(self):
        super().__init__()
        self._in_fit = False
        self._bar = None
        self._start = 0.0

    def on_train_begin(self, logs=None):
        self._in_fit = True

    def on_epoch_begin(self, epoch, logs=None):
        self._start = time.monotonic()
        label = f"epoch {epoch + 1}/{self.params['epochs']}"
        self._bar = ProgressBar(label, self.params["steps"])

    def on_train_batch_end(self, batch, logs=None):
        self._bar.update(batch + 1, f"loss {logs['loss']:.4f}")

    def on_epoch_end(self, epoch, logs=None):
        self._bar.close()
        print(
            f"epoch {epoch + 1}/{self.params['epochs']}  {metrics_line(logs)}"
            f"  {duration(time.monotonic() - self._start)}",
            flush=True,
        )

    def on_test_begin(self, logs=None):
        if not self._in_fit:
            self._bar = ProgressBar("evaluate", self.params["steps"])

    def on_test_batch_end(self, batch, logs=None):
        interrupts.check()
        if not self._in_fit:
            self._bar.update(batch + 1)

    def on_test_end(self, logs=None):
        if not self._in_fit:
            self._bar.close()


def metrics_line(metrics: Mapping[str, float]) -> str:
    """Returns metrics in one line."""
    shown = {k: v for k, v in metrics.items() if k != "learning_rate"}
    return "  ".join(f"{name} {value:.4f}" for name, value in shown.items())
