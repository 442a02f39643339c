"""A task model that runs its encoder on packed sequences."""

from collections.abc import Mapping
from typing import Any

import keras

from keras_bert_zoo import feature_names
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.layers import EncoderRun


class PackedForm:
    """A `TaskModel` whose encoder reads packed sequences.

    The head sees each sequence by itself, as always, and so do
    its losses and metrics.

    Args:
        model: `TaskModel`.

    Raises:
        InputError: if the encoder or the head cannot be run so.
    """

    def __init__(self, model: Any):
        encoder = model.encoder
        if not hasattr(encoder, "for_packed_sequences"):
            raise InputError(
                "Packed sequences need a `BertEncoder`. Received: "
                f"{type(encoder).__name__}. Load its weights with "
                "`BertEncoder.from_preset`, or leave `packed_length` out."
            )
        encoded = _encoded(model)
        inputs = {
            name: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=name)
            for name, tensor in model.input.items()
        } | {
            name: keras.Input((), dtype="int32", name=name)
            for name in feature_names.PACKED_INPUTS
        }
        packed = encoder.for_packed_sequences()
        part = keras.Model(
            packed.input, {name: packed.output[name] for name in encoded}
        )
        part = EncoderRun(part, is_frozen=model.freeze_encoder)
        vectors = part({name: inputs[name] for name in packed.input})
        head = keras.Model(
            [*model.input.values(), *encoded.values()], model.output
        )
        outputs = head(
            [inputs[name] for name in model.input]
            + [vectors[name] for name in encoded]
        )
        self._model = keras.Model(inputs, outputs)

    def __call__(self, inputs: Mapping[str, Any], training: bool | None):
        """Returns the logits, as of `inputs` that are not packed."""
        return self._model(inputs, training=training)


def _encoded(model: Any) -> dict:
    calls = [layer for layer in model.layers if hasattr(layer, "encoded")]
    if len(calls) != 1:
        raise InputError(
            "Packed sequences need a head that calls the encoder once, with "
            f"`encode`. Received: the head {model.head.name!r}, with "
            f"{len(calls)} such calls. Leave `packed_length` out."
        )
    (part,) = calls
    changed = [
        name
        for name in model.encoder.input
        if part.encoded_from[name] is not model.input[name]
    ]
    if changed:
        raise InputError(
            "Packed sequences need a head that encodes the model's inputs as "
            f"they are. Received: the head {model.head.name!r}, with "
            f"{', '.join(changed)} of its own. Leave `packed_length` out."
        )
    return dict(part.encoded)
