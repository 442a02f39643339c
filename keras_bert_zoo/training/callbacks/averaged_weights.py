"""Averages of the weights, where weights are judged and saved."""

import keras

from keras_bert_zoo.training.optimizers import updates


class AveragedWeights(keras.callbacks.Callback):
    """Puts averaged weights into a model after each epoch.

    For optimizers with `use_ema`, whose averages Keras puts into the model
    when `fit` is over. With this callback validation, callbacks after this
    one at the end of an epoch, and so the weights that are kept of the best
    epoch, have the averages too. Training goes on with the weights themselves.
    """

    def __init__(self):
        super().__init__()
        self._own = None

    def on_epoch_begin(self, epoch, logs=None):
        self._put_back()

    def on_test_begin(self, logs=None):
        self._average()

    def on_epoch_end(self, epoch, logs=None):
        self._average()

    def backup_state(self) -> dict:
        """Returns the weights themselves, while averages are in the model."""
        return {"own": self._own}

    def restore_state(self, state: dict) -> None:
        """Takes what `backup_state` returned."""
        self._own = state["own"]

    def _average(self):
        optimizer = self.model.optimizer
        # Before the first update the weights are their averages.
        if self._own is None and updates.num_updates(optimizer):
            variables = self.model.trainable_variables
            self._own = [
                keras.ops.convert_to_numpy(variable) for variable in variables
            ]
            optimizer.finalize_variable_values(variables)

    def _put_back(self):
        if self._own is not None:
            for variable, value in zip(
                self.model.trainable_variables, self._own, strict=True
            ):
                variable.assign(value)
            self._own = None
