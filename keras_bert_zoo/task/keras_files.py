"""What Keras' own files of a `TaskModel` need: `.keras` and `.weights.h5`."""

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import h5py
import keras

from keras_bert_zoo.task import parts
from keras_bert_zoo.training import keras_names


class KerasFiles:
    """Lets Keras save a model and read it. To be named before its class."""

    def load_weights(
        self,
        filepath: str | os.PathLike,
        skip_mismatch: bool = False,
        **kwargs: Any,
    ) -> None:
        """Reads what `save_weights` wrote, with the encoder frozen or not.

        A frozen encoder stands at another place in the file. Where that is
        not as here, the state of an optimizer is left there.

        Args:
            filepath: the file.
            skip_mismatch: bool. Whether weights of other shapes are left out.
            **kwargs: what `keras.Model.load_weights` takes.
        """
        if _is_of_frozen(filepath) in (None, self.freeze_encoder):
            super().load_weights(filepath, skip_mismatch, **kwargs)
            return
        with self.distribute_strategy.scope(), _trained_as_before(self.encoder):
            twin = type(self)(
                self.encoder,
                self.head,
                self.tokenizer,
                self.sequence_length,
                freeze_encoder=not self.freeze_encoder,
            )
            # What the file leaves out is as it was.
            twin.set_weights(self.get_weights())
            twin.load_weights(filepath, skip_mismatch, **kwargs)
            self.set_weights(twin.get_weights())

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))

    def get_config(self):
        return parts.serialize(self)

    @classmethod
    def from_config(cls, config, custom_objects=None):
        return cls(**parts.deserialize(config))


@contextlib.contextmanager
def _trained_as_before(encoder) -> Iterator[None]:
    """Leaves to each layer whether it is trained: a model may train all."""
    earlier = [
        (layer, layer.trainable) for layer in keras_names.layers_of(encoder)
    ]
    try:
        yield
    finally:
        # Each sets those inside of it, which come after.
        for layer, is_trained in earlier:
            layer.trainable = is_trained


def _is_of_frozen(path) -> bool | None:
    """Returns whether a file's encoder is frozen; `None` if it has none."""
    if not str(path).endswith(".weights.h5") or not os.path.exists(path):
        return None
    with h5py.File(path) as file:
        layers = file.get("layers", {})
        return "frozen" in layers if layers else None
