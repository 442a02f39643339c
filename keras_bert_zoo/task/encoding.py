"""The encoder as a part of a head's model."""

import contextlib
import contextvars
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.layers import EncoderRun

_frozen = contextvars.ContextVar("frozen", default=None)


def encode(
    encoder: keras.Model, inputs: Mapping[str, Any], output: str
) -> keras.KerasTensor:
    """Calls an encoder as part of a head's model.

    Layers that the output does not need, such as the pooler of a head that
    reads `sequence_output`, are neither run nor trained. A frozen encoder
    (`encoder.trainable = False`) runs without dropout, so that its output is
    a fixed feature of the text.

    Args:
        encoder: a functional model.
        inputs: the encoder's inputs, by name.
        output: name of one of the encoder's outputs.
    """
    return encode_outputs(encoder, inputs, [output])[output]


def encode_outputs(
    encoder: keras.Model, inputs: Mapping[str, Any], outputs: Sequence[str]
) -> dict[str, keras.KerasTensor]:
    """Returns several outputs of one run of an encoder, by name.

    Args:
        encoder, inputs: as in `encode`.
        outputs: names of the encoder's outputs.
    """
    if isinstance(encoder, _EncodedTexts):
        return {name: encoder.encoded(inputs, name) for name in outputs}
    return _call(encoder, inputs, outputs)


@contextlib.contextmanager
def frozen(encoder: keras.Model) -> Iterator[None]:
    """Lets heads be built on an encoder as on a frozen one.

    Its `trainable` stays as it is: other heads may train it.
    """
    token = _frozen.set(encoder)
    try:
        yield
    finally:
        _frozen.reset(token)


def build_on_one_encoder(
    heads: Mapping[str, Any], encoder: keras.Model
) -> dict[str, Any]:
    """Builds heads that share one run of an encoder.

    Each head's layers have paths that start with its name.

    Args:
        heads: `TaskHead`s by name. They must read the encoder's inputs as
            they are.
        encoder: a functional model.

    Returns:
        The output of each head's model, on `encoder.input`.

    Raises:
        InputError: if a head calls the encoder on inputs of its own.
    """
    built = {}
    for name, head in heads.items():
        texts = _EncodedTexts(encoder)
        with keras.name_scope(name):
            model = head.build(texts)
        inputs = {**texts.features, **texts.used}
        built[name] = keras.Model(inputs, model.output, name=name), texts
    used = dict.fromkeys(
        key for _, texts in built.values() for key in texts.used
    )
    encoded = _call(encoder, encoder.input, list(used))
    return {
        name: model(
            {**encoder.input, **{key: encoded[key] for key in texts.used}}
        )
        for name, (model, texts) in built.items()
    }


def _call(encoder, inputs, outputs: Sequence[str]) -> dict:
    outputs_by_name = {name: encoder.output[name] for name in outputs}
    part = EncoderRun(
        keras.Model(encoder.input, outputs_by_name, name="encoder"),
        is_frozen=not encoder.trainable or encoder is _frozen.get(),
        name="encoder_run",
    )
    encoded = part(inputs)
    part.encoded, part.encoded_from = encoded, inputs
    return encoded


class _EncodedTexts:
    """An encoder whose outputs are inputs: computed once, for several heads.

    Everything else that a head may ask of it is the encoder's own.
    """

    def __init__(self, encoder: keras.Model):
        self._encoder = encoder
        self.features = _inputs_like(encoder.input)
        self.output = _inputs_like(encoder.output)
        self.input = {**self.features, **self.output}
        self.used: dict[str, keras.KerasTensor] = {}

    def encoded(self, inputs: Mapping[str, Any], output: str):
        expected = self.input
        if any(
            inputs.get(name) is not expected[name] for name in self.features
        ):
            raise InputError(
                "Heads that share an encoder must read its inputs as they "
                "are. Received: a head that encodes others. Train it alone."
            )
        self.used[output] = self.output[output]
        return self.output[output]

    def __getattr__(self, name: str):
        return getattr(self._encoder, name)


def _inputs_like(tensors: Mapping[str, keras.KerasTensor]) -> dict:
    return {
        name: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=name)
        for name, tensor in tensors.items()
    }
