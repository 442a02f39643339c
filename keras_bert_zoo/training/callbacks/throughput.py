"""How fast an epoch goes, as a Keras callback."""

import time

import keras

MEASURES = ("learning_rate", "seconds", "tokens_per_second", "padding_fraction")
_NOTHING = {"seconds": 0.0, "num_tokens": [0, 0]}


class Throughput(keras.callbacks.Callback):
    """Adds rate, time and tokens to an epoch's metrics.

    Callbacks after this one, and the history, find

    - `learning_rate`: of the epoch's last update;
    - `seconds`: of the epoch, validation included;
    - `tokens_per_second`: trained on, without padding, in the time of the
      training steps;
    - `padding_fraction`: of padding among all tokens, in [0, 1).

    The last two are 0 for models that do not read a `padding_mask`.
    """

    def __init__(self):
        super().__init__()
        self._counters = None
        self._earlier = _NOTHING
        self._started = self._stepped = 0.0
        self._num_before = (0, 0)

    @property
    def tokens_per_second(self) -> float:
        """Of the epoch so far."""
        seconds = self._stepped - self._started
        return self._num_tokens()[0] / seconds if seconds > 0 else 0.0

    @property
    def padding_fraction(self) -> float:
        """Of the epoch so far."""
        num_tokens, num_padded = self._num_tokens()
        return 1 - num_tokens / num_padded if num_padded else 0.0

    def backup_state(self) -> dict:
        """Returns what the epoch has seen so far, JSON-able."""
        return {
            "seconds": self._stepped - self._started,
            "num_tokens": list(self._num_tokens()),
        }

    def restore_state(self, state: dict) -> None:
        """Takes what `backup_state` returned, for the next epoch to go on."""
        self._earlier = state

    def set_model(self, model):
        super().set_model(model)
        self._counters = model.step_counters()

    def on_epoch_begin(self, epoch, logs=None):
        self._begin(self._earlier)
        self._earlier = _NOTHING

    def on_train_batch_end(self, batch, logs=None):
        self._stepped = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        logs["learning_rate"] = float(self._counters.learning_rate.numpy())
        logs["seconds"] = time.monotonic() - self._started
        logs["tokens_per_second"] = self.tokens_per_second
        logs["padding_fraction"] = self.padding_fraction
        # A backup from here on is one before the next epoch.
        self._begin(_NOTHING)

    def _begin(self, earlier: dict) -> None:
        self._stepped = time.monotonic()
        self._started = self._stepped - earlier["seconds"]
        self._num_before = (0, 0)
        self._num_before = tuple(
            now - number
            for now, number in zip(self._num_tokens(), earlier["num_tokens"])
        )

    def _num_tokens(self) -> tuple[int, int]:
        """Returns the tokens of the epoch, without and with padding."""
        num_tokens, num_padded = self._num_before
        return (
            int(self._counters.num_tokens.numpy()) - num_tokens,
            int(self._counters.num_padded_tokens.numpy()) - num_padded,
        )
