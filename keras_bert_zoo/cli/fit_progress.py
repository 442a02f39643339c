"""Progress of `fit` and `evaluate`, as a Keras callback."""

from collections.abc import Mapping

import keras

from keras_bert_zoo.cli import interrupts
from keras_bert_zoo.cli.progress import ProgressBar
from keras_bert_zoo.cli.progress import duration
from keras_bert_zoo.training.backup import Backup
from keras_bert_zoo.training.epoch_pace import MEASURES
from keras_bert_zoo.training.epoch_pace import EpochPace


class FitProgress(keras.callbacks.Callback):
    """A bar on stderr per epoch, and a line of metrics on stdout after it.

    Args:
        pace: `EpochPace`, a callback before this one; `None` to evaluate.
        backup: of the run, if it has some.
    """

    def __init__(
        self, pace: EpochPace | None = None, backup: Backup | None = None
    ):
        super().__init__()
        self._pace = pace
        self._backup = backup
        self._in_fit = False
        self._bar = None
        self._done_before = 0

    def on_train_begin(self, logs=None):
        self._in_fit = True
        backup = self._backup
        if backup is not None:
            self._done_before = backup.step
        if backup is not None and backup.last is not None:
            print(
                f"{'resumed':12}after {_counted(backup.epoch, 'epoch')} and "
                f"{_counted(backup.step, 'step')}, from {backup.last}",
                flush=True,
            )

    def on_epoch_begin(self, epoch, logs=None):
        label = f"epoch {epoch + 1}/{self.params['epochs']}"
        self._bar = ProgressBar(
            label, self.params["steps"], done=self._done_before
        )
        self._done_before = 0

    def on_train_batch_end(self, batch, logs=None):
        def note():
            pace = self._pace
            speed = pace_line(pace.tokens_per_second, pace.padding_share)
            return f"loss {logs['loss']:.4f} {speed}"

        self._bar.update(batch + 1, note)

    def on_epoch_end(self, epoch, logs=None):
        self._bar.close()
        speed = pace_line(logs["tokens_per_second"], logs["padding_share"])
        print(
            f"epoch {epoch + 1}/{self.params['epochs']}  {metrics_line(logs)}"
            f"  {speed}  {duration(logs['seconds'])}",
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
    shown = {k: v for k, v in metrics.items() if k not in MEASURES}
    return "  ".join(f"{name} {value:.4f}" for name, value in shown.items())


def pace_line(tokens_per_second: float, padding_share: float) -> str:
    """Returns how fast an epoch goes, such as `5120 tokens/s 12% padding`."""
    return f"{tokens_per_second:.0f} tokens/s {padding_share:.0%} padding"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
